//! Sign-ins in the transaction of the record, in SQLite.
#![cfg(all(feature = "gate", feature = "sqlite"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{Store, WriteKind, WriteResult};
use countersign_gate::conformance::Harness;
use countersign_gate::{NewSignIn, SignInRows, SignInStore};
use countersign_sqlx::{AccountColumn, GateStore, SignInTables, SqliteStore};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use support::account;
use support::outbox::Row;
use support::sign_ins::{Handles, Ids, USERS, create, is_live, sign_in, with, write};
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct Database {
    handles: Handles<SqliteStore>,
    _directory: TempDir,
}

async fn pool(path: &Path, connections: u32) -> SqlitePool {
    let options = SqlitePoolOptions::new().max_connections(connections);
    let options = options.test_before_acquire(false);
    let file = SqliteStore::connect_options(path).busy_timeout(Duration::from_secs(50));
    options.connect_with(file).await.unwrap()
}

impl Database {
    fn new(ids: Ids) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let path = directory.path().join("accounts.db");
        let store = runtime.block_on(async {
            let pool = pool(&path, 8).await;
            let column = match ids {
                Ids::Text => AccountColumn::Text,
                Ids::Numbers | Ids::Users => AccountColumn::BigInt,
                Ids::Uuids => AccountColumn::Uuid,
            };
            let mut tables = SignInTables::new();
            if let Ids::Users = ids {
                let sql = format!(
                    "CREATE TABLE users (id INTEGER PRIMARY KEY, enrolled BOOLEAN NOT NULL); \
                     WITH RECURSIVE ids (id) AS \
                     (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < {USERS}) \
                     INSERT INTO users SELECT id, FALSE FROM ids"
                );
                sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&pool)
                    .await
                    .unwrap();
                tables = tables.with_flag_column("users", "id", "enrolled").unwrap();
            }
            let store = SqliteStore::new(pool).with_account_column(column);
            let store = store
                .with_timeout(Duration::from_secs(60))
                .with_sign_ins(tables);
            store.create_tables().await.unwrap();
            store.create_tables().await.unwrap();
            store
        });
        Self {
            handles: Handles::new(runtime, store, ids),
            _directory: directory,
        }
    }
}

impl Harness for Database {
    type Store = GateStore<SqliteStore>;

    fn open(&self) -> Self::Store {
        self.handles.open()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handles.block_on(future)
    }

    fn account(&self, number: u64) -> AccountId {
        self.handles.account(number)
    }

    fn similar_accounts(&self, number: u64) -> Vec<AccountId> {
        self.handles.similar_accounts(number)
    }
}

mod text {
    use super::*;
    countersign_gate::sign_in_tests!(Database::new(Ids::Text));
}

mod numbers {
    use super::*;
    countersign_gate::sign_in_tests!(Database::new(Ids::Numbers));
}

mod uuids {
    use super::*;
    countersign_gate::sign_in_tests!(Database::new(Ids::Uuids));
}

mod flag_column {
    use super::*;
    countersign_gate::sign_in_tests!(Database::new(Ids::Users));
}

#[tokio::test]
async fn an_enrollment_without_a_user_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(&directory.path().join("accounts.db"), 2).await;
    let sql = "CREATE TABLE people (id TEXT PRIMARY KEY, \"On\" BOOLEAN NOT NULL)";
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    let tables = SignInTables::new()
        .with_flag_column("people", "id", "On")
        .unwrap();
    let store = SqliteStore::new(pool).with_sign_ins(tables);
    store.create_tables().await.unwrap();
    support::sign_ins::an_enrollment_without_a_user_is_an_error(&store).await;
}

#[tokio::test]
async fn the_schema_creates_the_tables() {
    let directory = tempfile::tempdir().unwrap();
    let pool = pool(&directory.path().join("accounts.db"), 2).await;
    let tables = SignInTables::new();
    let schema = SqliteStore::sign_in_schema(&tables, AccountColumn::Text);
    sqlx::raw_sql(AssertSqlSafe(schema))
        .execute(&pool)
        .await
        .unwrap();
    let store = SqliteStore::new(pool).with_sign_ins(tables);
    let new = sign_in(&account(1), 1);
    assert!(store.rows().insert_if_off(&new).await.unwrap());
    assert!(is_live(&store, &new).await);
}

