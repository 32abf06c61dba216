use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::{Arguments, Postgres, Row};

use crate::Error;
use crate::dialect::Dialect;
use crate::table_name::TableName;
use crate::value::Value;

impl Dialect for Postgres {
    fn add(arguments: &mut PgArguments, value: Value<'_>) -> Result<(), BoxDynError> {
        match value {
            Value::Text(text) | Value::Uuid { text, .. } => arguments.add(text),
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Flag(flag) => arguments.add(flag),
        }
    }

    fn record(row: &PgRow) -> Result<(Vec<u8>, i64), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn rows_affected(done: &PgQueryResult) -> u64 {
        done.rows_affected()
    }

    fn error(table: &TableName, source: sqlx::Error) -> Error {
        let Some(database) = source.as_database_error() else {
            return Error::from_driver(table, source);
        };
        let code = database.code().unwrap_or_default().into_owned();
        match code.as_str() {
            UNDEFINED_TABLE => Error::no_table(table, source),
            UNDEFINED_COLUMN | DATATYPE_MISMATCH | UNDEFINED_FUNCTION | NOT_NULL_VIOLATION
            | CHECK_VIOLATION | STRING_TOO_LONG | NUMBER_OUT_OF_RANGE | NO_SUCH_CONSTRAINT
            | WRONG_OBJECT_TYPE => Error::wrong_table(table, source),
            FOREIGN_KEY_VIOLATION => Error::foreign_key(table, source),
            SERIALIZATION_FAILURE | DEADLOCK_DETECTED => Error::Conflict(source),
            LOCK_NOT_AVAILABLE => Error::Locked(source),
            READ_ONLY_TRANSACTION => Error::ReadOnly(source),
            INSUFFICIENT_PRIVILEGE => Error::NotAllowed(source),
            DISK_FULL => Error::DiskFull(source),
            UNKNOWN_STATEMENT | DUPLICATE_STATEMENT | PROTOCOL_VIOLATION => Error::Pooler(source),
            TOO_MANY_CONNECTIONS | CANNOT_CONNECT_NOW => Error::Unreachable(source),
            ADMIN_SHUTDOWN | CRASH_SHUTDOWN => Error::ConnectionLost(source),
            INVALID_AUTHORIZATION | INVALID_PASSWORD | NO_SUCH_DATABASE => {
                Error::CannotOpen(source)
            }
            code if code.starts_with(CONNECTION_EXCEPTIONS) => Error::ConnectionLost(source),
            _ => Error::Database(source),
        }
    }
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const CONNECTION_EXCEPTIONS: &str = "08";
const PROTOCOL_VIOLATION: &str = "08P01";
const STRING_TOO_LONG: &str = "22001";
const NUMBER_OUT_OF_RANGE: &str = "22003";
const NOT_NULL_VIOLATION: &str = "23502";
const FOREIGN_KEY_VIOLATION: &str = "23503";
const CHECK_VIOLATION: &str = "23514";
const READ_ONLY_TRANSACTION: &str = "25006";
const UNKNOWN_STATEMENT: &str = "26000";
const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";
const NO_SUCH_DATABASE: &str = "3D000";
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK_DETECTED: &str = "40P01";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const UNDEFINED_COLUMN: &str = "42703";
const DATATYPE_MISMATCH: &str = "42804";
const WRONG_OBJECT_TYPE: &str = "42809";
const UNDEFINED_FUNCTION: &str = "42883";
const UNDEFINED_TABLE: &str = "42P01";
const DUPLICATE_STATEMENT: &str = "42P05";
const NO_SUCH_CONSTRAINT: &str = "42P10";
const DISK_FULL: &str = "53100";
const TOO_MANY_CONNECTIONS: &str = "53300";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const ADMIN_SHUTDOWN: &str = "57P01";
const CRASH_SHUTDOWN: &str = "57P02";
const CANNOT_CONNECT_NOW: &str = "57P03";
