//! `SqliteStore` satisfies the contract, and names the reason of each failure.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod support;

use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use countersign::conformance::{Effort, Harness};
use countersign::store::{ConditionalWrite, Store, StoredRecord, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_sqlx::{AccountColumn, Error, SqliteStore};
use countersign_store_testing::rarest_fault;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use support::{MappedIds, account, revision, to_uuid, transactions};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A database in a temporary file.
struct Database {
    directory: TempDir,
}

impl Database {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("accounts.db")
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteStore::connect_options(self.path())
    }

    async fn pool(&self) -> SqlitePool {
        let options = SqlitePoolOptions::new().max_connections(8);
        options.connect_with(self.options()).await.unwrap()
    }

    async fn patient_pool(&self) -> SqlitePool {
        let options = self.options().busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new().max_connections(8);
        pool.connect_with(options).await.unwrap()
    }

    async fn store(&self) -> SqliteStore {
        let store = SqliteStore::new(self.pool().await).with_timeout(PATIENCE);
        store.create_table().await.unwrap();
        store
    }

    async fn connection(&self) -> SqliteConnection {
        SqliteConnection::connect_with(&self.options())
            .await
            .unwrap()
    }
}

/// SQLite serves the clients that wait for its lock in no order, and a busy disk is slow.
const PATIENCE: Duration = Duration::from_secs(60);

mod conformance {
    use super::*;

    struct Handles {
        database: Database,
        runtime: Runtime,
        column: AccountColumn,
        shared: Option<SqlitePool>,
        rarest_fault: u32,
    }

    impl Handles {
        fn new(column: AccountColumn) -> Self {
            let (database, runtime) = (Database::new(), Runtime::new().unwrap());
            let shared = Some(runtime.block_on(database.patient_pool()));
            let handles = Self {
                database,
                runtime,
                column,
                shared,
                rarest_fault: rarest_fault(20),
            };
            let store = handles.open().store;
            handles.runtime.block_on(store.create_table()).unwrap();
            handles
        }

        /// All suites run the same code, so only one looks for rarer faults than one in 20 calls.
        fn thorough(self) -> Self {
            let rarest_fault = rarest_fault(200);
            Self {
                rarest_fault,
                ..self
            }
        }
    }

    impl Harness for Handles {
        type Store = MappedIds<SqliteStore>;

        fn open(&self) -> Self::Store {
            let new = || self.runtime.block_on(self.database.patient_pool());
            let store = SqliteStore::new(self.shared.clone().unwrap_or_else(new))
                .with_account_column(self.column)
                .with_timeout(2 * PATIENCE);
            MappedIds::new(store, self.column)
        }

        fn block_on<F: Future>(&self, future: F) -> F::Output {
            self.runtime.block_on(future)
        }

        fn effort(&self) -> Effort {
            Effort::default().one_in(self.rarest_fault)
        }
    }

    mod one_pool {
        use super::*;

        countersign::conformance_tests!(Handles::new(AccountColumn::Text).thorough());
    }

    mod a_pool_for_each_handle {
        use super::*;

        countersign::conformance_tests!(Handles {
            shared: None,
            ..Handles::new(AccountColumn::Text)
        });
    }

    mod numbers {
        use super::*;

        countersign::conformance_tests!(Handles::new(AccountColumn::BigInt));
    }

    mod uuids {
        use super::*;

        countersign::conformance_tests!(Handles::new(AccountColumn::Uuid));
    }
}

fn write(expected: Option<i64>, new: i64, record: &[u8]) -> ConditionalWrite<'_> {
    let summary = Summary::new(true, 7, KeyId::new(u32::MAX));
    let kind = WriteKind::Enrolled;
    ConditionalWrite::put(expected.map(revision), revision(new), record, kind, summary)
}

async fn create(store: &SqliteStore, id: u32) {
    let result = store
        .compare_and_swap(&account(id), write(None, 1, b"record"))
        .await;
    assert_eq!(result.unwrap(), WriteResult::Done);
}