async fn with_outbox(directory: &TempDir) -> (GateStore<SqliteStore>, SqlitePool) {
    let pool = pool(&directory.path().join("accounts.db"), 4).await;
    let tables = SignInTables::new().with_outbox("outbox").unwrap();
    let store = SqliteStore::new(pool.clone()).with_sign_ins(tables);
    store.create_tables().await.unwrap();
    (store, pool)
}

async fn outbox(pool: &SqlitePool, account: u32) -> Vec<Row> {
    let sql = "SELECT revision, at, event, cause FROM outbox WHERE account = ?1 ORDER BY number";
    let rows = sqlx::query_as(sql).bind(account.to_string());
    rows.fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn each_event_has_one_row() {
    let directory = tempfile::tempdir().unwrap();
    let (store, pool) = with_outbox(&directory).await;
    let rows = async |account| outbox(&pool, account).await;
    support::outbox::each_event_has_one_row(&store, rows).await;
}

#[tokio::test]
async fn an_id_is_used_once() {
    let directory = tempfile::tempdir().unwrap();
    let (store, pool) = with_outbox(&directory).await;
    let rows = async |account| outbox(&pool, account).await;
    support::outbox::an_id_is_used_once(&store, rows).await;
}

/// A process that writes accepted codes until it is killed. It prints each answered write.
#[tokio::test]
#[ignore = "the other process of `a_killed_process_leaves_all_or_none`"]
async fn writer() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let store = SqliteStore::new(pool(Path::new(&path), 4).await);
    let store = store.with_sign_ins(SignInTables::new());
    let tasks = (1..=ACCOUNTS).map(|id| {
        let store = store.clone();
        tokio::spawn(async move {
            let account = AccountId::from(id);
            let record = store.load(&account).await.unwrap().unwrap();
            for old in record.revision.as_i64().. {
                let planned = write(Some(old), old + 1, b"x", WriteKind::Accepted);
                let store = with(&store, &numbered(&account, old + 1));
                let result = store.compare_and_swap(&account, planned).await.unwrap();
                assert_eq!(result, WriteResult::Done);
                println!("\nDone {id} {}", old + 1);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn numbered(account: &AccountId, revision: i64) -> NewSignIn {
    let id: u128 = account.as_str().parse().unwrap();
    sign_in(account, id << 64 | u128::try_from(revision).unwrap())
}

#[tokio::test]
async fn a_killed_process_leaves_all_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.db");
    let store = SqliteStore::new(pool(&path, 2).await).with_sign_ins(SignInTables::new());
    store.create_tables().await.unwrap();
    for id in 1..=ACCOUNTS {
        create(&store, &account(id)).await;
    }
    let mut answered = 0;
    for round in 0..10 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["writer", "--exact", "--ignored", "--nocapture"])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(writer.stdout.take().unwrap());
        let mut latest = vec![0; ACCOUNTS as usize + 1];
        let mut lines = 0;
        for line in output.lines() {
            let line = line.unwrap();
            let mut words = line.split(' ');
            if words.next() == Some("Done") {
                let id: usize = words.next().unwrap().parse().unwrap();
                latest[id] = words.next().unwrap().parse().unwrap();
                lines += 1;
            }
            if lines == 20 + round {
                writer.kill().unwrap();
            }
        }
        writer.wait().unwrap();
        answered += lines;
        for id in 1..=ACCOUNTS {
            let account = account(id);
            let record = store.load(&account).await.unwrap().unwrap();
            let revision = record.revision.as_i64();
            assert!(
                revision >= latest[id as usize],
                "an answered write was lost"
            );
            for stored in 2..=revision {
                assert!(is_live(&store, &numbered(&account, stored)).await);
            }
            assert!(!is_live(&store, &numbered(&account, revision + 1)).await);
        }
    }
    println!("{answered} answered writes, 10 kills");
}

const PATH: &str = "COUNTERSIGN_TEST_DATABASE";
const ACCOUNTS: u32 = 4;
