//! The example `login`: its store here, and the program in the modules.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod enrolling;
#[cfg(unix)]
mod files;
mod program;
mod sign_in;
#[path = "../../../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::time::Duration;

use countersign::blocking::Adapter;
use countersign::conformance::{Effort, Harness};
use countersign_login::AppStore;
use countersign_rusqlite::{OneConnection, configure};
use rusqlite::Connection;
use tempfile::TempDir;

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

fn connect(directory: &Path) -> Connection {
    let connection = Connection::open(directory.join("login.db")).unwrap();
    configure(&connection).unwrap();
    connection.busy_timeout(PATIENCE).unwrap();
    connection
}
