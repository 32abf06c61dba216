//! The stores to measure.

use bb8_postgres::PostgresConnectionManager;
use countersign_postgres::{Connections, PostgresStore, PreparedConnections};
use countersign_store_testing::bench::Error;
use deadpool_postgres::Manager;
use tokio_postgres::{Config, NoTls};

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

pub(crate) struct Shared;

impl Pool for Shared {
    type Connections = deadpool_postgres::Pool;

    const NAME: &'static str = "shared";

    async fn open(config: Config) -> Result<deadpool_postgres::Pool, Error> {
        let pool = deadpool_postgres::Pool::builder(Manager::new(config, NoTls));
        Ok(pool.max_size(CONNECTIONS.try_into()?).build()?)
    }

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections> {
        store
    }
}

pub(crate) struct Own;

impl Pool for Own {
    type Connections = deadpool_postgres::Pool;

    const NAME: &'static str = "own";

    async fn open(config: Config) -> Result<deadpool_postgres::Pool, Error> {
        Shared::open(config).await
    }

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections> {
        store.with_own_connections()
    }
}

pub(crate) struct Pooler;

impl Pool for Pooler {
    type Connections = deadpool_postgres::Pool;

    const NAME: &'static str = "pooler";
    const PREPARES: bool = false;

    async fn open(config: Config) -> Result<deadpool_postgres::Pool, Error> {
        Shared::open(config).await
    }

    fn settings(store: PostgresStore<Self::Connections>) -> PostgresStore<Self::Connections> {
        store.with_own_connections().behind_pooler()
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
        store.with_own_connections()
    }
}
