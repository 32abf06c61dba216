use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::mysql::{MySqlArguments, MySqlDatabaseError, MySqlQueryResult, MySqlRow};
use sqlx::{Arguments, MySql, Row};

use crate::Error;
use crate::dialect::Dialect;
use crate::table_name::TableName;
use crate::value::Value;

impl Dialect for MySql {
    fn add(arguments: &mut MySqlArguments, value: Value<'_>) -> Result<(), BoxDynError> {
        match value {
            Value::Text(text) => arguments.add(text.as_bytes()),
            Value::Uuid { bytes, .. } => arguments.add(&bytes[..]),
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Flag(flag) => arguments.add(flag),
        }
    }

    fn record(row: &MySqlRow) -> Result<(Vec<u8>, i64), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn rows_affected(done: &MySqlQueryResult) -> u64 {
        done.rows_affected()
    }

    fn error(table: &TableName, source: sqlx::Error) -> Error {
        let database = source.as_database_error();
        let Some(database) = database.and_then(|error| error.try_downcast_ref()) else {
            return Error::from_driver(table, source);
        };
        match MySqlDatabaseError::number(database) {
            NO_SUCH_TABLE => Error::no_table(table, source),
            BAD_FIELD
            | NO_DEFAULT_FOR_FIELD
            | BAD_NULL
            | WRONG_VALUE
            | WRONG_VALUE_FOR_FIELD
            | OUT_OF_RANGE
            | DATA_TOO_LONG
            | CHECK_VIOLATED
            | CHECK_FAILED => Error::wrong_table(table, source),
            NO_REFERENCED_ROW | NO_REFERENCED_ROW_2 => Error::foreign_key(table, source),
            LOCK_DEADLOCK | RECORD_HAS_CHANGED => Error::Conflict(source),
            LOCK_WAIT_TIMEOUT => Error::Locked(source),
            READ_ONLY_SERVER | READ_ONLY_TRANSACTION | READ_ONLY_MODE => Error::ReadOnly(source),
            TABLE_ACCESS_DENIED | COLUMN_ACCESS_DENIED => Error::NotAllowed(source),
            DISK_FULL | TABLE_FULL => Error::DiskFull(source),
            UNKNOWN_STATEMENT => Error::Pooler(source),
            TOO_MANY_CONNECTIONS | TOO_MANY_USER_CONNECTIONS | USER_LIMIT_REACHED => {
                Error::Unreachable(source)
            }
            SHUTDOWN | CONNECTION_KILLED | IDLE_FOR_TOO_LONG => Error::ConnectionLost(source),
            DATABASE_ACCESS_DENIED | ACCESS_DENIED | NO_SUCH_DATABASE | NO_PASSWORD => {
                Error::CannotOpen(source)
            }
            _ => Error::Database(source),
        }
    }

    // MySQL has no `ON CONFLICT DO NOTHING`.
    fn says_account_exists(error: &sqlx::Error) -> bool {
        let error = error.as_database_error();
        error.is_some_and(DatabaseError::is_unique_violation)
    }
}

// https://mariadb.com/kb/en/mariadb-error-code-reference/
// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
const RECORD_HAS_CHANGED: u16 = 1020;
const DISK_FULL: u16 = 1021;
const TOO_MANY_CONNECTIONS: u16 = 1040;
const DATABASE_ACCESS_DENIED: u16 = 1044;
const ACCESS_DENIED: u16 = 1045;
const BAD_NULL: u16 = 1048;
const NO_SUCH_DATABASE: u16 = 1049;
const SHUTDOWN: u16 = 1053;
const BAD_FIELD: u16 = 1054;
const TABLE_FULL: u16 = 1114;
const TABLE_ACCESS_DENIED: u16 = 1142;
const COLUMN_ACCESS_DENIED: u16 = 1143;
const NO_SUCH_TABLE: u16 = 1146;
const TOO_MANY_USER_CONNECTIONS: u16 = 1203;
const LOCK_WAIT_TIMEOUT: u16 = 1205;
const LOCK_DEADLOCK: u16 = 1213;
const NO_REFERENCED_ROW: u16 = 1216;
const USER_LIMIT_REACHED: u16 = 1226;
const UNKNOWN_STATEMENT: u16 = 1243;
const OUT_OF_RANGE: u16 = 1264;
const READ_ONLY_SERVER: u16 = 1290;
const WRONG_VALUE: u16 = 1292;
const NO_DEFAULT_FOR_FIELD: u16 = 1364;
const WRONG_VALUE_FOR_FIELD: u16 = 1366;
const DATA_TOO_LONG: u16 = 1406;
const NO_REFERENCED_ROW_2: u16 = 1452;
const NO_PASSWORD: u16 = 1698;
const READ_ONLY_TRANSACTION: u16 = 1792;
const READ_ONLY_MODE: u16 = 1836;
const CONNECTION_KILLED: u16 = 1927;
const CHECK_VIOLATED: u16 = 3819;
const CHECK_FAILED: u16 = 4025;
const IDLE_FOR_TOO_LONG: u16 = 4031;
