//! The stores to measure. No pool tests its connections, so the driver alone does not either.

use countersign_diesel::{Connections, DieselStore, manager_config};
use countersign_store_testing::bench::Error;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, RecyclingMethod, bb8, deadpool,
};

use crate::CONNECTIONS;

/// A pool, and the settings of the store on it.
pub(crate) trait Pool: Send + Sync + 'static {
    type Connections: Connections<Connection = AsyncPgConnection>;

    const NAME: &'static str;

    fn open(url: &str) -> impl Future<Output = Result<Self::Connections, Error>> + Send;

    fn settings(store: DieselStore<Self::Connections>) -> DieselStore<Self::Connections> {
        store.with_own_connections()
    }
}

fn manager(url: &str) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    let mut config = manager_config();
    config.recycling_method = RecyclingMethod::Fast;
    AsyncDieselConnectionManager::new_with_config(url, config)
}

pub(crate) struct Deadpool;

impl Pool for Deadpool {
    type Connections = deadpool::Pool<AsyncPgConnection>;

    const NAME: &'static str = "deadpool";

    async fn open(url: &str) -> Result<Self::Connections, Error> {
        let pool = deadpool::Pool::builder(manager(url));
        Ok(pool.max_size(CONNECTIONS.try_into()?).build()?)
    }
}

pub(crate) struct Shared;

impl Pool for Shared {
    type Connections = deadpool::Pool<AsyncPgConnection>;

    const NAME: &'static str = "shared";

    async fn open(url: &str) -> Result<Self::Connections, Error> {
        Deadpool::open(url).await
    }

    fn settings(store: DieselStore<Self::Connections>) -> DieselStore<Self::Connections> {
        store
    }
}

pub(crate) struct Bb8;

impl Pool for Bb8 {
    type Connections = bb8::Pool<AsyncPgConnection>;

    const NAME: &'static str = "bb8";

    async fn open(url: &str) -> Result<Self::Connections, Error> {
        let pool = bb8::Pool::builder().max_size(CONNECTIONS);
        Ok(pool.test_on_check_out(false).build(manager(url)).await?)
    }
}
