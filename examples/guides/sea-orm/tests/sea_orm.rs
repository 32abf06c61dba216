//! The store satisfies the contract on a pool that SeaORM uses at the same time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::doc_markdown,
    reason = "tests"
)]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use countersign::conformance::{Effort, Harness};
use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_sqlx::{PostgresStore, SqliteStore};
use countersign_store_testing::{Durability, Postgres, available, rarest_fault};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use sqlx::sqlite::SqlitePoolOptions;
use tempfile::TempDir;
use tokio::runtime::Runtime;

static SERVER: LazyLock<Option<Postgres>> =
    LazyLock::new(|| available(Postgres::start(Durability::Fast)));

/// A pool that SeaORM made. `ends_transactions` is the option of the page.
async fn taken_out(ends_transactions: bool, connections: u32) -> Option<DatabaseConnection> {
    let mut options = ConnectOptions::new(SERVER.as_ref()?.url());
    options.max_connections(connections);
    if ends_transactions {
        options.map_sqlx_postgres_pool_opts(|options| {
            options.after_release(|connection, _| {
                let end = sqlx::raw_sql("ROLLBACK").execute(connection);
                Box::pin(async move { end.await.map(|_| true) })
            })
        });
    }
    Some(Database::connect(options).await.unwrap())
}

/// A pool that the application made from the options of the store.
async fn given(connections: u32) -> Option<DatabaseConnection> {
    let options = PostgresStore::pool_options().max_connections(connections);
    let pool = options.connect(&SERVER.as_ref()?.url()).await.unwrap();
    Some(DatabaseConnection::from(pool))
}

async fn store(database: &DatabaseConnection, table: &str) -> PostgresStore {
    let pool = database.get_postgres_connection_pool().clone();
    let store = PostgresStore::new(pool).with_table(table).unwrap();
    let store = store.with_timeout(Duration::from_secs(60));
    store.create_table().await.unwrap();
    store
}

/// A transaction of SeaORM on each connection that the store gets later.
async fn use_pool(database: &DatabaseConnection) {
    let transaction = database.begin().await.unwrap();
    let sql = "CREATE TEMPORARY TABLE IF NOT EXISTS notes (text varchar(9))";
    transaction.execute_unprepared(sql).await.unwrap();
    transaction.commit().await.unwrap();
}

struct Handles<S> {
    runtime: Runtime,
    store: S,
    _directory: Option<TempDir>,
}

impl<S: Store + Clone + 'static> Harness for Handles<S> {
    type Store = S;

    fn open(&self) -> S {
        self.store.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(rarest_fault(20))
    }
}

mod conformance_on_postgres {
    use super::*;

    countersign::conformance_tests!({
        let runtime = Runtime::new().unwrap();
        let Some(database) = runtime.block_on(taken_out(true, 16)) else {
            return Ok(());
        };
        runtime.block_on(use_pool(&database));
        let store = runtime.block_on(store(&database, "second_factor"));
        Handles { runtime, store, _directory: None }
    });
}

mod conformance_on_sqlite {
    use super::*;

    countersign::conformance_tests!({
        let runtime = Runtime::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteStore::connect_options(directory.path().join("accounts.db"));
        // SQLite serves the clients that wait for its lock in no order, and a busy disk is slow.
        let options = options.busy_timeout(Duration::from_secs(50));
        let pool = SqlitePoolOptions::new().max_connections(8);
        let pool = runtime.block_on(pool.connect_with(options)).unwrap();
        let database = DatabaseConnection::from(pool);
        runtime.block_on(use_pool(&database));
        let store = SqliteStore::new(database.get_sqlite_connection_pool().clone());
        let store = store.with_timeout(Duration::from_secs(60));
        runtime.block_on(store.create_table()).unwrap();
        Handles { runtime, store, _directory: Some(directory) }
    });
}

/// Drops `begin` of SeaORM after so many polls, as a web server does if a browser disconnects.
async fn drop_begin(database: &DatabaseConnection, polls: i64) {
    let (mut begin, mut left) = (pin!(database.begin()), polls);
    poll_fn(|context| match begin.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending if left == 0 => Poll::Ready(()),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Writes after each dropped `begin`. Returns whether another connection saw every write.
async fn writes_are_seen(database: &DatabaseConnection, table: &str) -> bool {
    let store = store(database, table).await;
    let witness = taken_out(true, 1).await.unwrap();
    let witness = self::store(&witness, table).await;
    let account = AccountId::from(1_u32);
    let mut last = None;
    for number in 1..=60 {
        drop_begin(database, number % 20).await;
        let new = Revision::from_i64(number).unwrap();
        let summary = Summary::new(true, 0, KeyId::new(1));
        let kind = WriteKind::Enrolled;
        let write = ConditionalWrite::put(last, new, b"record", kind, summary);
        let done = store.compare_and_swap(&account, write).await.unwrap();
        assert_eq!(done, WriteResult::Done);
        let seen = witness.load(&account).await.unwrap();
        if seen.is_none_or(|seen| seen.revision != new) {
            return false;
        }
        last = Some(new);
    }
    true
}

#[tokio::test]
async fn no_write_joins_a_transaction_that_was_left_open() {
    let Some(given) = given(1).await else { return };
    assert!(writes_are_seen(&given, "given").await);
    let taken_out = taken_out(true, 1).await.unwrap();
    assert!(writes_are_seen(&taken_out, "taken_out").await);
}

/// The page warns of this.
#[tokio::test]
async fn without_the_option_a_write_joins_it() {
    let Some(database) = taken_out(false, 1).await else {
        return;
    };
    // The futures are dropped at other moments by chance, but not 20 times.
    for number in 0..20 {
        if !writes_are_seen(&database, &format!("without_{number}")).await {
            return;
        }
    }
    panic!("every write was seen");
}
