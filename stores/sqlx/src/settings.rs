use std::time::Duration;

use countersign_sql::{Dialect, TableName};
use sqlx::{ColumnIndex, Decode, Executor, Row, Type};

use crate::Error;
use crate::driver::Driver;

/// Asks the database for its settings. Returns how long a call may take by default.
pub(crate) async fn time_limit<DB: Driver>(
    dialect: Dialect,
    connection: &mut DB::Connection,
    table: &TableName,
) -> Result<Duration, Error>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'r> String: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let rows = sqlx::raw_sql(dialect.settings())
        .fetch_all(connection)
        .await;
    let rows = rows.map_err(|error| DB::error(table, error))?;
    let text = |row: &DB::Row, column: usize| row.try_get::<String, _>(column);
    let settings: Result<Vec<_>, _> = rows
        .iter()
        .map(|row| Ok((text(row, 0)?, text(row, 1)?)))
        .collect();
    let settings = settings.map_err(|error| DB::error(table, error))?;
    let rows = settings.iter().map(|(name, value)| (&**name, &**value));
    dialect.time_limit(rows)
}
