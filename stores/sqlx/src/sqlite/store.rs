use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
use sqlx::pool::PoolConnection;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, SqlStr, Sqlite};
use tokio::time::timeout;

use super::failure;
use super::statements::{create_table, statements};
use crate::account_column::Key;
use crate::statements::{Statements, at_most_one, swapped};
use crate::table_name::TableName;
use crate::{AccountColumn, Error, TableNameError};

/// A store in a SQLite database, over the host's own pool.
///
/// # The pool
///
/// Open it with [`connect_options`](Self::connect_options), or see to the same settings in the host's own, on every
/// connection:
///
/// - `journal_mode = WAL`, so that loads do not wait for writes.
/// - `synchronous = FULL`. With less, a loss of power can take back the last writes, and with them the record of a
///   passcode that was used or a guess that was wrong.
/// - `busy_timeout`, less than the store's own time-out, so that a database that stays locked is the error
///   [`Locked`](Error::Locked), which knows that nothing was written, rather than [`Timeout`](Error::Timeout).
/// - A database in memory is one for each connection, so it takes a pool of exactly one.
///
/// SQLite lets one connection write at a time; more connections serve more loads, not more writes. The pool's
/// `test_before_acquire` only costs time here: a connection to a file does not go away.
///
/// # What a call is
///
/// One statement, outside any transaction, so it is committed when it is answered: SQLite has one isolation level, which
/// is serializable. The store never retries and never begins a transaction. A host that wants rows of its own in the same
/// transaction as an accepted login writes its own [`Store`] with these statements.
///
/// # Dropped futures and time-outs
///
/// A statement runs on the connection's own thread, from beginning to end, whether or not somebody still waits for it. If
/// the future of a call is dropped before the statement is handed over, nothing happens; after that it runs whole and
/// commits by itself. The connection goes back to the pool and is in no doubt: there is no transaction it could be left
/// in, and whoever gets it next waits for that statement to end. So calls need no task of their own, and a write whose
/// call timed out may still land, which the verifier knows how to settle.
///
/// # Columns
///
/// Beside `account` ([`AccountColumn`]), `revision` and `record` there are `enabled` (0 or 1),
/// `codes_left` and `key_id`, the [`Summary`](countersign::store::Summary) of the record: not
/// authenticated, for queries and never for decisions. So no trigger on them may set a flag of
/// yours: see `WriteKind` for that. More columns of the host's own do no harm if they have a
/// default. A later version of this crate that must not share its table with this one renames a
/// column, so that this one stops with [`Error::WrongTable`].
///
/// ```
/// use countersign_sqlx::SqliteStore;
/// use sqlx::sqlite::SqlitePool;
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("accounts.db");
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
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    statements: Arc<Statements>,
    limit: Duration,
}

