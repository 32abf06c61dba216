//! The stores to measure.

use bb8_postgres::PostgresConnectionManager;
use countersign_postgres::{Connections, NoConnection, PostgresStore, PreparedConnections};
use countersign_store_testing::bench::Error;
use deadpool_postgres::{Manager, Object};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::CONNECTIONS;

/// A pool, and the settings of the store on it.
pub(crate) trait Pool: Send + Sync + 'static {
    type Connections: Connections;

    const NAME: &'static str;
    /// Whether the driver alone prepares its statements, as the store does.
    const PREPARES: bool = true;

    fn open(config: Config) -> impl Future<Output = Result<Self::Connections, Error>> + Send;

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections>;
}

pub(crate) struct Deadpool;

impl Pool for Deadpool {
    type Connections = deadpool_postgres::Pool;

    const NAME: &'static str = "deadpool";

    async fn open(config: Config) -> Result<deadpool_postgres::Pool, Error> {
        let pool = deadpool_postgres::Pool::builder(Manager::new(config, NoTls));
        Ok(pool.max_size(CONNECTIONS.try_into()?).build()?)
    }

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections> {
        store
    }
}

pub(crate) struct Pooler;

impl Pool for Pooler {
    type Connections = deadpool_postgres::Pool;

    const NAME: &'static str = "pooler";
    const PREPARES: bool = false;

    async fn open(config: Config) -> Result<deadpool_postgres::Pool, Error> {
        Deadpool::open(config).await
    }

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections> {
        store.behind_pooler()
    }
}

pub(crate) struct Bb8;

impl Pool for Bb8 {
    type Connections = bb8::Pool<PreparedConnections<PostgresConnectionManager<NoTls>>>;

    const NAME: &'static str = "bb8";

    async fn open(config: Config) -> Result<Self::Connections, Error> {
        let manager = PreparedConnections::new(PostgresConnectionManager::new(config, NoTls));
        let pool = bb8::Pool::builder().max_size(CONNECTIONS);
        Ok(pool.test_on_check_out(false).build(manager).await?)
    }

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections> {
        store
    }
}

/// A pool of deadpool that says of each connection that other code may have used it, like a pool
/// that the crate does not know.
#[derive(Clone)]
pub(crate) struct Shared(deadpool_postgres::Pool);

impl Pool for Shared {
    type Connections = Self;

    const NAME: &'static str = "shared";

    async fn open(config: Config) -> Result<Self, Error> {
        Deadpool::open(config).await.map(Self)
    }

    fn settings(store: PostgresStore<Self>) -> PostgresStore<Self> {
        store
    }
}

impl Connections for Shared {
    type Connection = Object;
    type Memory = ();

    async fn connection(&self) -> Result<Object, NoConnection> {
        self.0.connection().await
    }

    fn client(connection: &Object) -> &Client {
        deadpool_postgres::Pool::client(connection)
    }

    async fn prepare(
        connection: &Object,
        sql: &str,
        types: &[Type],
    ) -> Result<Statement, tokio_postgres::Error> {
        deadpool_postgres::Pool::prepare(connection, sql, types).await
    }

    fn close(connection: Object) {
        <deadpool_postgres::Pool as Connections>::close(connection);
    }
}
