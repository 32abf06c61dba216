//! `MySqlStore` satisfies the contract on a real MariaDB server, at every isolation level, and
//! names the reason of each failure.
#![cfg(feature = "mysql")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

/// The server that all tests share. Without one, the test returns.
macro_rules! server {
    () => {
        match &*SERVER {
            Some(server) => server,
            None => return Default::default(),
        }
    };
}

mod conformance;
mod errors;
mod faults;
#[cfg(feature = "tower-sessions-015")]
mod sessions;
#[cfg(feature = "gate")]
mod sign_ins;
#[path = "../support/mod.rs"]
mod support;
mod transactions;

use std::error::Error as _;
use std::net::TcpListener;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::conformance::{Effort, Harness};
use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_sqlx::{AccountColumn, Error, MySqlStore};
use countersign_store_testing::{Durability, MariaDb, Proxy, available, rarest_fault};
use sqlx::AssertSqlSafe;
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use support::{MappedIds, account, checks, create, revision, table, to_uuid, write};
use tokio::runtime::Runtime;

static SERVER: LazyLock<Option<MariaDb>> =
    LazyLock::new(|| available(MariaDb::start(Durability::Fast)));

fn options(server: &MariaDb) -> MySqlConnectOptions {
    server.url().parse().unwrap()
}

async fn pool(server: &MariaDb) -> MySqlPool {
    let options = MySqlPoolOptions::new().max_connections(16);
    options.connect(&server.url()).await.unwrap()
}

/// Options of a pool at this isolation level.
fn isolated(isolation: &str) -> MySqlPoolOptions {
    set(format!("TRANSACTION ISOLATION LEVEL {isolation}"))
}

/// Options of a pool whose connections have this setting.
fn set(setting: impl Into<String>) -> MySqlPoolOptions {
    let sql = format!("SET SESSION {}", setting.into());
    MySqlPoolOptions::new().after_connect(move |connection, _| {
        let set = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection);
        Box::pin(async move { set.await.map(|_| ()) })
    })
}

fn at(pool: &MySqlPool, table: &str) -> MySqlStore {
    let store = MySqlStore::new(pool.clone()).with_table(table).unwrap();
    store.with_timeout(Duration::from_secs(60))
}

/// A store on a table of its own.
async fn store(pool: &MySqlPool) -> MySqlStore {
    store_of(AccountColumn::Text, pool).await
}

async fn store_of(column: AccountColumn, pool: &MySqlPool) -> MySqlStore {
    let store = at(pool, &table()).with_account_column(column);
    store.create_table().await.unwrap();
    store
}

async fn overwrite(store: &MySqlStore, expected: i64, new: i64) -> Result<WriteResult, Error> {
    store
        .compare_and_swap(&account(1), write(Some(expected), new, b"new"))
        .await
}

async fn run(pool: &MySqlPool, sql: impl Into<String>) {
    let sql = AssertSqlSafe(sql.into());
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

#[tokio::test]
async fn the_summary_columns_store_the_summary() {
    let pool = pool(server!()).await;
    let store = at(&pool, "Second_Factor");
    store.create_table().await.unwrap();
    store.create_table().await.unwrap();
    create(&store, &account(5)).await;
    let sql = "SELECT account, enabled, codes_left, key_id FROM Second_Factor";
    let columns: (Vec<u8>, bool, u32, u32) = sqlx::query_as(sql).fetch_one(&pool).await.unwrap();
    assert_eq!(columns, (b"5".into(), true, u32::MAX, u32::MAX));
}

#[tokio::test]
async fn the_schema_supports_a_foreign_key() {
    let pool = pool(server!()).await;
    for (column, id_type, user, id, refused) in [
        (
            AccountColumn::Text,
            "VARBINARY(255)",
            account(7),
            "'7'",
            account(8),
        ),
        (AccountColumn::BigInt, "BIGINT", account(7), "7", account(8)),
        (
            AccountColumn::BigInt,
            "BIGINT UNSIGNED",
            account(7),
            "7",
            account(8),
        ),
        (
            AccountColumn::Uuid,
            "BINARY(16)",
            AccountId::from_uuid_bytes([7; 16]),
            "REPEAT(CHAR(7), 16)",
            to_uuid(8),
        ),
        // MariaDB's own type.
        (
            AccountColumn::Uuid,
            "UUID",
            AccountId::from_uuid_bytes([7; 16]),
            "CAST('07070707-0707-0707-0707-070707070707' AS UUID)",
            to_uuid(8),
        ),
    ] {
        let (users, table) = (table(), table());
        let schema = MySqlStore::schema(&table, column).unwrap();
        let ours = format!("account {id_type} NOT NULL");
        let schema = schema.replace("account BIGINT NOT NULL", &ours);
        let schema = schema.replace("account BINARY(16) NOT NULL", &ours);
        let key = format!("FOREIGN KEY (account) REFERENCES {users} (id) ON DELETE CASCADE");
        run(
            &pool,
            format!("CREATE TABLE {users} (id {id_type} PRIMARY KEY)"),
        )
        .await;
        run(&pool, format!("{schema}; ALTER TABLE {table} ADD {key}")).await;
        run(&pool, format!("INSERT INTO {users} VALUES ({id})")).await;
        let store = at(&pool, &table).with_account_column(column);
        create(&store, &user).await;
        let accounts = store.accounts_after(None, 9).await.unwrap();
        assert_eq!(accounts.first(), Some(&user));
        let error = store
            .compare_and_swap(&refused, write(None, 1, b"nobody's"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
        run(&pool, format!("DELETE FROM {users}")).await;
        assert_eq!(store.load(&user).await.unwrap(), None);
    }
    assert!(MySqlStore::schema("x` (a); DROP TABLE users; --", AccountColumn::Text).is_err());
    assert!(MySqlStore::new(pool).with_table("").is_err());
}

#[tokio::test]
async fn pages_list_accounts_in_column_order() {
    let pool = pool(server!()).await;
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
        let store = store_of(column, &pool).await;
        assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
        for id in ids.iter().rev() {
            create(&store, id).await;
        }
        let first = store.accounts_after(None, 2).await.unwrap();
        assert_eq!(first, ids[..2]);
        let second = store.accounts_after(first.last(), 10).await.unwrap();
        assert_eq!(second, ids[2..]);
        assert_eq!(store.accounts_after(second.last(), 2).await.unwrap(), []);
    }
}
