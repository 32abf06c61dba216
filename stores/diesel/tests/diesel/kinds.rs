//! The kinds of pools on which a store runs, on each database.

use std::any::Any;
use std::time::Duration;

use countersign::AccountId;
use countersign::blocking::Store as BlockingStore;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_diesel::{
    AccountColumn, BoxError, ConfigureSqlite, Connections, DieselStore, Error, blocking,
    configure_sqlite, manager_config,
};
use diesel::connection::SimpleConnection;
use diesel::r2d2::ConnectionManager;
use diesel::{MysqlConnection, PgConnection, SqliteConnection};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, bb8, deadpool,
};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};
use tokio::task::block_in_place;

use crate::databases::{Database, Engine, OnMariaDb, OnPostgres, OnSqlite};

/// A kind of pool.
pub(crate) trait Kind: Send + Sync + 'static {
    type Engine: Engine;
    type Pool: Clone + Send + Sync + 'static;
    type Store: TestStore;

    /// Whether the store limits the time of a statement.
    const HAS_LIMIT: bool;

    /// Opens at most `size` connections.
    fn open(url: &str, size: u32) -> impl Future<Output = Self::Pool> + Send;

    fn store(pool: &Self::Pool) -> Self::Store;

    /// Runs text on a connection of the pool, and gives the connection back.
    fn run(pool: &Self::Pool, sql: &str) -> impl Future<Output = diesel::QueryResult<()>> + Send;

    /// Begins a transaction as diesel does, and gives the connection back. A pool keeps a
    /// connection with a transaction for tests, and closes any other.
    fn leave_open(pool: &Self::Pool, for_tests: bool) -> impl Future<Output = ()> + Send;

    /// Takes a connection out of the pool.
    fn hold(pool: &Self::Pool) -> impl Future<Output = Box<dyn Any + Send>> + Send;
}

/// The database of a kind, or `None` without its server.
pub(crate) fn database<K: Kind>() -> Option<Database> {
    K::Engine::database()
}

/// A store of either crate, as the tests use it.
pub(crate) trait TestStore: Store<Error = Error> + Clone + Send + Sync + 'static {
    fn with_table(self, table: &str) -> Self;
    fn with_account_column(self, column: AccountColumn) -> Self;
    fn with_timeout(self, limit: Duration) -> Self;
    fn with_own_connections(self) -> Self;
    fn danger_without_check(self) -> Self;
    fn schema(&self) -> &str;
    fn create_table(&self) -> impl Future<Output = Result<(), Error>> + Send;
    fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AccountId>, Error>> + Send;

    /// Writes the record, and then runs these statements in the same transaction.
    fn swap_with(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        rows: Rows,
    ) -> impl Future<Output = Result<WriteResult, Error>> + Send;
}

/// What the application does in the transaction of the record.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// Runs statements.
    Run(String),
    /// Runs statements, and ignores their error.
    Ignore(String),
    /// Runs statements, and then fails for a reason of its own.
    Fail(String),
    Panic,
}

impl Rows {
    fn sql(&self) -> &str {
        match self {
            Self::Run(sql) | Self::Ignore(sql) | Self::Fail(sql) => sql,
            Self::Panic => panic!("the application panics"),
        }
    }

    fn outcome(&self, done: diesel::QueryResult<()>) -> Result<(), BoxError> {
        match self {
            Self::Ignore(_) => Ok(()),
            Self::Fail(_) => Err("the application has changed its mind".into()),
            _ => Ok(done?),
        }
    }
}

impl<P: Connections> TestStore for DieselStore<P> {
    fn with_table(self, table: &str) -> Self {
        self.with_table(table).unwrap()
    }

    fn with_account_column(self, column: AccountColumn) -> Self {
        self.with_account_column(column)
    }

    fn with_timeout(self, limit: Duration) -> Self {
        self.with_timeout(limit)
    }

    fn with_own_connections(self) -> Self {
        self.with_own_connections()
    }

    fn danger_without_check(self) -> Self {
        self.danger_without_check()
    }

    fn schema(&self) -> &str {
        self.schema()
    }

