use countersign_sql::{Dialect, Failure};
use diesel::deserialize::{self, FromSql};
use diesel::mysql::{Mysql, MysqlType};
use diesel::query_builder::AstPass;
use diesel::result::{QueryResult, UnexpectedEndOfRow, UnexpectedNullError};
use diesel::row::{Field, Row};
use diesel::sql_types::{BigInt, Binary, Bool};

use crate::argument::Argument;
use crate::database::Database;

impl Database for Mysql {
    const DIALECT: Dialect = Dialect::MySql;

    fn push<'b>(mut pass: AstPass<'_, 'b, Self>, argument: &'b Argument) -> QueryResult<()> {
        match argument {
            Argument::Text(text) => pass.push_bind_param::<Binary, [u8]>(text.as_bytes()),
            Argument::Uuid { bytes, .. } => pass.push_bind_param::<Binary, [u8]>(bytes),
            Argument::Number(number) => pass.push_bind_param::<BigInt, i64>(number),
            Argument::Bytes(bytes) => pass.push_bind_param::<Binary, [u8]>(bytes),
            Argument::Flag(flag) => pass.push_bind_param::<Bool, bool>(flag),
        }
    }

    fn bytes<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<Vec<u8>> {
        let field = row.get(column).ok_or(UnexpectedEndOfRow)?;
        let value = field.value().ok_or(UnexpectedNullError)?;
        match value.value_type() {
            MysqlType::Blob | MysqlType::String => FromSql::<Binary, Self>::from_sql(value),
            other => Err(other_type(other)),
        }
    }

    fn number<'r>(row: &impl Row<'r, Self>, column: usize) -> deserialize::Result<i64> {
        let field = row.get(column).ok_or(UnexpectedEndOfRow)?;
        let value = field.value().ok_or(UnexpectedNullError)?;
        match value.value_type() {
            MysqlType::LongLong | MysqlType::UnsignedLongLong => {
                FromSql::<BigInt, Self>::from_sql(value)
            }
            other => Err(other_type(other)),
        }
    }

    /// Diesel gives no error number. So this looks for the words of the server in English, its
    /// default language, and for those of the two drivers. In another language, the failure is
    /// [`Failure::Other`].
    fn failure(message: &str) -> Failure {
        let is = |start: &str, end: &str| message.starts_with(start) && message.contains(end);
        let contains = |words: &[&str]| words.iter().any(|words| message.contains(words));
        if is("Table ", "doesn't exist") {
            Failure::NoTable
        } else if is("Table ", "already exists") {
            Failure::AlreadyExists
        } else if is("Unknown column ", "")
            || is("Data too long for column ", "")
            || is("Out of range value for column ", "")
            || is("Incorrect ", " value: ")
            || is("CONSTRAINT ", " failed for ")
            || is("Check constraint ", " is violated")
        {
            Failure::WrongTable
        } else if is("Duplicate entry ", "") || is("Can't write; duplicate key", "") {
            Failure::AlreadyExists
        } else if is("Deadlock found ", "") || is("Record has changed since last read", "") {
            Failure::Conflict
        } else if is("Lock wait timeout exceeded", "") {
            Failure::Locked
        } else if contains(&[
            "read-only option",
            "READ ONLY transaction",
            "read-only mode",
        ]) {
            Failure::ReadOnly
        } else if contains(&["command denied to user"]) {
            Failure::NotAllowed
        } else if is("The table ", " is full") || is("Disk full", "") {
            Failure::DiskFull
        } else if is("Unknown prepared statement handler", "") {
            Failure::Pooler
        } else if contains(&["WSREP has not yet prepared", "during COMMIT"]) {
            Failure::LeftCluster
        } else if contains(&[
            "Too many connections",
            "max_user_connections",
            "has exceeded the ",
            "Can't connect to ",
            "Connection refused",
        ]) {
            Failure::Unreachable
        } else if contains(&[
            "Server shutdown in progress",
            "Connection was killed",
            "inactivity",
            "erver has gone away",
            "Lost connection to ",
            // The driver mysql_async.
            "Input/output error",
            "Connection to the server is closed",
            "was closed",
            "Packet out of order",
        ]) {
            Failure::ConnectionLost
        } else if contains(&["Access denied", "Unknown database"]) {
            Failure::CannotOpen
        } else {
            Failure::Other
        }
    }
}

/// Diesel would take the bytes of a number, and convert a number of another type.
fn other_type(kind: MysqlType) -> Box<dyn std::error::Error + Send + Sync> {
    format!("the column has the type {kind:?}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_failure() {
        for (message, failure) in [
            ("Table 'app.countersign' doesn't exist", Failure::NoTable),
            ("Table 'countersign' already exists", Failure::AlreadyExists),
            ("Unknown column 'record' in 'SELECT'", Failure::WrongTable),
            (
                "Data too long for column 'account' at row 1",
                Failure::WrongTable,
            ),
            (
                "Out of range value for column 'key_id' at row 1",
                Failure::WrongTable,
            ),
            (
                "Incorrect integer value: 'Deadlock found' for column 'account' at row 1",
                Failure::WrongTable,
            ),
            (
                "CONSTRAINT `C_1` failed for `test`.`t`",
                Failure::WrongTable,
            ),
            (
                "Duplicate entry 'Deadlock found ' for key 'PRIMARY'",
                Failure::AlreadyExists,
            ),
            (
                "Deadlock found when trying to get lock; try restarting transaction",
                Failure::Conflict,
            ),
            (
                "Record has changed since last read in table 'countersign'",
                Failure::Conflict,
            ),
            (
                "Lock wait timeout exceeded; try restarting transaction",
                Failure::Locked,
            ),
            (
                "The MariaDB server is running with the --read-only option so it cannot execute \
                 this statement",
                Failure::ReadOnly,
            ),
            (
                "Cannot execute statement in a READ ONLY transaction",
                Failure::ReadOnly,
            ),
            (
                "UPDATE command denied to user 'reader'@'localhost' for table `test`.`t`",
                Failure::NotAllowed,
            ),
            ("The table 'countersign' is full", Failure::DiskFull),
            (
                "Unknown prepared statement handler (1) given to EXECUTE",
                Failure::Pooler,
            ),
            (
                "WSREP has not yet prepared node for application use",
                Failure::LeftCluster,
            ),
            (
                "Got error 6 \"No such device or address\" during COMMIT",
                Failure::LeftCluster,
            ),
            ("Too many connections", Failure::Unreachable),
            (
                "User 'many' has exceeded the 'max_user_connections' resource (current value: 1)",
                Failure::Unreachable,
            ),
            ("MySQL server has gone away", Failure::ConnectionLost),
            ("Server has gone away", Failure::ConnectionLost),
            (
                "Lost connection to server during query",
                Failure::ConnectionLost,
            ),
            ("Connection was killed", Failure::ConnectionLost),
            (
                "Access denied for user 'none'@'localhost'",
                Failure::CannotOpen,
            ),
            ("Unknown database 'none'", Failure::CannotOpen),
            ("You have an error in your SQL syntax", Failure::Other),
        ] {
            assert_eq!(Mysql::failure(message), failure, "{message}");
        }
    }
}
