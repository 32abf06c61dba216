use std::fmt;
use std::path::Path;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::{AccountColumn, TableNameError};

use crate::call_thread::CallThread;
use crate::statement::{Run, Statement};
use crate::{Connections, Error, OneConnection, blocking};

/// An async store in a SQLite database. It runs its statements on a thread of its own.
///
/// ```
/// use countersign_rusqlite::SqliteStore;
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("accounts.db");
/// let store = SqliteStore::open(&path)?
///     .with_table("second_factor")?
///     .with_timeout(Duration::from_secs(10));
/// store.create_table().await?;
///
/// let connection = rusqlite::Connection::open(&path)?;
/// let sql = "SELECT count(*) FROM second_factor WHERE enabled AND codes_left < 3";
/// let running_out: i64 = connection.query_row(sql, [], |row| row.get(0))?;
/// assert_eq!(running_out, 0);
/// # Ok(())
/// # }
/// ```
///
/// [`open`](Self::open) opens a connection of its own. Your code and other processes can use the
/// same file on other connections. To use connections of your own, make a
/// [`blocking::SqliteStore`] on them, and call [`new`](Self::new).
///
/// # The connection
///
/// Give each connection of your own the settings of [`configure`](crate::configure). The store
/// refuses a connection that could lose a write:
///
/// - Before each write, it checks that `synchronous` is `FULL` or higher: [`Error::UnsafeSetting`].
/// - Before each call, it checks that no transaction is open on the connection, and that no
///   statement of other code is unfinished: [`Error::OpenTransaction`]. A rollback would undo a
///   counted failure, so guesses would be free.
///
/// SQLite lets one connection write at a time. If another connection keeps the database locked
/// longer than `busy_timeout`, the error is [`Error::Locked`], and nothing was written. So begin
/// your own transactions that write with `BEGIN IMMEDIATE`, and keep them short.
///
/// # One statement per call
///
/// A call is one statement outside any transaction, so it is committed when the answer comes.
/// SQLite's only isolation level is serializable. The store never retries and never opens a
/// transaction.
///
/// # Dropped futures and time-outs
///
/// If you drop the future of a call before the thread begins it, the statement does not run. If you
/// drop the future later, the statement runs to its end and commits.
///
/// The time limit of a call covers the wait for the thread and the statement:
///
/// - If the thread has not begun the call by then, the error is [`Error::NoConnection`]. No
///   statement is sent.
/// - If the statement has begun, the error is [`Error::Timeout`]. Its write may still be applied.
///   The verifier finds out whether it was.
///
/// The thread ends after the last handle of the store was dropped. If a call panics, its error is
/// [`Error::ThreadFailed`], and the thread continues with the next call.
///
/// The futures need a tokio runtime with its timer.
///
/// # Columns
///
/// The columns `account` ([`AccountColumn`]), `revision` and `record` are the stored record. The
/// columns `enabled`, `codes_left` and `key_id` are its [`Summary`](countersign::store::Summary).
/// The column `enabled` is 0 or 1. Use these three columns for queries only, never for decisions,
/// because they are not authenticated. So do not set a flag of your own by a trigger on these
/// columns. Set the flag by the [`WriteKind`](countersign::store::WriteKind) instead.
///
/// The table is the one of the `SqliteStore` of `countersign-sqlx`, so a service can change the
/// driver and keep its accounts. You can add columns that have a default. If a later version of
/// this crate changes the table incompatibly, it renames a column. This version then fails with
/// [`Error::WrongTable`].
pub struct SqliteStore<C: Connections = OneConnection> {
    blocking: blocking::SqliteStore<C>,
    thread: CallThread,
}

impl SqliteStore {
    /// Opens the database at this path on a connection of its own, with the settings of
    /// [`configure`](crate::configure), and starts the thread. It creates a missing file.
    ///
    /// This function blocks while SQLite opens the file. Call it when your service starts.
    ///
    /// # Errors
    /// [`Error`] if the file cannot be opened or is no database, or if another connection keeps it
    /// locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        blocking::SqliteStore::open(path).map(Self::new)
    }
}

impl<C: Connections> SqliteStore<C> {
    /// Starts a thread that runs the calls of a blocking store, with its table, column and time
    /// limit.
    #[must_use]
    pub fn new(blocking: blocking::SqliteStore<C>) -> Self {
        let thread = CallThread::start(blocking.clone());
        Self { blocking, thread }
    }

    /// Sets the name of the table.
    ///
    /// # Errors
    /// [`TableNameError`] unless the name has 1 to 63 ASCII letters, digits and underscores, and
    /// does not begin with a digit.
    pub fn with_table(self, table: &str) -> Result<Self, TableNameError> {
        let blocking = self.blocking.with_table(table)?;
        Ok(Self { blocking, ..self })
    }

    /// Sets the type of the column `account`.
    #[must_use]
    pub fn with_account_column(self, account: AccountColumn) -> Self {
        let blocking = self.blocking.with_account_column(account);
        Self { blocking, ..self }
    }

    /// Sets the time limit per call; the default is 5 seconds.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        let blocking = self.blocking.with_timeout(limit);
        Self { blocking, ..self }
    }

    /// The SQL text that creates the table if it is missing, for your own migrations.
    #[must_use]
    pub fn schema(&self) -> &str {
        self.blocking.schema()
    }

    /// Creates the table if it is missing. It does not check an existing table.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub async fn create_table(&self) -> Result<(), Error> {
        let statement = self.blocking.table().create_table().into();
        self.write(statement).await.map(drop)
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
    pub async fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Error> {
        let table = self.blocking.table();
        let statement = table.accounts_after(cursor, limit)?.into();
        let ids = self.read(statement, Statement::ids).await;
        table.accounts(ids.map(|ids| ids.into_iter().map(Ok)))
    }

    async fn read<T: Send + 'static>(&self, statement: Statement, run: Run<T>) -> Result<T, Error> {
        let (blocking, limit) = (self.blocking.clone(), self.blocking.limit());
        let call = move || blocking.read(&statement, run);
        self.thread.run(limit, call).await
    }

    async fn write(&self, statement: Statement) -> Result<u64, Error> {
        let (blocking, limit) = (self.blocking.clone(), self.blocking.limit());
        let call = move || blocking.write(&statement);
        self.thread.run(limit, call).await
    }
}

impl<C: Connections> Store for SqliteStore<C> {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let table = self.blocking.table();
        let statement = table.load(account)?.into();
        let rows = self.read(statement, Statement::records).await;
        table.stored(rows.map(|rows| rows.into_iter().map(Ok)))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let table = self.blocking.table();
        let statement = table.write(account, write)?.into();
        table.written(write, self.write(statement).await)
    }
}

impl<C: Connections> Clone for SqliteStore<C> {
    /// Returns a handle on the same thread.
    fn clone(&self) -> Self {
        Self {
            blocking: self.blocking.clone(),
            thread: self.thread.clone(),
        }
    }
}

impl<C: Connections> fmt::Debug for SqliteStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.blocking.fmt(f)
    }
}
