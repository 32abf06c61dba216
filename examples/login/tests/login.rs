//! The example `login`: its store, and its sign-in after an attacker has written to the table of
//! records.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "../../tests/support/mod.rs"]
mod support;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use countersign::blocking::Adapter;
use countersign::conformance::{Effort, Harness};
use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;
use countersign_login::AppStore;
use countersign_rusqlite::{OneConnection, configure};
use rusqlite::{Connection, Params};
use tempfile::TempDir;

use crate::support::example;

/// SQLite serves the clients that wait for its lock in no order, and a busy disk is slow.
const PATIENCE: Duration = Duration::from_secs(60);

struct Service {
    directory: TempDir,
}

impl Service {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let connection = connect(directory.path());
        let users = "CREATE TABLE users (id INTEGER PRIMARY KEY, enrolled INTEGER NOT NULL)";
        connection.execute_batch(users).unwrap();
        let store = AppStore::new(OneConnection::new(connection));
        store.create_table().unwrap();
        Self { directory }
    }
}

impl Harness for Service {
    type Store = Adapter<AppStore>;

    fn open(&self) -> Self::Store {
        let connection = OneConnection::new(connect(self.directory.path()));
        Adapter::new(AppStore::new(connection).with_timeout(PATIENCE))
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
    fn sign_in_after(&self, sql: &str, values: impl Params) -> String {
        let connection = connect(self.directory.path());
        assert_eq!(connection.execute(sql, values).unwrap(), 1);
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

fn connect(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("login.db")).unwrap();
    configure(&connection).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection
}

fn row(directory: &Path) -> Row {
    let sql = "SELECT revision, record, enabled, codes_left, key_id FROM countersign";
    let row = connect(directory).query_one(sql, [], |row| row.try_into());
    row.unwrap()
}

#[test]
fn a_cleared_or_deleted_row_signs_nobody_in() {
    let alice = Enrolled::new();
    let shown = alice.sign_in_after("UPDATE countersign SET enabled = 0", []);
    assert!(shown.contains("Code from your app"), "{shown}");
    let shown = alice.sign_in_after("DELETE FROM countersign", []);
    assert!(shown.contains("ask our staff"), "{shown}");
    assert!(!shown.contains("signed in"), "{shown}");
}

#[test]
fn a_row_from_before_confirmation_signs_nobody_in() {
    let alice = Enrolled::new();
    let shown = alice.sign_in_after(
        "UPDATE countersign SET revision = ?1, record = ?2, enabled = ?3, codes_left = ?4, key_id = ?5",
        alice.pending.clone(),
    );
    assert!(shown.contains("ask our staff"), "{shown}");
    assert!(!shown.contains("signed in"), "{shown}");
}