#[tokio::test]
async fn the_summary_columns_store_the_summary() {
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
    let disabled = ConditionalWrite::put(
        Some(revision(1)),
        revision(2),
        b"x",
        WriteKind::Disabled,
        summary,
    );
    let result = store.compare_and_swap(&account(5), disabled).await;
    assert_eq!(result.unwrap(), WriteResult::Done);
    let columns: (String, bool, u32, u32) = sqlx::query_as(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(columns, ("5".into(), false, 0, 2));
}

#[tokio::test]
async fn the_schema_works_in_a_migration() {
    let database = Database::new();
    let schema = SqliteStore::schema("order", AccountColumn::Text).unwrap();
    let mut connection = database.connection().await;
    sqlx::raw_sql(AssertSqlSafe(schema))
        .execute(&mut connection)
        .await
        .unwrap();
    let store = SqliteStore::new(database.pool().await)
        .with_table("order")
        .unwrap();
    create(&store, 1).await;
    assert!(SqliteStore::schema("x\" (a); DROP TABLE users; --", AccountColumn::Text).is_err());
    assert!(store.with_table("").is_err());
}

#[tokio::test]
async fn records_survive_reopening_the_database() {
    let database = Database::new();
    let pool = database.pool().await;
    let store = SqliteStore::new(pool.clone());
    store.create_table().await.unwrap();
    create(&store, 1).await;
    pool.close().await;
    let stored = database.store().await.load(&account(1)).await.unwrap();
    assert_eq!(
        stored,
        Some(StoredRecord::new(b"record".into(), revision(1)))
    );
}

#[tokio::test]
async fn pages_list_accounts_in_column_order() {
    let (nil, highest) = ([0; 16], [0xFF; 16]);
    for (column, ids) in [
        (
            AccountColumn::Text,
            ["1", "20", "3", "B", "a"].map(|id| id.parse().unwrap()),
        ),
        (
            AccountColumn::BigInt,
            [i64::MIN, -5, 0, 3, 20].map(AccountId::from),
        ),
        (
            AccountColumn::Uuid,
            [nil, [1; 16], [2; 16], [0xA0; 16], highest].map(AccountId::from_uuid_bytes),
        ),
    ] {
        let database = Database::new();
        let store = SqliteStore::new(database.pool().await).with_account_column(column);
        store.create_table().await.unwrap();
        assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
        for id in ids.iter().rev() {
            support::create(&store, id).await;
        }
        let first = store.accounts_after(None, 2).await.unwrap();
        assert_eq!(first, ids[..2]);
        let second = store.accounts_after(first.last(), 10).await.unwrap();
        assert_eq!(second, ids[2..]);
        assert_eq!(store.accounts_after(second.last(), 2).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_unfitting_account_id_is_an_error() {
    for column in [AccountColumn::BigInt, AccountColumn::Uuid] {
        let database = Database::new();
        let store = database.store().await.with_account_column(column);
        let bob = AccountId::new("bob").unwrap();
        let loaded = store.load(&bob).await.map(|_| ());
        let result = store.compare_and_swap(&bob, write(None, 1, b"x")).await;
        for error in [loaded, result.map(|_| ())].map(Result::unwrap_err) {
            assert!(matches!(error, Error::WrongAccount { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_foreign_key_to_users_is_enforced() {
    for (column, id_type, user, id, refused) in [
        (AccountColumn::Text, "TEXT", account(7), "'7'", account(8)),
        (
            AccountColumn::BigInt,
            "INTEGER",
            account(7),
            "7",
            account(8),
        ),
        (
            AccountColumn::Uuid,
            "BLOB",
            AccountId::from_uuid_bytes([7; 16]),
            "unhex('07070707070707070707070707070707')",
            to_uuid(8),
        ),
    ] {
        let database = Database::new();
        let pool = database.pool().await;
        let schema = SqliteStore::schema("countersign", column).unwrap();
        let key = ", FOREIGN KEY (account) REFERENCES users ON DELETE CASCADE\n) STRICT";
        let sql = format!(
            "CREATE TABLE users (id {id_type} PRIMARY KEY); INSERT INTO users VALUES ({id}); {}",
            schema.replace("\n) STRICT", key)
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap();
        let store = SqliteStore::new(pool.clone()).with_account_column(column);
        support::create(&store, &user).await;
        let answer = store
            .compare_and_swap(&refused, write(None, 1, b"nobody's"))
            .await;
        assert!(
            matches!(answer, Err(Error::ForeignKey { .. })),
            "{answer:?}"
        );
        sqlx::raw_sql("DELETE FROM users")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(store.load(&user).await.unwrap(), None);
    }
}

#[tokio::test]
async fn connect_options_make_writes_durable() {
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
async fn a_setting_that_loses_writes_is_refused() {
    for (level, is_refused) in [
        (SqliteSynchronous::Off, true),
        (SqliteSynchronous::Normal, true),
        (SqliteSynchronous::Full, false),
        (SqliteSynchronous::Extra, false),
    ] {
        let database = Database::new();
        let pool = SqlitePool::connect_with(database.options().synchronous(level));
        let store = SqliteStore::new(pool.await.unwrap());
        let unchecked = store.clone().danger_without_server_check();
        unchecked.create_table().await.unwrap();
        let account = account(1);
        let loaded = store.load(&account).await.map(|_| ());
        let written = store.compare_and_swap(&account, write(None, 1, b"x"));
        for answer in [loaded, written.await.map(|_| ())] {
            match answer {
                Err(Error::UnsafeSetting { name, wanted, .. }) => {
                    assert_eq!((name, wanted, is_refused), ("synchronous", "FULL", true));
                }
                answer => assert!(answer.is_ok() && !is_refused, "{level:?}: {answer:?}"),
            }
        }
        let stored = unchecked.load(&account).await.unwrap();
        assert_eq!(stored.is_none(), is_refused);
    }
}

#[tokio::test]
async fn a_missing_table_error_says_what_to_do() {
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
async fn the_error_names_an_incompatible_table() {
    let ours = "revision INTEGER NOT NULL, record BLOB NOT NULL, enabled, codes_left, key_id";
    for columns in [
        "account TEXT PRIMARY KEY, revision INTEGER".into(),
        format!("account TEXT PRIMARY KEY, {ours}").replace("record", "record_2"),
        format!("account TEXT PRIMARY KEY, {ours}, region TEXT NOT NULL"),
        format!("account TEXT PRIMARY KEY, {ours}, CHECK (codes_left < 5)"),
        format!("account TEXT, {ours}"),
    ] {
        let database = Database::new();
        let pool = database.pool().await;
        let create_table = format!("CREATE TABLE countersign ({columns})");
        sqlx::raw_sql(AssertSqlSafe(create_table))
            .execute(&pool)
            .await
            .unwrap();
        let error = SqliteStore::new(pool)
            .compare_and_swap(&account(1), write(None, 1, b"x"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::WrongTable { .. }),
            "{columns}: {error:?}"
        );
        assert!(
            error
                .to_string()
                .starts_with("the table `countersign` has other columns")
        );
    }
}

#[tokio::test]
async fn the_error_names_other_column_types() {
    let database = Database::new();
    let pool = database.pool().await;
    let sql = "CREATE TABLE countersign (account TEXT PRIMARY KEY, revision TEXT, record INTEGER);
               INSERT INTO countersign VALUES ('1', 'x', 5)";
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    let error = SqliteStore::new(pool).load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::WrongTable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_row_is_an_error() {
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
async fn a_read_only_database_serves_loads_only() {
    let database = Database::new();
    create(&database.store().await, 1).await;
    let read_only = SqliteConnectOptions::new()
        .filename(database.path())
        .read_only(true);
    let store = SqliteStore::new(SqlitePool::connect_with(read_only).await.unwrap());
    assert!(store.load(&account(1)).await.unwrap().is_some());
    let error = store
        .compare_and_swap(&account(1), write(Some(1), 2, b"new"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_missing_directory_gives_a_clear_error() {
    let database = Database::new();
    let options =
        SqliteStore::connect_options(database.directory.path().join("missing/accounts.db"));
    let store = SqliteStore::new(SqlitePool::connect_lazy_with(options));
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_writes_nothing() {
    let database = Database::new();
    let options = database.options().pragma("max_page_count", "8");
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let store = SqliteStore::new(pool);
    store.create_table().await.unwrap();
    create(&store, 1).await;
    let large = vec![1; 65_536];
    let error = store
        .compare_and_swap(&account(1), write(Some(1), 2, &large))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    let stored = store.load(&account(1)).await.unwrap();
    assert_eq!(
        stored,
        Some(StoredRecord::new(b"record".into(), revision(1)))
    );
}

#[tokio::test]
async fn an_exhausted_pool_times_out() {
    let database = Database::new();
    let options = SqlitePoolOptions::new().max_connections(1);
    let pool = options.connect_with(database.options()).await.unwrap();
    let store = SqliteStore::new(pool.clone()).with_timeout(PATIENCE);
    store.create_table().await.unwrap();
    let hasty = store.clone().with_timeout(Duration::from_millis(100));
    let connection = pool.acquire().await.unwrap();
    let error = hasty.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoConnection { .. }), "{error:?}");
    drop(connection);
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
}

#[tokio::test]
async fn a_locked_database_writes_nothing() {
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
        .compare_and_swap(&account(1), write(Some(1), 2, b"new"))
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
async fn a_timed_out_write_is_applied_once() {
    let database = Database::new();
    let patient = database.store().await;
    create(&patient, 1).await;
    let hasty = SqliteStore::new(database.pool().await).with_timeout(Duration::from_millis(100));
    let mut writer = database.connection().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut writer)
        .await
        .unwrap();
    let late_write = write(Some(1), 2, b"late");
    let error = loop {
        let answer = hasty.compare_and_swap(&account(1), late_write).await;
        match answer.unwrap_err() {
            // On a busy computer, the limit can end before the statement begins.
            Error::NoConnection { .. } => {}
            error => break error,
        }
    };
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let stored = patient.load(&account(1)).await.unwrap();
    assert_eq!(stored.unwrap().revision, revision(1), "not applied yet");
    sqlx::query("COMMIT").execute(&mut writer).await.unwrap();

    // Sends the same write again. The server applies this write or the abandoned one, but only
    // once.
    _ = patient
        .compare_and_swap(&account(1), late_write)
        .await
        .unwrap();
    let stored = patient.load(&account(1)).await.unwrap();
    assert_eq!(stored, Some(StoredRecord::new(b"late".into(), revision(2))));
    let result = patient.compare_and_swap(&account(1), late_write).await;
    assert_eq!(result.unwrap(), WriteResult::Stale);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_completely_or_not_at_all() {
    let database = Database::new();
    let options = SqlitePoolOptions::new().max_connections(2);
    let pool = options.connect_with(database.options()).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.create_table().await.unwrap();
    create(&store, 1).await;
    let mut before = revision(1);
    let (mut dropped, mut applied) = (0, 0);
    for round in 2..300_i64 {
        let (record, new) = (round.to_string().repeat(500), revision(round));
        let attempt = ConditionalWrite::put(
            Some(before),
            new,
            record.as_bytes(),
            WriteKind::Accepted,
            Summary::new(true, 0, KeyId::new(1)),
        );
        let limit = Duration::from_micros(u64::try_from(round % 100).unwrap() * 10);
        let answer = timeout(limit, store.compare_and_swap(&account(1), attempt)).await;
        match answer {
            Ok(result) => assert_eq!(result.unwrap(), WriteResult::Done),
            // The same write again shows the effect: `Done` if it was not applied, `Stale` if it
            // was.
            Err(_) => {
                dropped += 1;
                if store.compare_and_swap(&account(1), attempt).await.unwrap() == WriteResult::Stale
                {
                    applied += 1;
                }
            }
        }
        let stored = store.load(&account(1)).await.unwrap().unwrap();
        assert_eq!((stored.revision, stored.record), (new, record.into_bytes()));
        before = new;
    }
    println!("{dropped} calls were dropped, {applied} of them had been handed over and applied");
    assert!(pool.size() <= 2);
}

#[tokio::test]
async fn a_rollback_imports_nothing() {
    for column in [AccountColumn::Text, AccountColumn::BigInt] {
        let database = Database::new();
        let pool = database.pool().await;
        let store = SqliteStore::new(pool.clone()).with_account_column(column);
        store.create_table().await.unwrap();
        transactions::a_rollback_imports_nothing(&pool, store, SqliteStore::in_transaction).await;
    }
}

#[tokio::test]
async fn other_methods_are_refused_in_a_transaction() {
    let database = Database::new();
    let pool = database.pool().await;
    let store = SqliteStore::new(pool.clone());
    store.create_table().await.unwrap();
    transactions::other_methods_are_refused(&pool, store, SqliteStore::in_transaction).await;
}

#[tokio::test]
async fn nothing_follows_a_failed_statement_in_a_transaction() {
    let database = Database::new();
    let pool = database.pool().await;
    let store = SqliteStore::new(pool.clone());
    store.create_table().await.unwrap();
    let broken = store.clone().with_table("missing").unwrap();
    let of = SqliteStore::in_transaction;
    transactions::nothing_follows_a_failed_statement(&pool, store, broken, of).await;
}
