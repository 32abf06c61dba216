use countersign_sql::{Failure, Value};
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::sqlite::{SqliteArguments, SqliteQueryResult, SqliteRow};
use sqlx::{Arguments, Row, Sqlite};

use crate::driver::Driver;

impl Driver for Sqlite {
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

    fn id(row: &SqliteRow, column: usize) -> Result<Vec<u8>, sqlx::Error> {
        row.try_get(column)
    }

    fn rows_affected(done: &SqliteQueryResult) -> u64 {
        done.rows_affected()
    }

    fn failure(error: &dyn DatabaseError) -> Failure {
        let code = error.code().and_then(|code| code.parse().ok());
        Failure::sqlite(code.unwrap_or_default(), error.message())
    }
}
