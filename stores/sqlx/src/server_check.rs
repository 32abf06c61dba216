//! What a store asks a database server before its first statement.

use std::pin::Pin;
use std::time::Duration;

use countersign_sql::{Dialect, TIME_LIMIT, TableName};
use sqlx::{ColumnIndex, Decode, Executor, Pool, Row, Type};

use crate::Error;
use crate::driver::Driver;

/// A statement or a transaction that runs on a connection.
pub(crate) type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;

/// A database whose servers have a check.
pub(crate) trait CheckedServer: Driver {
    /// Asks the server of the connection. Returns how long a call may take by default, or `None` if
    /// a part of the check could not run, so that a later call repeats it.
    fn check<'c>(
        connection: &'c mut Self::Connection,
        pool: &'c Pool<Self>,
        table: &'c TableName,
    ) -> Running<'c, Option<Duration>>;
}

/// Asks the server for its settings. Returns how long a call may take by default.
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
    let Some(sql) = dialect.settings() else {
        return Ok(TIME_LIMIT);
    };
    let rows = sqlx::raw_sql(sql).fetch_all(connection).await;
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
