use std::path::PathBuf;
use std::sync::Arc;

use countersign::blocking::Adapter;
use countersign::store::Store;
use countersign_rusqlite::{OneConnection, SqliteStore, blocking, configure};
use countersign_store_testing::Durability;
use countersign_store_testing::bench::{Database, Error, REVISION};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::accounts::Accounts;
use crate::bare::{Bare, InMutex, OnOneThread};

/// The files of the measurements.
struct Files(Arc<TempDir>);

impl Files {
    fn new(durability: Durability) -> Result<Self, Error> {
        let directory = match durability {
            Durability::Durable => tempfile::tempdir()?,
            Durability::Fast | Durability::Forgetful => tempfile::tempdir_in("/dev/shm")?,
        };
        Ok(Self(Arc::new(directory)))
    }

    fn connection(&self, name: &str) -> Result<Connection, Error> {
        let path: PathBuf = self.0.path().join(name);
        let connection = Connection::open(path)?;
        configure(&connection)?;
        Ok(connection)
    }

    fn describe(&self) -> Result<String, Error> {
        let connection = self.connection("empty.db")?;
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let level: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok(format!(
            "SQLite {}, journal_mode = {mode}, synchronous = {level} (2: FULL), one connection.",
            rusqlite::version()
        ))
    }

    /// Makes a table, and opens a connection for the store and one for the driver alone.
    fn table<S, B: Bare>(
        &self,
        rows: u32,
        record: &[u8],
        store: impl FnOnce(blocking::SqliteStore) -> S,
    ) -> Result<Accounts<S, B>, Error>
    where
        S: Store + Clone + 'static,
    {
        let name = format!("accounts-{rows}.db");
        let connection = self.connection(&name)?;
        let blocking = blocking::SqliteStore::new(OneConnection::new(self.connection(&name)?));
        blocking.create_table()?;
        let fill = "WITH RECURSIVE numbers (number) AS \
             (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?2) \
             INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id) \
             SELECT CAST(number AS TEXT), ?3, ?1, 1, 10, 1 FROM numbers";
        connection.execute(fill, (record, rows, REVISION))?;
        Ok(Accounts {
            store: store(blocking),
            bare: B::new(connection),
            _directory: Arc::clone(&self.0),
        })
    }
}

/// The async store, next to a thread with a connection.
pub(crate) struct OnThread(Files);

impl Database for OnThread {
    type Table = Accounts<SqliteStore, OnOneThread>;

    const NAME: &'static str = "thread";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        Ok(Some(Self(Files::new(durability)?)))
    }

    async fn describe(&self) -> Result<String, Error> {
        self.0.describe()
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Self::Table, Error> {
        self.0.table(rows, record, SqliteStore::new)
    }
}

/// The blocking store, next to a connection in a mutex.
pub(crate) struct Blocking(Files);

impl Database for Blocking {
    type Table = Accounts<Adapter<blocking::SqliteStore>, InMutex>;

    const NAME: &'static str = "blocking";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        Ok(Some(Self(Files::new(durability)?)))
    }

    async fn describe(&self) -> Result<String, Error> {
        self.0.describe()
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Self::Table, Error> {
        self.0.table(rows, record, Adapter::new)
    }
}
