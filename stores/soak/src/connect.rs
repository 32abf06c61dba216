//! Connects a process to a database.

use std::time::Duration;

use countersign::store::BoxStore;
use countersign_diesel::{DieselStore, configure_sqlite};
use countersign_etcd::EtcdStore;
use countersign_postgres::PostgresStore as TokioPostgresStore;
use countersign_redis::RedisStore;
use countersign_rusqlite::{OneConnection, SqliteStore as RusqliteStore, blocking, configure};
use countersign_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use deadpool_postgres::{Manager, Pool};
use diesel::connection::SimpleConnection;
use diesel::{ConnectionError, SqliteConnection};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, deadpool};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{AsyncConnection, AsyncMysqlConnection, AsyncPgConnection};
use rusqlite::Connection;
use sqlx::mysql::MySqlPool;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio_postgres::NoTls;

/// Returns a store on the database at a URL, with a pool of its own. It creates a missing table,
/// and waits for a server that is down.
pub async fn connect(url: &str, connections: u32) -> BoxStore {
    connect_within(url, connections, Duration::from_secs(5)).await
}

/// Returns the same store with a time limit of a minute per call. Use it for every call that must
/// succeed on a busy computer.
pub async fn connect_patiently(url: &str, connections: u32) -> BoxStore {
    connect_within(url, connections, TIME_LIMIT).await
}

/// Returns the same store with another time limit per call than the default of 5 seconds.
pub async fn connect_within(url: &str, connections: u32, limit: Duration) -> BoxStore {
    store(url, connections, limit, true).await
}

/// Returns the same store with a time limit of a minute per call, and creates no table.
pub async fn connect_to_table(url: &str) -> BoxStore {
    store(url, 2, TIME_LIMIT, false).await
}

async fn store(url: &str, connections: u32, limit: Duration, creates_table: bool) -> BoxStore {
    macro_rules! boxed {
        ($store:ident) => {{
            if creates_table {
                retry(|| $store.create_table()).await;
            }
            BoxStore::new($store)
        }};
    }
    let (scheme, rest) = url.split_once(':').unwrap();
    let size = connections.try_into().unwrap();
    match scheme {
        "postgres" | FORGETFUL_POSTGRES => {
            let pool: PgPool = PostgresStore::pool_options()
                .max_connections(connections)
                .acquire_timeout(limit * 4 / 5)
                .connect_lazy(&format!("postgres:{rest}"))
                .unwrap();
            let mut store = PostgresStore::new(pool).with_timeout(limit);
            if scheme == FORGETFUL_POSTGRES {
                store = store.danger_without_server_check();
            }
            boxed!(store)
        }
        TOKIO_POSTGRES => {
            let config = format!("postgres:{rest}").parse().unwrap();
            let pool = Pool::builder(Manager::new(config, NoTls));
            let pool = pool.max_size(size);
            let store = TokioPostgresStore::new(pool.build().unwrap()).with_timeout(limit);
            boxed!(store)
        }
        DIESEL_POSTGRES => {
            let url = format!("postgres:{rest}");
            let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
            let pool = deadpool::Pool::builder(manager).max_size(size);
            let store = DieselStore::new(pool.build().unwrap()).with_timeout(limit);
            boxed!(store)
        }
        DIESEL_MYSQL => {
            let url = format!("mysql:{rest}");
            let manager = AsyncDieselConnectionManager::<AsyncMysqlConnection>::new(url);
            let pool = deadpool::Pool::builder(manager).max_size(size);
            let store = DieselStore::new(pool.build().unwrap()).with_timeout(limit);
            boxed!(store)
        }
        DIESEL_SQLITE => {
            let pool = deadpool::Pool::builder(diesel_sqlite(rest)).max_size(size);
            let store = DieselStore::new(pool.build().unwrap()).with_timeout(2 * TIME_LIMIT);
            boxed!(store)
        }
        "mysql" => {
            let pool: MySqlPool = MySqlStore::pool_options()
                .max_connections(connections)
                .acquire_timeout(limit * 4 / 5)
                .connect_lazy(url)
                .unwrap();
            let store = MySqlStore::new(pool).with_timeout(limit);
            boxed!(store)
        }
        "sqlite" => {
            let store = SqliteStore::new(sqlite(rest, connections)).with_timeout(2 * TIME_LIMIT);
            boxed!(store)
        }
        "rusqlite" => {
            let store = retry(|| async { rusqlite(rest) }).await;
            let store = RusqliteStore::new(store).with_timeout(2 * TIME_LIMIT);
            boxed!(store)
        }
        "redis" => {
            let client = redis::Client::open(url).unwrap();
            BoxStore::new(RedisStore::new(client).with_timeout(limit))
        }
        // The scheme of etcd.
        "http" => BoxStore::new(EtcdStore::new([url]).unwrap().with_timeout(limit)),
        other => panic!("unknown database: {other}"),
    }
}

/// A pool on a SQLite file. Processes that write at the same time wait for each other in no fixed
/// order. So the time limit is long, and no test fails because of a lock.
#[must_use]
pub fn sqlite(path: &str, connections: u32) -> SqlitePool {
    let options = SqliteStore::connect_options(path).busy_timeout(TIME_LIMIT);
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(TIME_LIMIT)
        .connect_lazy_with(options)
}

/// Connections of diesel to a SQLite file, with the same time limit.
fn diesel_sqlite(path: &str) -> AsyncDieselConnectionManager<DieselSqlite> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(|path| {
        Box::pin(async move {
            let mut connection = DieselSqlite::establish(path).await?;
            let configured = connection.spawn_blocking(|connection| {
                configure_sqlite(connection)?;
                let limit = TIME_LIMIT.as_millis();
                connection.batch_execute(&format!("PRAGMA busy_timeout = {limit}"))
            });
            let configured = configured.await;
            configured.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        })
    });
    AsyncDieselConnectionManager::new_with_config(path, config)
}

type DieselSqlite = SyncConnectionWrapper<SqliteConnection>;

/// A connection of rusqlite to a SQLite file, with the same time limit.
fn rusqlite(path: &str) -> rusqlite::Result<blocking::SqliteStore> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    connection.busy_timeout(TIME_LIMIT)?;
    Ok(blocking::SqliteStore::new(OneConnection::new(connection)))
}

/// Retries until the call succeeds, because a server may be busy right after a crash.
pub async fn retry<T, E, F>(mut attempt: impl FnMut() -> F) -> T
where
    E: std::error::Error,
    F: Future<Output = Result<T, E>>,
{
    let start = std::time::Instant::now();
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) if start.elapsed() > TIME_LIMIT => panic!("{error}: {:?}", error.source()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The scheme of a URL for the store of countersign-postgres, on a PostgreSQL server.
pub const TOKIO_POSTGRES: &str = "tokio-postgres";

/// The scheme of a URL for the store of countersign-diesel, on a PostgreSQL server.
pub const DIESEL_POSTGRES: &str = "diesel-postgres";

/// The scheme of a URL for the store of countersign-diesel, on a MariaDB server.
pub const DIESEL_MYSQL: &str = "diesel-mysql";

/// The scheme of a URL for the store of countersign-diesel, on a SQLite file.
pub const DIESEL_SQLITE: &str = "diesel-sqlite";

/// The scheme of a URL for a store that does not check the settings of the server.
pub const FORGETFUL_POSTGRES: &str = "forgetful-postgres";

const TIME_LIMIT: Duration = Duration::from_secs(60);
