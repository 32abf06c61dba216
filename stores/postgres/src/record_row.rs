use countersign_sql::RecordTable;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::{DriverError, Error};

/// The record and the revision in a row that a load returned.
pub(crate) fn record_row(table: &RecordTable, row: &Row) -> Result<(Vec<u8>, i64), Error> {
    Ok((column(table, row, 0)?, column(table, row, 1)?))
}

/// The account id in a row of a list of accounts.
pub(crate) fn id_row(table: &RecordTable, row: &Row) -> Result<Vec<u8>, Error> {
    column::<String>(table, row, 0).map(String::into_bytes)
}

fn column<'r, T: FromSql<'r>>(table: &RecordTable, row: &'r Row, index: usize) -> Result<T, Error> {
    row.try_get(index)
        .map_err(|error| DriverError::from(error).of_column(table.name()))
}
