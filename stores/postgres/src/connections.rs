use std::error::Error as StdError;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

use crate::DriverError;

/// Where a store gets its connections. Implement it for a pool that this crate does not know.
///
/// This crate implements it for:
///
/// - `deadpool_postgres::Pool`, with the feature `deadpool`
/// - `bb8::Pool<PreparedConnections<M>>`, with the feature `bb8`
/// - `Arc<PreparedClient>`, which is one connection
///
/// If the connections of your pool are [`PreparedClient`](crate::PreparedClient)s, each function is
/// one line. This one opens a connection at the first call, and a new one after a fault:
///
/// ```
/// use std::sync::Arc;
///
/// use countersign_postgres::{Connections, DriverError, NoConnection, PreparedClient};
/// use tokio::sync::Mutex;
/// use tokio_postgres::types::Type;
/// use tokio_postgres::{Client, Config, Error, NoTls, Statement};
///
/// #[derive(Clone)]
/// struct OneConnection {
///     config: Arc<Config>,
///     client: Arc<Mutex<Option<Arc<PreparedClient>>>>,
/// }
///
/// impl Connections for OneConnection {
///     type Connection = Arc<PreparedClient>;
///     type Memory = ();
///
///     async fn connection(&self) -> Result<Arc<PreparedClient>, NoConnection> {
///         let mut slot = self.client.lock().await;
///         if let Some(client) = slot.as_ref().filter(|client| client.is_usable()) {
///             return Ok(Arc::clone(client));
///         }
///         let opened = self.config.connect(NoTls).await;
///         let (client, connection) = opened.map_err(DriverError::from)?;
///         tokio::spawn(connection);
///         let client = Arc::new(PreparedClient::new(client));
///         *slot = Some(Arc::clone(&client));
///         Ok(client)
///     }
///
///     fn client(connection: &Arc<PreparedClient>) -> &Client {
///         connection
///     }
///
///     async fn prepare(
///         connection: &Arc<PreparedClient>,
///         sql: &str,
///         types: &[Type],
///     ) -> Result<Statement, Error> {
///         connection.prepare_once(sql, types).await
///     }
///
///     fn close(connection: Arc<PreparedClient>) {
///         connection.give_up();
///     }
/// }
/// ```
pub trait Connections: Clone + Send + Sync + 'static {
    /// A connection that a call has for itself, or shares. The store drops it to give it back.
    type Connection: Send + Sync + 'static;

    /// What a store remembers of the connections that it used, so that it knows whether other code
    /// used them in between. `()` if it does not know.
    type Memory: Default + Send + Sync + 'static;

    /// Waits for a connection. The store limits the wait. The wait may be dropped at any time.
    ///
    /// # Errors
    /// [`NoConnection`] says why there is none.
    fn connection(&self) -> impl Future<Output = Result<Self::Connection, NoConnection>> + Send;

    /// The client of a connection.
    fn client(connection: &Self::Connection) -> &Client;

    /// Whether other code may have used the connection since the store did. The store then ends a
    /// transaction that may be open on it, before it sends its statement. The store asks once for
    /// each connection that it gets. The default is `true`, which is always safe.
    fn was_used(_memory: &Self::Memory, _connection: &Self::Connection) -> bool {
        true
    }

    /// Prepares a statement, or finds it prepared. Keep each statement with its connection, so that
    /// a call takes one round trip.
    ///
    /// # Errors
    /// The error of the driver.
    fn prepare(
        connection: &Self::Connection,
        sql: &str,
        types: &[Type],
    ) -> impl Future<Output = Result<Statement, tokio_postgres::Error>> + Send;

    /// Closes a connection instead of giving it back. An answer may still be due on it. Never send
    /// a cancel request: a canceled commit that waits for a standby looks like a success.
    fn close(connection: Self::Connection);

    /// Finds out why no connection came in time, by opening one and closing it. The default reports
    /// nothing. Override it if your pool retries without reporting the reason.
    ///
    /// # Errors
    /// The reason.
    fn probe(&self) -> impl Future<Output = Result<(), DriverError>> + Send {
        async { Ok(()) }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// All connections stayed in use, as long as the pool waits.
    #[error("all connections stayed in use")]
    InUse,
    /// No connection could be opened.
    #[error("no connection could be opened")]
    Failed(#[from] DriverError),
}

impl NoConnection {
    /// The pool reported this error.
    pub fn pool(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(DriverError::Pool(error.into()))
    }
}
