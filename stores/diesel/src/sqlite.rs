use std::thread;
use std::time::{Duration, Instant};

use countersign_sql::{Dialect, Failure};
use diesel::connection::SimpleConnection;
use diesel::deserialize::{self, FromSql};
use diesel::query_builder::AstPass;
use diesel::result::{QueryResult, UnexpectedEndOfRow, UnexpectedNullError};
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Binary, Text};
use diesel::sqlite::{Sqlite, SqliteConnection, SqliteType};

use crate::argument::Argument;
use crate::database::Database;
use crate::driver_error::failure;

impl Database for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn push<'b>(mut pass: AstPass<'_, 'b, Self>, argument: &'b Argument) -> QueryResult<()> {
        match argument {
            Argument::Text(text) => pass.push_bind_param::<Text, str>(text),
            Argument::Uuid { bytes, .. } => pass.push_bind_param::<Binary, [u8]>(bytes),
            Argument::Number(number) => pass.push_bind_param::<BigInt, i64>(number),
            Argument::Bytes(bytes) => pass.push_bind_param::<Binary, [u8]>(bytes),
            Argument::Flag(true) => pass.push_bind_param::<BigInt, i64>(&1),
            Argument::Flag(false) => pass.push_bind_param::<BigInt, i64>(&0),
        }
    }

    fn bytes<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<Vec<u8>> {
        let field = row.get(column).ok_or(UnexpectedEndOfRow)?;
        let value = field.value().ok_or(UnexpectedNullError)?;
        match value.value_type() {
            Some(SqliteType::Binary) => FromSql::<Binary, Self>::from_sql(value),
            other => Err(other_type(other)),
        }
    }

    fn number<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<i64> {
        let field = row.get(column).ok_or(UnexpectedEndOfRow)?;
        let value = field.value().ok_or(UnexpectedNullError)?;
        match value.value_type() {
            Some(SqliteType::Long) => FromSql::<BigInt, Self>::from_sql(value),
            other => Err(other_type(other)),
        }
    }

    /// Diesel gives no result code. The messages of SQLite are always the same.
    fn failure(message: &str) -> Failure {
        let contains = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if contains(&["no such table"]) {
            Failure::NoTable
        } else if contains(&[
            "has no column named",
            "no such column",
            "ON CONFLICT clause does not match",
            "cannot store ",
        ]) {
            Failure::WrongTable
        } else if contains(&["is locked"]) {
            Failure::Locked
        } else if contains(&["readonly database"]) {
            Failure::ReadOnly
        } else if contains(&["disk is full"]) {
            Failure::DiskFull
        } else if contains(&[
            "unable to open database",
            "Unable to open",
            "not a database",
        ]) {
            Failure::CannotOpen
        } else {
            Failure::Other
        }
    }
}

/// SQLite would convert a value of another type.
fn other_type(kind: Option<SqliteType>) -> Box<dyn std::error::Error + Send + Sync> {
    format!("the column has the type {kind:?}").into()
}

/// Sets what a store needs of a SQLite connection:
///
/// - `busy_timeout` of 4 seconds: a write waits as long for another connection that writes.
/// - `journal_mode = WAL`: loads do not wait for writes. The file keeps this setting. A database
///   that does not support it, such as one in memory, keeps its own mode.
/// - `synchronous = FULL`: a write waits for the disk. With a weaker setting, a power failure can
///   undo the last writes. A used passcode is then valid again, or a wrong guess is not counted.
///
/// Call this function on every connection that you give to a store. A pool of r2d2 does so with
/// `ConfigureSqlite`, and a pool of diesel-async with `sqlite_manager`.
///
/// # Errors
/// The error of diesel, for example if the file is no database or read-only, or if another
/// connection keeps it locked.
pub fn configure_sqlite(connection: &mut SqliteConnection) -> QueryResult<()> {
    let limit = BUSY_TIMEOUT.as_millis();
    connection.batch_execute(&format!("PRAGMA busy_timeout = {limit}"))?;
    switch_to_wal(connection)?;
    connection.batch_execute("PRAGMA synchronous = FULL")
}

/// If several connections switch a new database at the same time, SQLite does not let one wait for
/// the other, but answers some of them at once that the database is locked.
fn switch_to_wal(connection: &mut SqliteConnection) -> QueryResult<()> {
    let begun = Instant::now();
    loop {
        let answer = connection.batch_execute("PRAGMA journal_mode = WAL");
        match answer.as_ref().map_err(failure::<Sqlite>) {
            Err(Failure::Locked) if begun.elapsed() < BUSY_TIMEOUT => thread::sleep(PAUSE),
            _ => return answer,
        }
    }
}

/// Shorter than the time limit of a call, so that a locked database is an error that says so.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(5);

/// Calls [`configure_sqlite`] on each new connection of a pool of r2d2: pass it to
/// `connection_customizer` of the builder.
#[cfg(feature = "r2d2")]
#[derive(Debug, Clone, Copy, Default)]
pub struct ConfigureSqlite;

#[cfg(feature = "r2d2")]
impl diesel::r2d2::CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for ConfigureSqlite {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        configure_sqlite(connection).map_err(diesel::r2d2::Error::QueryError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_failure() {
        for (message, failure) in [
            ("no such table: countersign", Failure::NoTable),
            ("no such column: revision", Failure::WrongTable),
            (
                "table countersign has no column named record",
                Failure::WrongTable,
            ),
            (
                "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint",
                Failure::WrongTable,
            ),
            (
                "cannot store TEXT value in INTEGER column countersign.revision",
                Failure::WrongTable,
            ),
            ("database is locked", Failure::Locked),
            ("database table is locked", Failure::Locked),
            ("attempt to write a readonly database", Failure::ReadOnly),
            ("database or disk is full", Failure::DiskFull),
            ("unable to open database file", Failure::CannotOpen),
            ("file is not a database", Failure::CannotOpen),
            ("near \"SELEC\": syntax error", Failure::Other),
        ] {
            assert_eq!(Sqlite::failure(message), failure, "{message}");
        }
    }
}
