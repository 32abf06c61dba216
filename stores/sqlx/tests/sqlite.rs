//! `SqliteStore` keeps the contract, and says clearly what is wrong when it cannot.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use countersign::conformance::Harness;
use countersign::{AccountId, KeyId, Revision, Store, Stored, Summary, Swap, SwapKind, Swapped};
use countersign_sqlx::{Error, SqliteStore};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A database in a file, removed at the end.
struct Database {
    folder: TempDir,
}

impl Database {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("accounts.db")
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteStore::connect_options(self.path())
    }

    async fn pool(&self) -> SqlitePool {
        let options = SqlitePoolOptions::new().max_connections(8);
        options.connect_with(self.options()).await.unwrap()
    }

    async fn store(&self) -> SqliteStore {
        let store = SqliteStore::new(self.pool().await);
        store.create_table().await.unwrap();
        store
    }

    async fn connection(&self) -> SqliteConnection {
        SqliteConnection::connect_with(&self.options())
            .await
            .unwrap()
    }
}

mod conformance {
    use super::*;

    struct Handles {
        database: Database,
        runtime: Runtime,
        shared: Option<SqliteStore>,
    }

    impl Handles {
        fn new(share_one_pool: bool) -> Self {
            let (database, runtime) = (Database::new(), Runtime::new().unwrap());
            let store = runtime.block_on(database.store());
            let shared = share_one_pool.then_some(store);
            Self {
                database,
                runtime,
                shared,
            }
        }
    }

    impl Harness for Handles {
        type Store = SqliteStore;

        fn open(&self) -> SqliteStore {
            self.shared
                .clone()
                .unwrap_or_else(|| self.runtime.block_on(self.database.store()))
        }

        fn block_on<F: Future>(&self, future: F) -> F::Output {
            self.runtime.block_on(future)
        }
    }

    mod one_pool {
        use super::Handles;

        countersign::conformance_tests!(Handles::new(true));
    }

    mod a_pool_for_each_handle {
        use super::Handles;

        countersign::conformance_tests!(Handles::new(false));
    }
}

fn account(id: u32) -> AccountId {
    AccountId::from(id)
}

fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

fn swap(expected: Option<i64>, new: i64, record: &[u8]) -> Swap<'_> {
    let summary = Summary::new(true, 7, KeyId::new(u32::MAX));
    let kind = SwapKind::Enrolled;
    Swap::write(expected.map(revision), revision(new), record, kind, summary)
}

async fn create(store: &SqliteStore, id: u32) {
    let swapped = store
        .compare_and_swap(&account(id), swap(None, 1, b"record"))
        .await;
    assert_eq!(swapped.unwrap(), Swapped::Done);
}