    async fn create_table(&self) -> Result<(), Error> {
        self.create_table().await
    }

    async fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Error> {
        self.accounts_after(cursor, limit).await
    }

    async fn swap_with(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        rows: Rows,
    ) -> Result<WriteResult, Error> {
        self.compare_and_swap_with(account, write, move |connection| {
            Box::pin(async move {
                let done = connection.batch_execute(rows.sql()).await;
                rows.outcome(done)
            })
        })
        .await
    }
}

/// A blocking store, whose calls block a thread of tokio.
#[derive(Debug, Clone)]
pub(crate) struct Blocking<S>(pub(crate) S);

impl<S: BlockingStore> Store for Blocking<S> {
    type Error = S::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, S::Error> {
        block_in_place(|| self.0.load(account))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, S::Error> {
        block_in_place(|| self.0.compare_and_swap(account, write))
    }
}

/// A pool of r2d2.
type Blockingly<C> = diesel::r2d2::Pool<ConnectionManager<C>>;

macro_rules! blocking_kinds {
    ($($name:ident: $engine:ty, $connection:ty, $build:expr;)+) => { $(
        pub(crate) struct $name;

        impl Kind for $name {
            type Engine = $engine;
            type Pool = Blockingly<$connection>;
            type Store = Blocking<blocking::DieselStore<$connection>>;

            const HAS_LIMIT: bool = false;

            async fn open(url: &str, size: u32) -> Self::Pool {
                let pool = diesel::r2d2::Pool::builder().max_size(size).min_idle(Some(0));
                let pool = pool.test_on_check_out(false);
                ($build)(pool).build_unchecked(ConnectionManager::new(url))
            }

            fn store(pool: &Self::Pool) -> Self::Store {
                Blocking(blocking::DieselStore::new(pool.clone()))
            }

            async fn run(pool: &Self::Pool, sql: &str) -> diesel::QueryResult<()> {
                block_in_place(|| pool.get().unwrap().batch_execute(sql))
            }

            async fn leave_open(pool: &Self::Pool, for_tests: bool) {
                use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};
                let connection: &mut $connection = &mut pool.get().unwrap();
                if for_tests {
                    connection.begin_test_transaction().unwrap();
                } else {
                    AnsiTransactionManager::begin_transaction(connection).unwrap();
                }
            }

            async fn hold(pool: &Self::Pool) -> Box<dyn Any + Send> {
                Box::new(pool.get().unwrap())
            }
        }

        impl TestStore for Blocking<blocking::DieselStore<$connection>> {
            fn with_table(self, table: &str) -> Self {
                Self(self.0.with_table(table).unwrap())
            }

            fn with_account_column(self, column: AccountColumn) -> Self {
                Self(self.0.with_account_column(column))
            }

            fn with_timeout(self, limit: Duration) -> Self {
                Self(self.0.with_timeout(limit))
            }

            fn with_own_connections(self) -> Self {
                Self(self.0.with_own_connections())
            }

            fn danger_without_check(self) -> Self {
                Self(self.0.danger_without_check())
            }

            fn schema(&self) -> &str {
                self.0.schema()
            }

            async fn create_table(&self) -> Result<(), Error> {
                block_in_place(|| self.0.create_table())
            }

            async fn accounts_after(
                &self,
                cursor: Option<&AccountId>,
                limit: u32,
            ) -> Result<Vec<AccountId>, Error> {
                block_in_place(|| self.0.accounts_after(cursor, limit))
            }

            async fn swap_with(
                &self,
                account: &AccountId,
                write: ConditionalWrite<'_>,
                rows: Rows,
            ) -> Result<WriteResult, Error> {
                block_in_place(|| {
                    self.0.compare_and_swap_with(account, write, |connection| {
                        let done = connection.batch_execute(rows.sql());
                        rows.outcome(done)
                    })
                })
            }
        }
    )+ };
}

blocking_kinds! {
    R2d2OnPostgres: OnPostgres, PgConnection, std::convert::identity;
    R2d2OnMariaDb: OnMariaDb, MysqlConnection, std::convert::identity;
    R2d2OnSqlite: OnSqlite, SqliteConnection, |pool: diesel::r2d2::Builder<_>| {
        pool.connection_customizer(Box::new(Patient))
    };
}

