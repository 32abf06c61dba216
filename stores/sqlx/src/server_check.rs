//! What a store asks a database server before its first statement.

use std::pin::Pin;
use std::time::Duration;

use countersign_sql::TableName;
use sqlx::Pool;

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
