//! The part of a store that depends on the driver: arguments, rows and errors.

use std::sync::Arc;

use countersign_sql::{Call, Failure, TableName, Value};
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::{AssertSqlSafe, Database, SqlSafeStr, SqlStr};

use crate::Error;

/// A database of sqlx.
pub(crate) trait Driver: Database {
    /// Adds the next argument of a statement.
    fn add(arguments: &mut Self::Arguments, value: Value<'_>) -> Result<(), BoxDynError>;

    /// The record and the revision of a row.
    fn record(row: &Self::Row) -> Result<(Vec<u8>, i64), sqlx::Error>;

    /// The account id in a column of a row.
    fn id(row: &Self::Row, column: usize) -> Result<Vec<u8>, sqlx::Error>;

    /// The number of rows that a statement changed.
    fn rows_affected(done: &Self::QueryResult) -> u64;

    /// Classifies an error that the database reports.
    fn failure(error: &dyn DatabaseError) -> Failure;

    /// Converts an error of the driver into an error that says what to do.
    fn error(table: &TableName, source: sqlx::Error) -> Error {
        let failure = match &source {
            sqlx::Error::Database(error) => Self::failure(&**error),
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. } => Failure::WrongTable,
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Failure::ConnectionLost,
            _ => Failure::Other,
        };
        failure.error(table, source)
    }
}

/// The text of a statement. Cloning it is cheap, and each connection caches its prepared statements
/// by this text. Only a [`TableName`] varies in it, and a table name cannot contain a quote.
pub(crate) fn sql(text: impl Into<Arc<str>>) -> SqlStr {
    AssertSqlSafe(text.into()).into_sql_str()
}

/// The text and the arguments of a call.
pub(crate) fn bind<DB: Driver>(call: Call<'_>) -> Result<(SqlStr, DB::Arguments), Error> {
    let arguments = arguments::<DB>(call.arguments().iter().copied())?;
    Ok((sql(Arc::clone(call.sql())), arguments))
}

pub(crate) fn arguments<'a, DB: Driver>(
    values: impl IntoIterator<Item = Value<'a>>,
) -> Result<DB::Arguments, Error> {
    let mut arguments = DB::Arguments::default();
    for value in values {
        DB::add(&mut arguments, value)
            .map_err(|error| Error::Database(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

/// The record and the revision of each row.
pub(crate) fn records<DB: Driver>(
    table: &TableName,
    rows: Vec<DB::Row>,
) -> impl Iterator<Item = Result<(Vec<u8>, i64), Error>> {
    let record = |row| DB::record(&row).map_err(|error| DB::error(table, error));
    rows.into_iter().map(record)
}

/// The account id of each row.
pub(crate) fn ids<DB: Driver>(
    table: &TableName,
    rows: Vec<DB::Row>,
) -> impl Iterator<Item = Result<Vec<u8>, Error>> {
    let id = |row| DB::id(&row, 0).map_err(|error| DB::error(table, error));
    rows.into_iter().map(id)
}
