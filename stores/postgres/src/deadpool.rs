use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use deadpool_postgres::{Object, ObjectId, Pool, PoolError};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};

use crate::{Connections, DriverError, NoConnection};

impl Connections for Pool {
    type Connection = Object;
    /// How many times the pool had handed out each connection when the store got it last.
    type Memory = Mutex<HashMap<ObjectId, usize>>;

    async fn connection(&self) -> Result<Object, NoConnection> {
        self.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => NoConnection::InUse,
            PoolError::Backend(error) => DriverError::from(error).into(),
            other => NoConnection::pool(other),
        })
    }

    fn client(connection: &Object) -> &Client {
        connection
    }

    fn was_used(memory: &Self::Memory, connection: &Object) -> bool {
        let (id, count) = (Object::id(connection), Object::metrics(connection));
        // If a panic interrupted an insertion, the number is old, and the answer is `true`.
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MOST_CONNECTIONS {
            // Most of them are closed by now.
            memory.clear();
        }
        let last = memory.insert(id, count.recycle_count);
        last.and_then(|last| last.checked_add(1)) != Some(count.recycle_count)
    }

    async fn prepare(connection: &Object, sql: &str, types: &[Type]) -> Result<Statement, Error> {
        connection.prepare_typed_cached(sql, types).await
    }

    fn close(connection: Object) {
        drop(Object::take(connection));
    }
}

const MOST_CONNECTIONS: usize = 4096;
