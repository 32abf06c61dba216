//! SQLite, whose crash is that of the process it is part of.

use std::time::Instant;

use countersign_store_soak::Books;
use countersign_store_soak::connect::sqlite;
use countersign_store_soak::storm::{Crash, Size, Storms};

use super::WORKER;

const SIZE: Size = Size {
    processes: 2,
    tasks: 4,
    people: 5,
    guessed: 1,
};

/// Storms in which one of two processes is killed, or both.
fn nothing_is_lost(kills: usize) {
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("soak.db");
    let path = path.to_str().unwrap();
    let mut storms = Storms::new(WORKER, &format!("sqlite:{path}"), SIZE, 3);
    let mut books = Books::default();
    let (mut killed, mut checked) = (0, 0);
    while killed < kills {
        let victims = 1 + checked % SIZE.processes;
        let storm = storms.storm(Crash::Clients(victims));
        storm.expect_balanced();
        books += storm;
        killed += victims;
        checked += 1;
        assert_eq!(storms.runtime().block_on(integrity(path)), "ok");
    }
    storms.all_books().expect_balanced();
    println!(
        "sqlite, {killed} processes killed in {checked} storms, integrity ok after each: {books}; {:.0?}",
        begun.elapsed()
    );
    assert!(books.accepted > 0 && books.unanswered > 0);
}

async fn integrity(path: &str) -> String {
    let pool = sqlite(path, 1);
    let check = sqlx::query_scalar("PRAGMA integrity_check");
    let seen = check.fetch_one(&pool).await.unwrap();
    pool.close().await;
    seen
}

#[test]
fn sqlite_loses_nothing() {
    nothing_is_lost(25);
}

#[test]
#[ignore = "takes minutes"]
fn soak_sqlite_loses_nothing() {
    nothing_is_lost(1000);
}