/// A manager of connections to a server. The pool does not test them.
fn server_manager<C: AsyncConnection + 'static>(url: &str) -> AsyncDieselConnectionManager<C> {
    let mut config = manager_config();
    config.recycling_method = RecyclingMethod::Fast;
    AsyncDieselConnectionManager::new_with_config(url, config)
}

/// Over TCP. The driver would prefer the socket of a server on the same computer.
fn tcp_manager(url: &str) -> AsyncDieselConnectionManager<AsyncMysqlConnection> {
    server_manager(&format!("{url}?prefer_socket=false"))
}

/// SQLite connections that wait long for a lock, so that no test depends on the speed of the disk.
#[derive(Debug)]
struct Patient;

const PATIENCE: &str = "PRAGMA busy_timeout = 60000";

impl diesel::r2d2::CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Patient {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        ConfigureSqlite.on_acquire(connection)?;
        Ok(connection.batch_execute(PATIENCE)?)
    }
}

fn patient_manager(url: &str) -> AsyncDieselConnectionManager<AsyncSqlite> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|url| {
        Box::pin(async move {
            let mut connection = AsyncSqlite::establish(url).await?;
            let configured = connection.spawn_blocking(|connection| {
                configure_sqlite(connection)?;
                connection.batch_execute(PATIENCE)
            });
            let configured = configured.await;
            configured.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        })
    });
    AsyncDieselConnectionManager::new_with_config(url, config)
}

type AsyncSqlite = SyncConnectionWrapper<SqliteConnection>;

macro_rules! async_kinds {
    ($($name:ident: $engine:ty, $connection:ty, $pool:ident, $manager:expr;)+) => { $(
        pub(crate) struct $name;

        impl Kind for $name {
            type Engine = $engine;
            type Pool = $pool::Pool<$connection>;
            type Store = DieselStore<Self::Pool>;

            const HAS_LIMIT: bool = true;

            async fn open(url: &str, size: u32) -> Self::Pool {
                async_kinds!(@build $pool, $manager(url), size)
            }

            fn store(pool: &Self::Pool) -> Self::Store {
                DieselStore::new(pool.clone())
            }

            async fn run(pool: &Self::Pool, sql: &str) -> diesel::QueryResult<()> {
                pool.get().await.unwrap().batch_execute(sql).await
            }

            async fn leave_open(pool: &Self::Pool, for_tests: bool) {
                use diesel_async::TransactionManager;
                type Manager = <$connection as AsyncConnection>::TransactionManager;
                let connection: &mut $connection = &mut pool.get().await.unwrap();
                if for_tests {
                    connection.begin_test_transaction().await.unwrap();
                } else {
                    Manager::begin_transaction(connection).await.unwrap();
                }
            }

            async fn hold(pool: &Self::Pool) -> Box<dyn Any + Send> {
                Box::new(pool.connection().await.unwrap())
            }
        }
    )+ };
    (@build deadpool, $manager:expr, $size:ident) => {
        deadpool::Pool::builder($manager).max_size($size.try_into().unwrap()).build().unwrap()
    };
    (@build bb8, $manager:expr, $size:ident) => {
        bb8::Pool::builder().max_size($size).test_on_check_out(false).build_unchecked($manager)
    };
}

async_kinds! {
    DeadpoolOnPostgres: OnPostgres, AsyncPgConnection, deadpool, server_manager;
    DeadpoolOnMariaDb: OnMariaDb, AsyncMysqlConnection, deadpool, tcp_manager;
    DeadpoolOnSqlite: OnSqlite, AsyncSqlite, deadpool, patient_manager;
    Bb8OnPostgres: OnPostgres, AsyncPgConnection, bb8, server_manager;
    Bb8OnMariaDb: OnMariaDb, AsyncMysqlConnection, bb8, tcp_manager;
    Bb8OnSqlite: OnSqlite, AsyncSqlite, bb8, patient_manager;
}

/// A long time limit, because a computer that builds and tests is slow.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);
