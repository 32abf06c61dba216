use std::sync::Arc;

use countersign_sql::Call;
use rusqlite::types::Value;
use rusqlite::{Connection, Result, params_from_iter};

/// A statement with its arguments, which may outlive its caller.
#[derive(Debug)]
pub(crate) struct Statement {
    sql: Arc<str>,
    arguments: Vec<Value>,
}

impl From<Call<'_>> for Statement {
    fn from(call: Call<'_>) -> Self {
        Self {
            sql: Arc::clone(call.sql()),
            arguments: call.arguments().iter().copied().map(argument).collect(),
        }
    }
}

/// Runs a statement on a connection: one of the methods of [`Statement`].
pub(crate) type Run<T> = fn(&Statement, &Connection) -> Result<T>;

impl Statement {
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// Changes rows, and returns their number.
    pub(crate) fn execute(&self, connection: &Connection) -> Result<u64> {
        let mut prepared = connection.prepare_cached(&self.sql)?;
        let changed = prepared.execute(params_from_iter(&self.arguments))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Reads the record and the revision of each row.
    pub(crate) fn records(&self, connection: &Connection) -> Result<Vec<(Vec<u8>, i64)>> {
        let mut prepared = connection.prepare_cached(&self.sql)?;
        let rows = prepared.query_map(params_from_iter(&self.arguments), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        rows.collect()
    }

    /// Reads the account id of each row.
    pub(crate) fn ids(&self, connection: &Connection) -> Result<Vec<Vec<u8>>> {
        let mut prepared = connection.prepare_cached(&self.sql)?;
        let rows = prepared.query_map(params_from_iter(&self.arguments), |row| row.get(0))?;
        rows.collect()
    }
}

fn argument(value: countersign_sql::Value<'_>) -> Value {
    match value {
        countersign_sql::Value::Text(text) => Value::Text(text.to_owned()),
        countersign_sql::Value::Number(number) => Value::Integer(number),
        countersign_sql::Value::Uuid { bytes, .. } => Value::Blob(bytes.to_vec()),
        countersign_sql::Value::Bytes(bytes) => Value::Blob(bytes.to_vec()),
        countersign_sql::Value::Flag(flag) => Value::Integer(flag.into()),
    }
}