impl SqliteStore {
    /// A store over this pool, in the table `countersign` with text for accounts, with 5 seconds for a call.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            statements: Arc::new(statements(TableName::default(), AccountColumn::Text)),
            limit: TIMEOUT,
        }
    }

    /// Keeps the records in another table.
    ///
    /// # Errors
    /// [`TableNameError`] if the name is anything but 1 to 63 ASCII letters, digits and underscores, not beginning with a
    /// digit.
    pub fn with_table(self, table: &str) -> Result<Self, TableNameError> {
        let statements = Arc::new(statements(TableName::new(table)?, self.statements.account));
        Ok(Self { statements, ..self })
    }

    /// Keeps accounts in a column of another type than text.
    #[must_use]
    pub fn with_account_column(self, account: AccountColumn) -> Self {
        let statements = Arc::new(statements(self.statements.table.clone(), account));
        Self { statements, ..self }
    }

    /// Bounds every call by another time than 5 seconds: the wait for a connection and the statement together.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// How to open a database at this path: created if it is missing, in WAL mode, `synchronous = FULL`, and with a
    /// `busy_timeout` of 4 seconds.
    #[must_use]
    pub fn connect_options(path: impl AsRef<Path>) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
    }

    /// The SQL text that creates the table, for the host's own migrations.
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
    /// [`TableNameError`], as [`with_table`](Self::with_table).
    pub fn schema(table: &str, account: AccountColumn) -> Result<String, TableNameError> {
        Ok(create_table(&TableName::new(table)?, account))
    }

    /// Creates the table if it is missing. An existing one is not looked at.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub async fn create_table(&self) -> Result<(), Error> {
        let create_table = sqlx::query(self.statements.create_table.clone());
        self.rows_affected(create_table).await.map(|_| ())
    }

    /// The next accounts after `cursor`, at most `limit`, in the order of the column: for `reseal` and reports. Begin with `None`, go on with the last one returned, and end when none is.
    ///
    /// Accounts that are created or erased meanwhile may or may not be among them; all others are.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be read.
    pub async fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Error> {
        let query = match cursor {
            None => sqlx::query(self.statements.first_accounts.clone()),
            Some(cursor) => self.keyed(&self.statements.accounts_after, cursor)?,
        };
        let query = query.bind(limit);
        let (mut connection, left) = self.connection().await?;
        let rows = self
            .bounded(left, query.fetch_all(&mut *connection))
            .await?;
        let account = |row: &SqliteRow| {
            let id = row.try_get(0).map_err(|error| self.error(error))?;
            let account = self.statements.account.account(id);
            account.map_err(|source| Error::corrupt_row(&self.statements.table, source))
        };
        rows.iter().map(account).collect()
    }

    async fn rows_affected(&self, query: SqliteQuery<'_>) -> Result<u64, Error> {
        let (mut connection, left) = self.connection().await?;
        let done = self.bounded(left, query.execute(&mut *connection)).await?;
        Ok(done.rows_affected())
    }

    /// A connection, and what is left of the time.
    async fn connection(&self) -> Result<(PoolConnection<Sqlite>, Duration), Error> {
        let begun = Instant::now();
        match timeout(self.limit, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok((connection, self.limit.saturating_sub(begun.elapsed()))),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => {
                Err(Error::NoConnection { limit: self.limit })
            }
            Ok(Err(error)) => Err(self.error(error)),
        }
    }

    async fn bounded<T>(
        &self,
        left: Duration,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        match timeout(left, statement).await {
            Ok(answer) => answer.map_err(|error| self.error(error)),
            Err(_) => Err(Error::Timeout { limit: self.limit }),
        }
    }

    fn error(&self, error: sqlx::Error) -> Error {
        failure::error(&self.statements.table, error)
    }

    /// The statement with the account bound to `?1`.
    fn keyed<'q>(
        &self,
        statement: &SqlStr,
        account: &'q AccountId,
    ) -> Result<SqliteQuery<'q>, Error> {
        let query = sqlx::query(statement.clone());
        Ok(match self.statements.account.key(account)? {
            Key::Text(text) => query.bind(text),
            Key::Number(number) => query.bind(number),
            Key::Uuid { bytes, .. } => query.bind(bytes.to_vec()),
        })
    }

    /// The statement with the columns of a row bound to `?1` to `?6`.
    fn written<'q>(
        &self,
        statement: &SqlStr,
        account: &'q AccountId,
        swap: ConditionalWrite<'q>,
        record: &'q [u8],
    ) -> Result<SqliteQuery<'q>, Error> {
        let summary = swap.summary();
        Ok(self
            .keyed(statement, account)?
            .bind(swap.revision().as_i64())
            .bind(record)
            .bind(summary.enabled)
            .bind(summary.codes_left)
            .bind(summary.key.get()))
    }
}

impl Store for SqliteStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let query = self.keyed(&self.statements.load, account)?;
        let (mut connection, left) = self.connection().await?;
        let rows = self
            .bounded(left, query.fetch_all(&mut *connection))
            .await?;
        let Some(row) = at_most_one(&self.statements.table, rows)? else {
            return Ok(None);
        };
        let record = row.try_get(0).map_err(|error| self.error(error))?;
        let revision = row.try_get(1).map_err(|error| self.error(error))?;
        let revision = Revision::from_i64(revision);
        let corrupt = |source| Error::corrupt_row(&self.statements.table, source);
        let revision = revision.map_err(corrupt)?;
        Ok(Some(StoredRecord::new(record, revision)))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let expected = swap.expected().map(Revision::as_i64);
        let query = match (swap.record(), expected) {
            (Some(record), None) => self.written(&self.statements.create, account, swap, record)?,
            (Some(record), Some(expected)) => self
                .written(&self.statements.replace, account, swap, record)?
                .bind(expected),
            (None, expected) => self.keyed(&self.statements.erase, account)?.bind(expected),
        };
        swapped(&self.statements.table, self.rows_affected(query).await?)
    }
}

type SqliteQuery<'q> = Query<'q, Sqlite, SqliteArguments>;

const TIMEOUT: Duration = Duration::from_secs(5);
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
