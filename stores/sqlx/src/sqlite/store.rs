use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::{Call, Dialect, RecordTable, TIME_LIMIT, TableName};
#[cfg(feature = "gate")]
use sqlx::SqlSafeStr;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqliteQueryResult, SqliteRow, SqliteSynchronous,
};
use sqlx::{SqlStr, Sqlite};
use tokio::time::timeout;

use crate::driver::{Driver, bind, ids, records};
use crate::settings::time_limit;
#[cfg(feature = "gate")]
use crate::sign_ins::{Applied, Backend, Step, apply};
use crate::transaction_store::TransactionStore;
use crate::{AccountColumn, Error, TableNameError};
#[cfg(feature = "gate")]
use crate::{GateStore, SignInTables};

/// A store in a SQLite database, on your own pool.
///
/// ```
/// use countersign_sqlx::SqliteStore;
/// use sqlx::sqlite::SqlitePool;
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("accounts.db");
/// let pool = SqlitePool::connect_with(SqliteStore::connect_options(path)).await?;
/// let store = SqliteStore::new(pool.clone())
///     .with_table("second_factor")?
///     .with_timeout(Duration::from_secs(10));
/// store.create_table().await?;
///
/// let sql = "SELECT count(*) FROM second_factor WHERE enabled AND codes_left < 3";
/// let running_out: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await?;
/// assert_eq!(running_out, 0);
/// # Ok(())
/// # }
/// ```
///
/// # The pool
///
/// Open the pool with [`connect_options`](Self::connect_options), or set the same options on every
/// connection of your own pool:
///
/// - `journal_mode = WAL`: loads do not wait for writes.
/// - `synchronous = FULL`: with a weaker setting, a power failure can undo the last writes. A used
///   passcode is then valid again, or a wrong guess is not counted. Before its first statement, the
///   store looks at a connection of the pool, and refuses a weaker setting:
///   [`Error::UnsafeSetting`].
/// - `busy_timeout`, shorter than the store's time limit. If the database stays locked, the error
///   is then [`Locked`](Error::Locked) instead of [`Timeout`](Error::Timeout). `Locked` says that
///   nothing was written.
///
/// Each connection to an in-memory database has a database of its own, so use a pool of exactly one
/// connection for it.
///
/// If several connections switch a new file to WAL at the same time, SQLite answers some of them
/// that the database is locked. So call [`create_table`](Self::create_table) at the start, before
/// the first concurrent calls. Of several processes, start one before the others.
///
/// SQLite lets one connection write at a time. More connections serve more loads, but not more
/// writes. Switch `test_before_acquire` off: it only costs time, because a connection to a file
/// does not break.
///
/// # One statement per call
///
/// A call is one statement outside any transaction, so it is committed when the answer comes.
/// SQLite's only isolation level is serializable. The store never retries and never opens a
/// transaction.
///
/// The feature `gate` adds the sign-ins of countersign-gate to the transaction of an accepted
/// login: see `with_sign_ins`. If you need other rows there, write your own [`Store`] with these
/// statements.
///
/// # Dropped futures and time-outs
///
/// A statement runs on its connection's own thread, from beginning to end. If you drop the future
/// before the statement reaches that thread, the statement does not run. If you drop the future
/// later, the statement still runs completely and commits. The connection goes back to the pool
/// without an open transaction, and its next user waits for that statement to end. So calls need no
/// task of their own. If a call times out, its write may still be applied. The verifier finds out
/// whether the write was applied.
///
/// # Columns
///
/// The columns `account` ([`AccountColumn`]), `revision` and `record` are the stored record. The
/// columns `enabled`, `codes_left` and `key_id` are its [`Summary`](countersign::store::Summary).
/// The column `enabled` is 0 or 1. Use these three columns for queries only, never for decisions,
/// because they are not authenticated. So do not set a flag of your own by a trigger on these
/// columns. Set the flag by the [`WriteKind`](countersign::store::WriteKind) instead.
///
/// You can add columns that have a default. If a later version of this crate changes the table
/// incompatibly, it renames a column. This version then fails with [`Error::WrongTable`].
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    pub(super) table: Arc<RecordTable>,
    limit: Duration,
    /// Set when a connection has passed the check of its settings.
    checked: Arc<OnceLock<()>>,
}

