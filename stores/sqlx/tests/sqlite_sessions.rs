//! The sessions of tower-sessions, in SQLite.
#![cfg(all(feature = "sqlite", feature = "tower-sessions-015"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "support/sessions.rs"]
mod sessions;

use countersign_sqlx::SqliteStore;
use serde_json::json;
use sqlx::sqlite::SqlitePool;
use tempfile::TempDir;
use tower_sessions_core::session_store::SessionStore;

async fn pool() -> (SqlitePool, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.db");
    let options = SqliteStore::connect_options(path);
    (SqlitePool::connect_with(options).await.unwrap(), directory)
}

#[tokio::test]
async fn sessions_are_stored() {
    let (pool, _directory) = pool().await;
    sessions::sessions(SqliteStore::new(pool).sessions("browser_sessions").unwrap()).await;
}

#[tokio::test]
async fn the_table_has_hashes_of_ids() {
    let (pool, _directory) = pool().await;
    let table = SqliteStore::new(pool.clone()).sessions("kept").unwrap();
    table.create_table().await.unwrap();
    let mut record = sessions::record(1, 60, json!("data"));
    table.create(&mut record).await.unwrap();
    let id: String = sqlx::query_scalar("SELECT id FROM kept")
        .fetch_one(&pool)
        .await
        .unwrap();
    // sha256sum of 1 and fifteen zero bytes.
    assert_eq!(
        id,
        "4cbbd8ca5215b8d161aec181a74b694f4e24b001d5b081dc0030ed797a8973e0"
    );
    assert!(!format!("{table:?}").contains("data"));
}

#[tokio::test]
async fn errors_name_the_table() {
    let (pool, _directory) = pool().await;
    let store = SqliteStore::new(pool);
    assert!(store.sessions("no\"name").is_err());
    let table = store.sessions("missing").unwrap();
    let mut record = sessions::record(1, 60, json!("secret"));
    let error = table.create(&mut record).await.unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}
