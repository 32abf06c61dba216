use countersign_sql::{Failure, Value};
use sqlx::error::{BoxDynError, DatabaseError};
use sqlx::postgres::{PgArguments, PgDatabaseError, PgQueryResult, PgRow};
use sqlx::{Arguments, Postgres, Row};

use crate::driver::Driver;

impl Driver for Postgres {
    fn add(arguments: &mut PgArguments, value: Value<'_>) -> Result<(), BoxDynError> {
        match value {
            // sqlx's UUID type needs a feature that your application may not enable. So the store
            // sends UUIDs as text, which the server parses.
            Value::Text(text) | Value::Uuid { text, .. } => arguments.add(text),
            Value::Number(number) => arguments.add(number),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Flag(flag) => arguments.add(flag),
        }
    }

    fn record(row: &PgRow) -> Result<(Vec<u8>, i64), sqlx::Error> {
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    fn id(row: &PgRow, column: usize) -> Result<Vec<u8>, sqlx::Error> {
        row.try_get(column).map(String::into_bytes)
    }

    fn rows_affected(done: &PgQueryResult) -> u64 {
        done.rows_affected()
    }

    fn failure(error: &dyn DatabaseError) -> Failure {
        let reported = error.try_downcast_ref::<PgDatabaseError>();
        match Failure::postgres(&error.code().unwrap_or_default()) {
            // A pooler also uses the code of a protocol violation for a server that is gone. Only a
            // server names one of its routines.
            Failure::Pooler if reported.and_then(PgDatabaseError::routine).is_none() => {
                Failure::ConnectionLost
            }
            failure => failure,
        }
    }
}
