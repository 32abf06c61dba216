//! How a process reaches an engine.

use std::time::Duration;

use countersign::store::BoxStore;
use countersign_redis::RedisStore;
use countersign_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sqlx::mysql::MySqlPool;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

/// A store on the engine at a URL, with a pool of its own; its table is made if it is missing. A server that is down is
/// waited for.
pub async fn connect(url: &str, connections: u32) -> BoxStore {
    connect_within(url, connections, Duration::from_secs(5)).await
}

/// The same with another time for a call than the 5 seconds of the stores.
pub async fn connect_within(url: &str, connections: u32, limit: Duration) -> BoxStore {
    let (scheme, rest) = url.split_once(':').unwrap();
    match scheme {
        "postgres" => {
            let pool: PgPool = PostgresStore::pool_options()
                .max_connections(connections)
                .acquire_timeout(limit * 4 / 5)
                .connect_lazy(url)
                .unwrap();
            let store = PostgresStore::new(pool).with_timeout(limit);
            patiently(|| store.create_table()).await;
            BoxStore::new(store)
        }
        "mysql" => {
            let pool: MySqlPool = MySqlStore::pool_options()
                .max_connections(connections)
                .acquire_timeout(limit * 4 / 5)
                .connect_lazy(url)
                .unwrap();
            let store = MySqlStore::new(pool).with_timeout(limit);
            patiently(|| store.create_table()).await;
            BoxStore::new(store)
        }
        "sqlite" => {
            let store = SqliteStore::new(sqlite(rest, connections)).with_timeout(2 * PATIENCE);
            patiently(|| store.create_table()).await;
            BoxStore::new(store)
        }
        "redis" => {
            let client = redis::Client::open(url).unwrap();
            BoxStore::new(RedisStore::new(client).with_timeout(limit))
        }
        other => panic!("no engine is called {other}"),
    }
}

/// A pool on a SQLite file. Processes that write at the same time wait for each other, in no order, so the patience is
/// long: a lock is never what a storm is to find.
#[must_use]
pub fn sqlite(path: &str, connections: u32) -> SqlitePool {
    let options = SqliteStore::connect_options(path).busy_timeout(PATIENCE);
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .connect_lazy_with(options)
}

/// Tries until it works: right after a crash a server may be busy with itself.
pub async fn patiently<T, E, F>(mut attempt: impl FnMut() -> F) -> T
where
    E: std::error::Error,
    F: Future<Output = Result<T, E>>,
{
    let begun = std::time::Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) if begun.elapsed() > PATIENCE => panic!("{error}: {:?}", error.source()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
