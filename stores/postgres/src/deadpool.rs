use deadpool_postgres::{Object, Pool, PoolError};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};

use crate::{Connections, DriverError, NoConnection};

impl Connections for Pool {
    type Connection = Object;

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

    async fn prepare(connection: &Object, sql: &str, types: &[Type]) -> Result<Statement, Error> {
        connection.prepare_typed_cached(sql, types).await
    }

    fn close(connection: Object) {
        drop(Object::take(connection));
    }
}
