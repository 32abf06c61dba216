use sqlx::Sqlite;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{Arguments, Row};

use crate::Error;
use crate::dialect::Dialect;
use crate::table_name::TableName;
use crate::value::Value;

impl Dialect for Sqlite {
    fn add(arguments: &mut SqliteArguments, value: Value<'_>) -> Result<(), BoxDynError> {
        match value {
            Value::Text(text) => arguments.add(text),
            Value::Number(number) => arguments.add(number),
            Value::Uuid { bytes, .. } => arguments.add(bytes.to_vec()),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Flag(flag) => arguments.add(flag),
        }
    }

    fn record(row: &SqliteRow) -> Result<(Vec<u8>, i64), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn rows_affected(done: &SqliteQueryResult) -> u64 {
        done.rows_affected()
    }

    fn error(table: &TableName, source: sqlx::Error) -> Error {
        error(table, source)
    }
}

fn error(table: &TableName, source: sqlx::Error) -> Error {
    let Some(database) = source.as_database_error() else {
        return Error::from_driver(table, source);
    };
    let code = database.code().and_then(|code| code.parse().ok());
    let code: u32 = code.unwrap_or_default();
    match code {
        SQLITE_CONSTRAINT_FOREIGNKEY => return Error::foreign_key(table, source),
        SQLITE_CONSTRAINT_NOTNULL | SQLITE_CONSTRAINT_CHECK | SQLITE_CONSTRAINT_DATATYPE => {
            return Error::wrong_table(table, source);
        }
        _ => {}
    }
    match code & PRIMARY_CODE {
        SQLITE_ERROR if database.message().contains("no such table") => {
            Error::no_table(table, source)
        }
        SQLITE_ERROR if database.message().contains("column") => Error::wrong_table(table, source),
        // The column `account` is not a key.
        SQLITE_ERROR if database.message().contains("ON CONFLICT") => {
            Error::wrong_table(table, source)
        }
        SQLITE_BUSY | SQLITE_LOCKED => Error::Locked(source),
        SQLITE_READONLY => Error::ReadOnly(source),
        SQLITE_FULL => Error::DiskFull(source),
        SQLITE_CANTOPEN => Error::CannotOpen(source),
        _ => Error::Database(source),
    }
}

// https://www.sqlite.org/rescode.html: the low byte of an extended code is the primary code.
const PRIMARY_CODE: u32 = 0xFF;
const SQLITE_ERROR: u32 = 1;
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;
const SQLITE_CONSTRAINT_CHECK: u32 = 275;
const SQLITE_CONSTRAINT_FOREIGNKEY: u32 = 787;
const SQLITE_CONSTRAINT_NOTNULL: u32 = 1299;
const SQLITE_CONSTRAINT_DATATYPE: u32 = 3091;
