use std::time::Duration;

use bb8::{ManageConnection, Pool, PooledConnection, RunError};
use tokio::time::timeout;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};

use crate::{Connections, DriverError, NoConnection, PreparedClient};

/// A connection manager for bb8 that keeps the prepared statements of each connection. It wraps
/// your manager, for example the one of bb8-postgres.
///
/// A [`Client`] has no place for its prepared statements, and bb8 cannot close a connection on
/// which an answer is still due. So the connections of the pool become [`PreparedClient`]s. They
/// dereference to the [`Client`], so your own code stays as it is.
///
/// ```no_run
/// use bb8_postgres::PostgresConnectionManager;
/// use countersign_postgres::{PostgresStore, PreparedConnections};
/// use tokio_postgres::NoTls;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = "postgres://app@db.internal/app".parse()?;
/// let manager = PreparedConnections::new(PostgresConnectionManager::new(config, NoTls));
/// let pool = bb8::Pool::builder()
///     .max_size(20)
///     .test_on_check_out(false)
///     .build(manager)
///     .await?;
/// let store = PostgresStore::new(pool.clone());
///
/// let rows = pool.get().await?.query("SELECT 1", &[]).await?;
/// # Ok(())
/// # }
/// ```
///
/// With `test_on_check_out`, each call takes one round trip more. Without it, the store still skips
/// idle connections that are known to be closed.
///
/// bb8 waits without a limit for a server that accepts a connection and says nothing. So this
/// manager gives up an attempt to connect after 5 seconds.
#[derive(Debug, Clone)]
pub struct PreparedConnections<M> {
    manager: M,
}

impl<M> PreparedConnections<M> {
    /// Wraps a manager.
    #[must_use]
    pub const fn new(manager: M) -> Self {
        Self { manager }
    }
}

impl<M> ManageConnection for PreparedConnections<M>
where
    M: ManageConnection<Connection = Client, Error: Into<DriverError>>,
{
    type Connection = PreparedClient;
    type Error = DriverError;

    async fn connect(&self) -> Result<PreparedClient, DriverError> {
        match timeout(CONNECT_TIMEOUT, self.manager.connect()).await {
            Ok(Ok(client)) => Ok(PreparedClient::new(client)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(DriverError::Pool(SILENT.into())),
        }
    }

    async fn is_valid(&self, connection: &mut PreparedClient) -> Result<(), DriverError> {
        // If this check is dropped, because its answer does not come, the connection stays given up
        // and leaves the pool.
        connection.give_up();
        let checked = self.manager.is_valid(connection.quietly_mut()).await;
        checked.map_err(Into::into)?;
        connection.keep();
        Ok(())
    }

    fn has_broken(&self, connection: &mut PreparedClient) -> bool {
        !connection.is_usable() || self.manager.has_broken(connection.quietly_mut())
    }
}

impl<M> Connections for Pool<PreparedConnections<M>>
where
    M: ManageConnection<Connection = Client, Error: Into<DriverError>>,
{
    type Connection = PooledConnection<'static, PreparedConnections<M>>;
    type Memory = ();

    async fn connection(&self) -> Result<Self::Connection, NoConnection> {
        loop {
            let connection = self.get_owned().await.map_err(|error| match error {
                RunError::TimedOut => NoConnection::InUse,
                RunError::User(error) => NoConnection::Failed(error),
            })?;
            // An idle connection may be closed. Dropped, it leaves the pool.
            if connection.is_usable() {
                return Ok(connection);
            }
        }
    }

    fn client(connection: &Self::Connection) -> &Client {
        connection.quietly()
    }

    fn was_used(_memory: &(), connection: &Self::Connection) -> bool {
        connection.take_used()
    }

    async fn prepare(
        connection: &Self::Connection,
        sql: &str,
        types: &[Type],
    ) -> Result<Statement, Error> {
        connection.prepare_once(sql, types).await
    }

    fn close(connection: Self::Connection) {
        connection.give_up();
    }

    async fn probe(&self) -> Result<(), DriverError> {
        self.dedicated_connection().await.map(drop)
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const SILENT: &str = "the server accepted a connection and then said nothing for 5 seconds";
