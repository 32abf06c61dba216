//! The example `login`: its store, and its sign-in after an attacker has written to the table of
//! records.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "../login/store.rs"]
mod store;
mod support;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use countersign::conformance::{Effort, Harness};
use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::store::AppStore;
use crate::support::example;

/// SQLite serves the clients that wait for its lock in no order, and a busy disk is slow.
const PATIENCE: Duration = Duration::from_secs(60);

struct Service {
    runtime: Runtime,
    pool: SqlitePool,
    _directory: TempDir,
}

impl Service {
    fn new() -> Self {
        let (runtime, directory) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let options = SqliteStore::connect_options(directory.path().join("login.db"));
        let options = options.busy_timeout(PATIENCE);
        let pool = runtime.block_on(async {
            let pool = SqlitePoolOptions::new().max_connections(8);
            let pool = pool.connect_with(options).await.unwrap();
            AppStore::new(pool.clone()).create_table().await.unwrap();
            let users = "CREATE TABLE users (id INTEGER PRIMARY KEY, enrolled INTEGER NOT NULL)";
            sqlx::raw_sql(users).execute(&pool).await.unwrap();
            pool
        });
        Self {
            runtime,
            pool,
            _directory: directory,
        }
    }
}

impl Harness for Service {
    type Store = AppStore;

    fn open(&self) -> AppStore {
        let mut store = AppStore::new(self.pool.clone());
        store.records = SqliteStore::new(self.pool.clone()).with_timeout(2 * PATIENCE);
        store.limit = 2 * PATIENCE;
        store
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(100)
    }
}

mod conformance {
    use super::Service;

    countersign::conformance_tests!(Service::new());
}

/// The program with its own database, in which Alice has enrolled her phone.
struct Enrolled {
    directory: TempDir,
    /// The row from before the confirmation.
    pending: Row,
}

type Row = (i64, Vec<u8>, i64, i64, i64);

const PASSWORD: &str = "correct horse";

impl Enrolled {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shown = run(
            directory.path(),
            &["up", "alice", PASSWORD, PASSWORD, "enroll", "", "", "quit"],
        );
        let mut lines = shown.lines().map(str::trim);
        let uri = lines.rfind(|line| line.starts_with("otpauth://"));
        let phone = Phone::scan(uri.unwrap_or_else(|| panic!("{shown}"))).unwrap();
        let alice = Self {
            pending: row(directory.path()),
            directory,
        };
        let code = phone.passcode(SystemClock.now());
        let shown = alice.sign_in(&["confirm", &code, "quit"]);
        assert!(shown.contains("Confirmed."), "{shown}");
        alice
    }

    fn sign_in(&self, then: &[&str]) -> String {
        run(
            self.directory.path(),
            &[&["in", "alice", PASSWORD], then].concat(),
        )
    }

    /// Runs a statement as an attacker with access to the table, and returns what sign-in with the
    /// password shows.
    fn sign_in_after(&self, sql: &'static str) -> String {
        let pending = self.pending.clone();
        with_database(self.directory.path(), async |pool| {
            let query = sqlx::query(sql).bind(pending.0).bind(pending.1);
            let query = query.bind(pending.2).bind(pending.3).bind(pending.4);
            query.execute(&pool).await.unwrap();
        });
        self.sign_in(&[])
    }
}

/// Types these lines, and returns what the program shows.
fn run(directory: &Path, lines: &[&str]) -> String {
    let mut child = example("login")
        .arg("--db")
        .arg(directory.join("login.db"))
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let typed: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn with_database<T>(directory: &Path, work: impl AsyncFnOnce(SqlitePool) -> T) -> T {
    let options = SqliteStore::connect_options(directory.join("login.db"));
    Runtime::new().unwrap().block_on(async {
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let done = work(pool.clone()).await;
        pool.close().await;
        done
    })
}

fn row(directory: &Path) -> Row {
    let sql = "SELECT revision, record, enabled, codes_left, key_id FROM countersign";
    with_database(directory, async |pool| {
        sqlx::query_as(sql).fetch_one(&pool).await.unwrap()
    })
}

#[test]
fn a_cleared_or_deleted_row_signs_nobody_in() {
    let alice = Enrolled::new();
    let shown = alice.sign_in_after("UPDATE countersign SET enabled = 0");
    assert!(shown.contains("Code from your app"), "{shown}");
    let shown = alice.sign_in_after("DELETE FROM countersign");
    assert!(shown.contains("ask our staff"), "{shown}");
    assert!(!shown.contains("signed in"), "{shown}");
}

#[test]
fn a_row_from_before_confirmation_signs_nobody_in() {
    let alice = Enrolled::new();
    let shown = alice.sign_in_after(
        "UPDATE countersign SET revision = ?1, record = ?2, enabled = ?3, codes_left = ?4, key_id = ?5",
    );
    assert!(shown.contains("ask our staff"), "{shown}");
    assert!(!shown.contains("signed in"), "{shown}");
}
