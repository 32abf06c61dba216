use countersign_sql::{Failure, Value};
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::mysql::{MySqlArguments, MySqlDatabaseError, MySqlQueryResult, MySqlRow};
use sqlx::{Arguments, MySql, Row};

use crate::driver::Driver;

impl Driver for MySql {
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

    fn id(row: &MySqlRow, column: usize) -> Result<Vec<u8>, sqlx::Error> {
        row.try_get(column)
    }

    fn rows_affected(done: &MySqlQueryResult) -> u64 {
        done.rows_affected()
    }

    fn failure(error: &dyn DatabaseError) -> Failure {
        let error = error.try_downcast_ref();
        error.map_or(Failure::Other, |error| {
            Failure::mysql(MySqlDatabaseError::number(error))
        })
    }
}
