//! The kinds of connections that a store can use.

use std::sync::Arc;
use std::time::Duration;

use bb8_postgres::PostgresConnectionManager;
use countersign_postgres::{
    Connections, DriverError, NoConnection, PreparedClient, PreparedConnections,
};
use deadpool_postgres::Manager;
use tokio::sync::Mutex;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

/// A kind of connections.
pub(crate) trait Kind: Send + Sync + 'static {
    type Connections: Connections;

    /// Opens at most `size` connections, if the kind can have several.
    fn open(config: Config, size: u32) -> impl Future<Output = Self::Connections> + Send;

    /// The client of a connection, as code of the application gets it.
    fn client(connection: &<Self::Connections as Connections>::Connection) -> &Client;
}

pub(crate) struct Deadpool;

impl Kind for Deadpool {
    type Connections = deadpool_postgres::Pool;

    async fn open(config: Config, size: u32) -> Self::Connections {
        let pool = deadpool_postgres::Pool::builder(Manager::new(config, NoTls));
        pool.max_size(size.try_into().unwrap()).build().unwrap()
    }

    fn client(connection: &deadpool_postgres::Object) -> &Client {
        connection
    }
}

pub(crate) struct Bb8;

impl Kind for Bb8 {
    type Connections = bb8::Pool<PreparedConnections<PostgresConnectionManager<NoTls>>>;

    async fn open(config: Config, size: u32) -> Self::Connections {
        bb8::Pool::builder()
            .max_size(size)
            .test_on_check_out(false)
            .build_unchecked(PreparedConnections::new(PostgresConnectionManager::new(
                config, NoTls,
            )))
    }

    fn client(connection: &Bb8Connection) -> &Client {
        connection
    }
}

type Bb8Connection =
    bb8::PooledConnection<'static, PreparedConnections<PostgresConnectionManager<NoTls>>>;

/// A pool as it is without settings: it tests each connection before it hands it out.
pub(crate) struct TestedBb8;

impl Kind for TestedBb8 {
    type Connections = <Bb8 as Kind>::Connections;

    async fn open(config: Config, size: u32) -> Self::Connections {
        let manager = PostgresConnectionManager::new(config, NoTls);
        let pool = bb8::Pool::builder().max_size(size);
        pool.build_unchecked(PreparedConnections::new(manager))
    }

    fn client(connection: &Bb8Connection) -> &Client {
        connection
    }
}

/// One client for all calls.
pub(crate) struct OneClient;

impl Kind for OneClient {
    type Connections = Arc<PreparedClient>;

    async fn open(config: Config, _size: u32) -> Self::Connections {
        Arc::new(PreparedClient::new(connect(&config).await.unwrap()))
    }

    fn client(connection: &Arc<PreparedClient>) -> &Client {
        connection
    }
}

/// A pool that the crate does not know: the one of the documentation, which opens one connection
/// again after a fault.
#[derive(Clone)]
pub(crate) struct Reconnecting {
    config: Arc<Config>,
    client: Arc<Mutex<Option<Arc<PreparedClient>>>>,
}

impl Kind for Reconnecting {
    type Connections = Self;

    async fn open(config: Config, _size: u32) -> Self {
        Self {
            config: Arc::new(config),
            client: Arc::default(),
        }
    }

    fn client(connection: &Arc<PreparedClient>) -> &Client {
        connection
    }
}

impl Connections for Reconnecting {
    type Connection = Arc<PreparedClient>;
    type Memory = ();

    async fn connection(&self) -> Result<Arc<PreparedClient>, NoConnection> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| client.is_usable()) {
            return Ok(Arc::clone(client));
        }
        let client = connect(&self.config).await.map_err(DriverError::from)?;
        let client = Arc::new(PreparedClient::new(client));
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }

    fn client(connection: &Arc<PreparedClient>) -> &Client {
        connection
    }

    async fn prepare(
        connection: &Arc<PreparedClient>,
        sql: &str,
        types: &[Type],
    ) -> Result<Statement, Error> {
        connection.prepare_once(sql, types).await
    }

    fn close(connection: Arc<PreparedClient>) {
        connection.give_up();
    }
}

/// A client, whose connection ends with it.
pub(crate) async fn connect(config: &Config) -> Result<Client, Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A long time limit, because a computer that builds and tests is slow.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);