#[tokio::test]
async fn the_plain_columns_hold_the_summary() {
    let database = Database::new();
    let pool = database.pool().await;
    let store = SqliteStore::new(pool.clone())
        .with_table("second_factor")
        .unwrap();
    store.create_table().await.unwrap();
    store.create_table().await.unwrap();
    create(&store, 5).await;
    let sql = "SELECT account, enabled, codes_left, key_id FROM second_factor";
    let columns: (String, bool, u32, u32) = sqlx::query_as(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(columns, ("5".into(), true, 7, u32::MAX));

    let summary = Summary::new(false, 0, KeyId::new(2));
    let disabled = Swap::write(
        Some(revision(1)),
        revision(2),
        b"x",
        SwapKind::Disabled,
        summary,
    );
    let swapped = store.compare_and_swap(&account(5), disabled).await;
    assert_eq!(swapped.unwrap(), Swapped::Done);
    let columns: (String, bool, u32, u32) = sqlx::query_as(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(columns, ("5".into(), false, 0, 2));
}

#[tokio::test]
async fn the_schema_works_in_a_migration() {
    let database = Database::new();
    let schema = SqliteStore::schema("order").unwrap();
    let mut connection = database.connection().await;
    sqlx::raw_sql(AssertSqlSafe(schema))
        .execute(&mut connection)
        .await
        .unwrap();
    let store = SqliteStore::new(database.pool().await)
        .with_table("order")
        .unwrap();
    create(&store, 1).await;
    assert!(SqliteStore::schema("x\" (a); DROP TABLE users; --").is_err());
    assert!(store.with_table("").is_err());
}

#[tokio::test]
async fn records_are_there_when_the_database_is_opened_again() {
    let database = Database::new();
    let pool = database.pool().await;
    let store = SqliteStore::new(pool.clone());
    store.create_table().await.unwrap();
    create(&store, 1).await;
    pool.close().await;
    let stored = database.store().await.load(&account(1)).await.unwrap();
    assert_eq!(stored, Some(Stored::new(b"record".into(), revision(1))));
}

#[tokio::test]
async fn accounts_come_in_pages() {
    let database = Database::new();
    let store = database.store().await;
    assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
    for id in [3, 20, 1] {
        create(&store, id).await;
    }
    let first = store.accounts_after(None, 2).await.unwrap();
    assert_eq!(first, [account(1), account(20)]);
    let second = store.accounts_after(first.last(), 2).await.unwrap();
    assert_eq!(second, [account(3)]);
    assert_eq!(store.accounts_after(second.last(), 2).await.unwrap(), []);
}

#[tokio::test]
async fn connections_are_opened_for_durable_writes() {
    let database = Database::new();
    let mut connection = database.connection().await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!((mode.as_str(), synchronous), ("wal", 2));
}

#[tokio::test]
async fn a_missing_table_is_named_with_what_to_do() {
    let database = Database::new();
    let store = SqliteStore::new(database.pool().await);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there is no table `countersign`; \
         put the text of `schema` into a migration, or call `create_table`"
    );
    assert!(
        error
            .source()
            .unwrap()
            .to_string()
            .contains("no such table")
    );
}

#[tokio::test]
async fn a_table_with_other_columns_is_named() {
    for columns in [
        "account TEXT PRIMARY KEY, revision INTEGER",
        "account TEXT PRIMARY KEY, revision TEXT, record INTEGER, enabled, codes_left, key_id",
    ] {
        let database = Database::new();
        let pool = database.pool().await;
        let create_table = format!("CREATE TABLE countersign ({columns})");
        sqlx::raw_sql(AssertSqlSafe(create_table))
            .execute(&pool)
            .await
            .unwrap();
        // A row that another program wrote, where the columns allow it.
        let insert = "INSERT INTO countersign (account, revision, record) VALUES ('1', 'x', 5)";
        _ = sqlx::query(insert).execute(&pool).await;
        let store = SqliteStore::new(pool);
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::WrongTable { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .starts_with("the table `countersign` has other columns")
        );
    }
}

#[tokio::test]
async fn a_row_that_no_store_wrote_is_an_error() {
    let database = Database::new();
    let store = database.store().await;
    create(&store, 1).await;
    let mut connection = database.connection().await;
    for tampering in [
        "UPDATE countersign SET revision = 0",
        "UPDATE countersign SET revision = -1",
    ] {
        sqlx::query(tampering)
            .execute(&mut connection)
            .await
            .unwrap();
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    }
    sqlx::query("UPDATE countersign SET account = char(97, 0)")
        .execute(&mut connection)
        .await
        .unwrap();
    let error = store.accounts_after(None, 1).await.unwrap_err();
    assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_only_database_gives_a_clear_error_and_can_be_read() {
    let database = Database::new();
    create(&database.store().await, 1).await;
    let read_only = SqliteConnectOptions::new()
        .filename(database.path())
        .read_only(true);
    let store = SqliteStore::new(SqlitePool::connect_with(read_only).await.unwrap());
    assert!(store.load(&account(1)).await.unwrap().is_some());
    let error = store
        .compare_and_swap(&account(1), swap(Some(1), 2, b"new"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_gives_a_clear_error() {
    let database = Database::new();
    let options = SqliteStore::connect_options(database.folder.path().join("missing/accounts.db"));
    let store = SqliteStore::new(SqlitePool::connect_lazy_with(options));
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_gives_a_clear_error_and_writes_nothing() {
    let database = Database::new();
    let options = database.options().pragma("max_page_count", "8");
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let store = SqliteStore::new(pool);
    store.create_table().await.unwrap();
    create(&store, 1).await;
    let large = vec![1; 65_536];
    let error = store
        .compare_and_swap(&account(1), swap(Some(1), 2, &large))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    let stored = store.load(&account(1)).await.unwrap();
    assert_eq!(stored, Some(Stored::new(b"record".into(), revision(1))));
}

#[tokio::test]
async fn an_exhausted_pool_gives_an_error_and_does_not_hang() {
    let database = Database::new();
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect_with(database.options()).await.unwrap();
    let store = SqliteStore::new(pool.clone()).with_timeout(Duration::from_millis(100));
    store.create_table().await.unwrap();
    let held = pool.acquire().await.unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoConnection { .. }), "{error:?}");
    drop(held);
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_locked_database_gives_an_error_and_writes_nothing() {
    let database = Database::new();
    create(&database.store().await, 1).await;
    let options = database.options().busy_timeout(Duration::from_millis(50));
    let store = SqliteStore::new(SqlitePool::connect_with(options).await.unwrap());
    let mut writer = database.connection().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut writer)
        .await
        .unwrap();
    let error = store
        .compare_and_swap(&account(1), swap(Some(1), 2, b"new"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Locked(_)), "{error:?}");
    assert!(
        store.load(&account(1)).await.unwrap().is_some(),
        "loads do not wait"
    );
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();
    let stored = store.load(&account(1)).await.unwrap();
    assert_eq!(stored.unwrap().revision, revision(1));
}

#[tokio::test]
async fn a_write_that_timed_out_may_land_later_and_is_then_stale_when_repeated() {
    let database = Database::new();
    let patient = database.store().await;
    create(&patient, 1).await;
    let hasty = SqliteStore::new(database.pool().await).with_timeout(Duration::from_millis(100));
    let mut writer = database.connection().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut writer)
        .await
        .unwrap();
    let the_swap = swap(Some(1), 2, b"late");
    let error = hasty
        .compare_and_swap(&account(1), the_swap)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let stored = patient.load(&account(1)).await.unwrap();
    assert_eq!(stored.unwrap().revision, revision(1), "not landed yet");
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();

    // The very same swap again: it lands now, or the abandoned one was first. Either way it is there once.
    _ = patient
        .compare_and_swap(&account(1), the_swap)
        .await
        .unwrap();
    let stored = patient.load(&account(1)).await.unwrap();
    assert_eq!(stored, Some(Stored::new(b"late".into(), revision(2))));
    let swapped = patient.compare_and_swap(&account(1), the_swap).await;
    assert_eq!(swapped.unwrap(), Swapped::Stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_whole_or_not_at_all_and_leave_the_pool_usable() {
    let database = Database::new();
    let options = SqlitePoolOptions::new().max_connections(2);
    let pool = options.connect_with(database.options()).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.create_table().await.unwrap();
    create(&store, 1).await;
    let mut before = revision(1);
    let (mut cut, mut landed) = (0, 0);
    for round in 2..300_i64 {
        let (record, new) = (round.to_string().repeat(500), revision(round));
        let attempt = Swap::write(
            Some(before),
            new,
            record.as_bytes(),
            SwapKind::Accepted,
            Summary::new(true, 0, KeyId::new(1)),
        );
        let patience = Duration::from_micros(u64::try_from(round % 100).unwrap() * 10);
        let answer = timeout(patience, store.compare_and_swap(&account(1), attempt)).await;
        match answer {
            Ok(swapped) => assert_eq!(swapped.unwrap(), Swapped::Done),
            // The same swap again settles what became of it: it lands now, or it had landed and is stale.
            Err(_) => {
                cut += 1;
                if store.compare_and_swap(&account(1), attempt).await.unwrap() == Swapped::Stale {
                    landed += 1;
                }
            }
        }
        let stored = store.load(&account(1)).await.unwrap().unwrap();
        assert_eq!((stored.revision, stored.record), (new, record.into_bytes()));
        before = new;
    }
    println!("{cut} calls were cut off, {landed} of them had been handed over and landed");
    assert!(pool.size() <= 2);
}
