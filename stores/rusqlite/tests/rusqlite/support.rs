//! Temporary databases, connections to them, and conditional writes.

use std::path::PathBuf;
use std::time::Duration;

use countersign::AccountId;
use countersign::blocking::Store;
use countersign::store::{StoredRecord, WriteResult};
use countersign_rusqlite::{Error, OneConnection, blocking, configure};
pub(crate) use countersign_store_testing::sql::{account, revision, write};
use r2d2::ManageConnection;
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// A database in a temporary file.
pub(crate) struct Database {
    directory: TempDir,
}

impl Database {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("accounts.db")
    }

    /// A connection with the settings that a store needs.
    pub(crate) fn connection(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        configure(&connection).unwrap();
        connection
    }

    /// A connection that waits long for a lock, so that no test depends on the speed of the disk.
    pub(crate) fn patient(&self) -> OneConnection {
        let connection = self.connection();
        connection.busy_timeout(LONG).unwrap();
        OneConnection::new(connection)
    }

    /// A blocking store on a connection of its own, with its table.
    pub(crate) fn store(&self) -> blocking::SqliteStore {
        let store = blocking::SqliteStore::open(self.path()).unwrap();
        store.create_table().unwrap();
        store
    }
}

/// A manager of connections for r2d2.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) PathBuf);

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.0)?;
        configure(&connection)?;
        connection.busy_timeout(LONG)?;
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.execute_batch("")
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

/// Creates an account with the revision 1.
pub(crate) fn create<S: Store<Error = Error>>(store: &S, account: &AccountId) {
    let result = store.compare_and_swap(account, write(None, 1, b"record"));
    assert_eq!(result.unwrap(), WriteResult::Done);
}

pub(crate) fn stored(record: &[u8], number: i64) -> Option<StoredRecord> {
    Some(StoredRecord::new(record.to_vec(), revision(number)))
}