impl SqliteStore {
    /// Makes a store on this pool, with the table `countersign`, a text column for accounts, and a
    /// time limit of 5 seconds per call.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            table: Arc::new(RecordTable::new(Dialect::Sqlite)),
            limit: TIME_LIMIT,
            checked: Arc::default(),
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
        let table = RecordTable::clone(&self.table).with_account_column(account);
        let table = Arc::new(table);
        Self { table, ..self }
    }

    /// Sets the time limit per call; the default is 5 seconds. The limit covers the wait for a
    /// connection and the statement together.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Sends statements without a look at the setting `synchronous`.
    ///
    /// With a weaker setting than `FULL`, a passcode that was used can be valid again after a loss
    /// of power. So call this only in tests, or to measure such a database.
    #[must_use]
    pub fn danger_without_server_check(self) -> Self {
        let checked = Arc::new(OnceLock::from(()));
        Self { checked, ..self }
    }

    /// Returns options to open the database at this path. They create a missing file, and set WAL
    /// mode, `synchronous = FULL`, and a `busy_timeout` of 4 seconds.
    #[must_use]
    pub fn connect_options(path: impl AsRef<Path>) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
    }

    /// Returns the SQL text that creates the table, for your own migrations.
    ///
    /// ```
    /// use countersign_sqlx::{AccountColumn, SqliteStore};
    ///
    /// let sql = SqliteStore::schema("second_factor", AccountColumn::Text)?;
    /// assert!(sql.starts_with("CREATE TABLE IF NOT EXISTS \"second_factor\" ("));
    /// # Ok::<(), countersign_sqlx::TableNameError>(())
    /// ```
    ///
    /// # Errors
    /// [`TableNameError`], as for [`with_table`](Self::with_table).
    pub fn schema(table: &str, account: AccountColumn) -> Result<String, TableNameError> {
        let table = RecordTable::new(Dialect::Sqlite).with_table(table)?;
        Ok(table.with_account_column(account).schema().to_owned())
    }

    /// Creates the table if it is missing. It does not check an existing table.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub async fn create_table(&self) -> Result<(), Error> {
        self.execute_call(self.table.create_table()).await?;
        Ok(())
    }

    /// Returns a store that also writes the sign-ins and flags of countersign-gate, in the
    /// transaction of the record. Call it last: it uses the table, the column and the time limit of
    /// this store.
    #[cfg(feature = "gate")]
    #[must_use]
    pub fn with_sign_ins(self, tables: SignInTables) -> GateStore<Self> {
        GateStore::new(self, tables)
    }

    /// Returns the SQL text that creates the tables of sign-ins and flags, for your own migrations.
    /// It does not create the table of records: see [`schema`](Self::schema).
    #[cfg(feature = "gate")]
    #[must_use]
    pub fn sign_in_schema(tables: &SignInTables, account: AccountColumn) -> String {
        Self::sign_in_statements(tables.clone(), &TableName::default(), account).schema()
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
        let call = self.table.accounts_after(cursor, limit)?;
        let rows = self.fetch_call(call).await;
        let ids = rows.map(|rows| ids::<Sqlite>(self.table.name(), rows));
        self.table.accounts(ids)
    }

    /// Returns a store for [`Verifier::import_in_transaction`][import], inside your transaction.
    ///
    /// Begin the transaction with `BEGIN IMMEDIATE`. A transaction that begins with a read cannot
    /// wait for the lock of another writer, and fails with [`Error::Locked`].
    ///
    /// ```
    /// # use countersign::import::Import;
    /// # use countersign::{AccountId, Verifier};
    /// # use countersign_sqlx::SqliteStore;
    /// # async fn import(
    /// #     pool: sqlx::SqlitePool,
    /// #     verifier: Verifier<SqliteStore>,
    /// #     accounts: Vec<(AccountId, Import)>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    /// let importer = verifier.with_store(verifier.store().in_transaction(&mut transaction));
    /// for (account, import) in &accounts {
    ///     importer.import_in_transaction(account, import).await?;
    /// }
    /// drop(importer);
    /// transaction.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [import]: countersign::Verifier::import_in_transaction
    #[must_use]
    pub fn in_transaction<'t>(
        &self,
        connection: &'t mut SqliteConnection,
    ) -> TransactionStore<'t, Sqlite> {
        TransactionStore::new(connection, Arc::clone(&self.table))
    }

    async fn execute_call(&self, call: Call<'_>) -> Result<SqliteQueryResult, Error> {
        let (sql, arguments) = bind::<Sqlite>(call)?;
        self.execute(self.table.name(), &sql, arguments).await
    }

    async fn fetch_call(&self, call: Call<'_>) -> Result<Vec<SqliteRow>, Error> {
        let (sql, arguments) = bind::<Sqlite>(call)?;
        self.fetch(self.table.name(), &sql, arguments).await
    }

    pub(super) async fn execute(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: SqliteArguments,
    ) -> Result<SqliteQueryResult, Error> {
        let query = sqlx::query_with(sql.clone(), arguments);
        let (mut connection, left) = self.connection(table).await?;
        let answer = query.execute(&mut *connection);
        let answer = async { answer.await.map_err(|error| Sqlite::error(table, error)) };
        self.with_limit(left, answer).await
    }

    pub(super) async fn fetch(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: SqliteArguments,
    ) -> Result<Vec<SqliteRow>, Error> {
        let query = sqlx::query_with(sql.clone(), arguments);
        let (mut connection, left) = self.connection(table).await?;
        let answer = query.fetch_all(&mut *connection);
        let answer = async { answer.await.map_err(|error| Sqlite::error(table, error)) };
        self.with_limit(left, answer).await
    }

    /// Runs the steps in a transaction that waits for the lock of another writer at its begin.
    #[cfg(feature = "gate")]
    pub(super) async fn transact(&self, steps: &[Step<Sqlite>]) -> Result<Applied, Error> {
        let (mut connection, left) = self.connection(self.table.name()).await?;
        let answer = apply(&mut *connection, "BEGIN IMMEDIATE".into_sql_str(), steps);
        self.with_limit(left, answer).await
    }

    /// A connection, and the rest of the time limit.
    ///
    /// All connections of a pool have the same options, so the store looks at the first one.
    async fn connection(
        &self,
        table: &TableName,
    ) -> Result<(PoolConnection<Sqlite>, Duration), Error> {
        let start = Instant::now();
        let left = || self.limit.saturating_sub(start.elapsed());
        let mut connection = match timeout(self.limit, self.pool.acquire()).await {
            Ok(Ok(connection)) => connection,
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => {
                return Err(Error::NoConnection { limit: self.limit });
            }
            Ok(Err(error)) => return Err(self.error(error)),
        };
        if self.checked.get().is_none() {
            let check = time_limit::<Sqlite>(Dialect::Sqlite, &mut connection, table);
            self.with_limit(left(), check).await?;
            // Another call may have finished the same check.
            _ = self.checked.set(());
        }
        Ok((connection, left()))
    }

    async fn with_limit<T>(
        &self,
        left: Duration,
        statement: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        match timeout(left, statement).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::Timeout { limit: self.limit }),
        }
    }

    fn error(&self, error: sqlx::Error) -> Error {
        Sqlite::error(self.table.name(), error)
    }
}

impl Store for SqliteStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let rows = self.fetch_call(self.table.load(account)?).await;
        let records = rows.map(|rows| records::<Sqlite>(self.table.name(), rows));
        self.table.stored(records)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let done = self.execute_call(self.table.write(account, write)?).await;
        let rows = done.map(|done| Sqlite::rows_affected(&done));
        self.table.written(write, rows)
    }
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
