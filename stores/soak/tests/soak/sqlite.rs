//! SQLite, which crashes with the process that it is part of.

use std::time::Instant;

use countersign::AccountId;
use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_store_soak::CheckReport;
use countersign_store_soak::connect::{connect, sqlite};
use countersign_store_soak::crash_test::{Crash, CrashTests, Size};
use countersign_store_testing::sql::{revision, write};

use super::WORKER;

const SIZE: Size = Size {
    processes: 2,
    tasks: 4,
    users: 5,
    guessed: 1,
};

/// Runs tests in which one of two processes is killed, or both. The scheme of the URL selects the
/// store.
fn no_answered_write_is_lost(scheme: &str, kills: usize) {
    let start = Instant::now();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("soak.db");
    let path = path.to_str().unwrap();
    let mut tests = CrashTests::new(WORKER, &format!("{scheme}:{path}"), SIZE, 3);
    let mut report = CheckReport::default();
    let (mut killed, mut checked) = (0, 0);
    while killed < kills {
        let victims = 1 + checked % SIZE.processes;
        let test = tests.run(Crash::Clients(victims));
        test.expect_consistent();
        report += test;
        killed += victims;
        checked += 1;
        assert_eq!(tests.runtime().block_on(integrity(path)), "ok");
    }
    tests.check_all().expect_consistent();
    println!(
        "{scheme}, {killed} processes killed in {checked} tests, integrity ok after each: \
         {report}; {:.0?}",
        start.elapsed()
    );
    assert!(report.accepted > 0 && report.unanswered > 0);
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
    no_answered_write_is_lost("sqlite", 10);
}

#[test]
fn diesel_sqlite_loses_nothing() {
    no_answered_write_is_lost("diesel-sqlite", 10);
}

#[test]
fn rusqlite_loses_nothing() {
    no_answered_write_is_lost("rusqlite", 10);
}

#[test]
#[ignore = "takes minutes"]
fn soak_sqlite_loses_nothing() {
    no_answered_write_is_lost("sqlite", 1000);
}

#[test]
#[ignore = "takes minutes"]
fn soak_diesel_sqlite_loses_nothing() {
    no_answered_write_is_lost("diesel-sqlite", 1000);
}

#[test]
#[ignore = "takes minutes"]
fn soak_rusqlite_loses_nothing() {
    no_answered_write_is_lost("rusqlite", 1000);
}

/// A program can link only one SQLite, so one lock file must have a version that fits all three
/// drivers. Their stores share a table.
#[tokio::test]
async fn sqlx_rusqlite_and_diesel_share_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared.db");
    let path = path.to_str().unwrap();
    let stores = [
        connect(&format!("sqlite:{path}"), 1).await,
        connect(&format!("rusqlite:{path}"), 1).await,
        connect(&format!("diesel-sqlite:{path}"), 1).await,
    ];
    let account = AccountId::from(1_u32);
    for (number, writer) in (0_i64..).zip(&stores) {
        let record = number.to_string();
        let expected = (number > 0).then_some(number);
        let write = write(expected, number + 1, record.as_bytes());
        let done = writer.compare_and_swap(&account, write).await.unwrap();
        assert_eq!(done, WriteResult::Done);
        for reader in &stores {
            let stored = reader.load(&account).await.unwrap().unwrap();
            assert_eq!(
                stored,
                StoredRecord::new(record.clone().into_bytes(), revision(number + 1))
            );
        }
    }
}
