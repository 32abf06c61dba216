//! Sign-in after an attacker has written to the table of records.

use std::path::Path;

use countersign::runtime::{Clock, SystemClock};
use rusqlite::Params;
use tempfile::TempDir;

use crate::connect;
use crate::program::{PASSWORD, SIGN_UP, phone, program, run};

/// The program with its own database, in which Alice has enrolled her phone.
struct Enrolled {
    directory: TempDir,
    /// The row from before the confirmation.
    pending: Row,
}

type Row = (i64, Vec<u8>, i64, i64, i64);

impl Enrolled {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let enroll = [&SIGN_UP[..], &["enroll", "", "", "quit"]].concat();
        let shown = run(&mut program(directory.path()), &enroll);
        let alice = Self {
            pending: row(directory.path()),
            directory,
        };
        let code = phone(&shown).passcode(SystemClock.now());
        let shown = alice.sign_in(&["confirm", &code, "quit"]);
        assert!(shown.contains("Confirmed."), "{shown}");
        alice
    }

    fn sign_in(&self, then: &[&str]) -> String {
        let lines = [&["in", "alice", PASSWORD], then].concat();
        run(&mut program(self.directory.path()), &lines)
    }

    /// Runs a statement as an attacker with access to the table, and returns what sign-in with the
    /// password shows.
    fn sign_in_after(&self, sql: &str, values: impl Params) -> String {
        let connection = connect(self.directory.path());
        assert_eq!(connection.execute(sql, values).unwrap(), 1);
        self.sign_in(&[])
    }
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
