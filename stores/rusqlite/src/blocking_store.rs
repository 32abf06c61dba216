use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::blocking::Store;
use countersign::store::{ConditionalWrite, StoredRecord, WriteResult};
use countersign_sql::{AccountColumn, Dialect, RecordTable, TIME_LIMIT, TableNameError};
use rusqlite::Connection;

use crate::connection_state::{SYNCHRONOUS, has_open_transaction, synchronous};
use crate::driver_error::error;
use crate::statement::{Run, Statement};
use crate::{Connections, Error, NoConnection, OneConnection, configure};

/// A blocking store in a SQLite database, on one connection or on your own pool.
///
/// ```
/// use countersign::blocking::Verifier;
/// use countersign_rusqlite::blocking::SqliteStore;
/// # use countersign::{KeyId, Keyring, SealingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("accounts.db");
/// # let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
/// let store = SqliteStore::open(path)?.with_table("second_factor")?;
/// store.create_table()?;
/// let verifier = Verifier::builder(store, keyring, "Example").build_blocking()?;
/// # Ok(())
/// # }
/// ```
///
/// The page of [`SqliteStore`](crate::SqliteStore), which is async, describes the table, the
/// settings of a connection, and what the store checks. Both stores run the same code.
///
/// # Time limits
///
/// A call waits for a connection until the time limit ends. Then it waits for the lock of another
/// writer, as long as the `busy_timeout` of the connection says.
pub struct SqliteStore<C: Connections = OneConnection> {
    connections: Arc<C>,
    table: Arc<RecordTable>,
    limit: Duration,
}

impl SqliteStore {
    /// Opens the database at this path on a connection of its own, with the settings of
    /// [`configure`]. It creates a missing file.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be opened or is no database, or if another connection keeps it
    /// locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let opened = Connection::open(path).and_then(|connection| {
            configure(&connection)?;
            Ok(connection)
        });
        let table = RecordTable::new(Dialect::Sqlite);
        let connection = opened.map_err(|source| error(table.name(), "", source))?;
        Ok(Self::new(OneConnection::new(connection)))
    }
}

impl<C: Connections> SqliteStore<C> {
    /// Makes a store on these connections, with the table `countersign`, a text column for
    /// accounts, and a time limit of 5 seconds. Each connection needs the settings of
    /// [`configure`].
    #[must_use]
    pub fn new(connections: C) -> Self {
        Self {
            connections: Arc::new(connections),
            table: Arc::new(RecordTable::new(Dialect::Sqlite)),
            limit: TIME_LIMIT,
        }
    }

    /// Sets the name of the table.
    ///
    /// # Errors
    /// [`TableNameError`] unless the name has 1 to 63 ASCII letters, digits and underscores, and
    /// does not begin with a digit.
    pub fn with_table(self, table: &str) -> Result<Self, TableNameError> {
        let table = Arc::new(RecordTable::clone(&self.table).with_table(table)?);
        Ok(Self { table, ..self })
    }

    /// Sets the type of the column `account`.
    #[must_use]
    pub fn with_account_column(self, account: AccountColumn) -> Self {
        let table = Arc::new(RecordTable::clone(&self.table).with_account_column(account));
        Self { table, ..self }
    }

    /// Sets how long a call waits for a connection; the default is 5 seconds.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The SQL text that creates the table if it is missing, for your own migrations.
    #[must_use]
    pub fn schema(&self) -> &str {
        self.table.schema()
    }

    /// Creates the table if it is missing. It does not check an existing table.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub fn create_table(&self) -> Result<(), Error> {
        self.write(&self.table.create_table().into()).map(drop)
    }

    /// Returns the next accounts after `cursor`, at most `limit`, in the order of the column. Use
    /// it for `reseal` and for reports.
    ///
    /// Begin with `None`, and continue with the last account returned. An empty answer is the end.
    /// An account that is created or erased during the listing may be missing; no other account is
    /// missing.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be read.
    pub fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Error> {
        let call = self.table.accounts_after(cursor, limit)?;
        let ids = self.read(&call.into(), Statement::ids);
        self.table.accounts(ids.map(|ids| ids.into_iter().map(Ok)))
    }

    pub(crate) fn table(&self) -> &RecordTable {
        &self.table
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Runs a statement that changes nothing.
    pub(crate) fn read<T>(&self, statement: &Statement, run: Run<T>) -> Result<T, Error> {
        let connection = self.connection()?;
        run(statement, &connection).map_err(|source| self.error(statement.sql(), source))
    }

    /// Runs a statement that changes rows, and returns their number.
    pub(crate) fn write(&self, statement: &Statement) -> Result<u64, Error> {
        let connection = self.connection()?;
        let level = synchronous(&connection).map_err(|source| self.error(SYNCHRONOUS, source))?;
        Dialect::Sqlite.time_limit([("synchronous", &*level.to_string())])?;
        let changed = statement.execute(&connection);
        changed.map_err(|source| self.error(statement.sql(), source))
    }

    /// A connection whose next statement commits by itself.
    fn connection(&self) -> Result<C::Connection<'_>, Error> {
        let limit = self.limit;
        match self.connections.connection(limit) {
            Ok(connection) if has_open_transaction(&connection) => Err(Error::OpenTransaction),
            Ok(connection) => Ok(connection),
            Err(NoConnection::InUse) => Err(Error::NoConnection { limit }),
            Err(NoConnection::Failed(source)) => Err(self.error("", source)),
        }
    }

    fn error(&self, sql: &str, source: rusqlite::Error) -> Error {
        error(self.table.name(), sql, source)
    }
}

impl<C: Connections> Store for SqliteStore<C> {
    type Error = Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let statement = self.table.load(account)?.into();
        let rows = self.read(&statement, Statement::records);
        self.table.stored(rows.map(|rows| rows.into_iter().map(Ok)))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let statement = self.table.write(account, write)?.into();
        self.table.written(write, self.write(&statement))
    }
}

impl<C: Connections> Clone for SqliteStore<C> {
    /// Returns a store on the same connections.
    fn clone(&self) -> Self {
        Self {
            connections: Arc::clone(&self.connections),
            table: Arc::clone(&self.table),
            limit: self.limit,
        }
    }
}

impl<C: Connections> fmt::Debug for SqliteStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("table", &self.table)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
