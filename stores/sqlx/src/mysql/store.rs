use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
use sqlx::mysql::{MySqlArguments, MySqlPool, MySqlPoolOptions, MySqlQueryResult};
use sqlx::{Arguments, MySql, Row, SqlStr};

use super::statements::{create_table, statements};
use crate::account_column::Key;
use crate::calls::Calls;
use crate::statements::{Statements, at_most_one, swapped};
use crate::table_name::TableName;
use crate::{AccountColumn, Error, TableNameError};

/// A store in a MySQL or MariaDB database, over the host's own pool.
///
/// ```no_run
/// use countersign_sqlx::{AccountColumn, MySqlStore};
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = MySqlStore::pool_options()
///     .max_connections(20)
///     .connect("mysql://app@db.internal/app")
///     .await?;
/// let store = MySqlStore::new(pool.clone())
///     .with_table("second_factor")?
///     .with_account_column(AccountColumn::Uuid)
///     .with_timeout(Duration::from_secs(3));
/// store.create_table().await?;
///
/// let sql = "SELECT count(*) FROM second_factor WHERE enabled AND codes_left < 3";
/// let running_out: i64 = sqlx::query_scalar(sql).fetch_one(&pool).await?;
/// # Ok(())
/// # }
/// ```
///
/// # What a call is
///
/// One statement that commits by itself, prepared once on each connection, in one round trip. (The pool's
/// `test_before_acquire` makes it two: switch that off where a pool serves the store alone. A connection that went away in
/// the meantime is then an error, and the verifier settles what became of a write.)
///
/// It is right at every isolation level. The server rolls back one of several that meet on a key (1213, and 1020 with
/// MariaDB's `innodb_snapshot_isolation`; in a Galera cluster also what another node was first with); the store runs that
/// again at once. Nothing else is ever repeated. The driver asks for matched rows instead of changed ones
/// (`CLIENT_FOUND_ROWS`), so a swap counts as done also when it writes the bytes that are there.
///
/// # Nobody's transaction
///
/// A write must not become part of a transaction that somebody else can roll back: that would make guesses free. The store
/// begins none, but a pool can hand out a connection on which the host's own code left one open: so it is, with sqlx 0.9,
/// when a future is dropped while it begins one (as a web server drops what a browser no longer waits for). And with
/// `autocommit = 0` every statement is in one. So give the store a pool of its own with `autocommit` on, or make the one
/// that it shares with such code from [`pool_options`](Self::pool_options), which sees to both.
///
/// A host that wants rows of its own in the same transaction as an accepted login writes its own [`Store`] with these
/// statements, which begins and commits for each swap.
///
/// # Dropped futures, time-outs and lost connections
///
/// A future that is dropped leaves nothing half done: the call goes on in a task of its own and ends by itself. (One that
/// is kept and not polled keeps its connection.)
/// What has not been answered in time is abandoned and its connection thrown away, as if the network had broken: a write
/// may still land, even after a load that does not show it, if it waits there for a lock. Make `innodb_lock_wait_timeout`
/// shorter than the store's time-out (its default is 50 seconds): then the answer is [`Error::Locked`], which knows that
/// nothing was written. With or without, the verifier settles what became of a write.
///
/// A call takes at most the time-out, and a second more when there was no connection, to find out why. Give the pool an
/// `acquire_timeout` that is shorter than the store's time-out.
///
/// # The server
///
/// - `innodb_flush_log_at_trx_commit = 1` and, with a binary log, `sync_binlog = 1`. With less a crash takes back the last
///   writes, and with them the record of a passcode that was used.
/// - Never a replica: it serves loads that are late, and refuses writes ([`Error::ReadOnly`]) only if it runs with
///   `read_only`. What a failover loses is a window in which used passcodes can be used again; so replicate
///   semi-synchronously, with `rpl_semi_sync_master_wait_point = AFTER_SYNC`. In a Galera cluster set `wsrep_sync_wait = 1`,
///   or send everything to one node.
/// - A pooler or proxy between must keep a client on one connection for as long as its prepared statements live.
///
/// # Columns
///
/// The column `account` compares bytes: with MySQL's default collation `Bob`, `bob` and `Böb` are one account, and even
/// with most binary ones `Bob` and `Bob `. Keep to it in a table that a migration tool makes. [`AccountColumn`] has others
/// for a foreign key; a number's column may be `UNSIGNED`, too, and a UUID's may be of MariaDB's own type.
///
/// Beside it, `revision` and `record` there are `enabled`, `codes_left` and `key_id`, the
/// [`Summary`](countersign::store::Summary) of the record: not authenticated, for queries and never for
/// decisions. So no trigger on them may set a flag of yours: see `WriteKind` for that. More columns
/// of the host's own do no harm if they have a default. A later version of this crate that must not
/// share its table with this one renames a column, so that this one stops with
/// [`Error::WrongTable`].
#[derive(Debug, Clone)]
pub struct MySqlStore {
    calls: Calls<MySql>,
    statements: Arc<Statements>,
}

impl MySqlStore {
    /// A store over this pool, in the table `countersign` with text for accounts, with 5 seconds for a call.
    #[must_use]
    pub fn new(pool: MySqlPool) -> Self {
        Self {
            calls: Calls::new(pool),
            statements: Arc::new(statements(TableName::default(), AccountColumn::Text)),
        }
    }

    /// Keeps the records in another table of the connection's database.
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
        let calls = self.calls.with_limit(limit);
        Self { calls, ..self }
    }

    /// Options of a pool that the store shares with code that begins transactions: what was left open is ended when a
    /// connection comes back to the pool (one round trip, which nobody waits for), `autocommit` is on, and connections are
    /// waited for no longer than 4 seconds.
    #[must_use]
    pub fn pool_options() -> MySqlPoolOptions {
        MySqlPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(|connection, _| {
                let on = sqlx::raw_sql("SET autocommit = 1").execute(connection);
                Box::pin(async move { on.await.map(|_| ()) })
            })
            .after_release(|connection, _| {
                let end = sqlx::raw_sql("ROLLBACK").execute(connection);
                Box::pin(async move { end.await.map(|_| true) })
            })
    }

    /// The SQL text that creates the table, for the host's own migrations.
    ///
    /// ```
    /// use countersign_sqlx::{AccountColumn, MySqlStore};
    ///
    /// let sql = MySqlStore::schema("second_factor", AccountColumn::Uuid)?;
    /// assert!(sql.contains("account BINARY(16) NOT NULL PRIMARY KEY"));
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
        let sql = &self.statements.create_table;
        self.execute(sql, MySqlArguments::default()).await?;
        Ok(())
    }

    /// The next accounts after `cursor`, at most `limit`, in the order of the column: for `reseal` and reports. Begin with
    /// `None`, go on with the last one returned, and end when none is.
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
        let table = &self.statements.table;
        let mut arguments = MySqlArguments::default();
        let sql = match cursor {
            None => &self.statements.first_accounts,
            Some(cursor) => {
                self.add_key(&mut arguments, cursor)?;
                &self.statements.accounts_after
            }
        };
        self.add(&mut arguments, i64::from(limit))?;
        let account = |row: &sqlx::mysql::MySqlRow| {
            let id: Vec<u8> = row
                .try_get(0)
                .map_err(|error| Error::of_driver(table, error))?;
            let account = self.statements.account.account(id);
            account.map_err(|source| Error::corrupt_row(table, source))
        };
        let rows = self.calls.fetch(table, sql, arguments).await?;
        rows.iter().map(account).collect()
    }

    async fn execute(
        &self,
        sql: &SqlStr,
        arguments: MySqlArguments,
    ) -> Result<MySqlQueryResult, Error> {
        let table = &self.statements.table;
        self.calls.execute(table, sql, arguments).await
    }

    fn add_key(&self, arguments: &mut MySqlArguments, account: &AccountId) -> Result<(), Error> {
        match self.statements.account.key(account)? {
            Key::Text(text) => self.add(arguments, text.as_bytes()),
            Key::Uuid { bytes, .. } => self.add(arguments, &bytes[..]),
            Key::Number(number) => self.add(arguments, number),
        }
    }

    fn add<'v, T>(&self, arguments: &mut MySqlArguments, value: T) -> Result<(), Error>
    where
        T: sqlx::Encode<'v, MySql> + sqlx::Type<MySql>,
    {
        arguments
            .add(value)
            .map_err(|error| Error::Database(sqlx::Error::Encode(error)))
    }

    /// The columns of a row, and the account.
    fn row(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
        record: &[u8],
    ) -> Result<MySqlArguments, Error> {
        let (mut arguments, summary) = (MySqlArguments::default(), swap.summary());
        self.add(&mut arguments, swap.revision().as_i64())?;
        self.add(&mut arguments, record)?;
        self.add(&mut arguments, summary.enabled)?;
        self.add(&mut arguments, summary.codes_left)?;
        self.add(&mut arguments, summary.key.get())?;
        self.add_key(&mut arguments, account)?;
        Ok(arguments)
    }
}

impl Store for MySqlStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let Statements { table, load, .. } = &*self.statements;
        let mut arguments = MySqlArguments::default();
        self.add_key(&mut arguments, account)?;
        let rows = self.calls.fetch(table, load, arguments).await?;
        let Some(row) = at_most_one(table, rows)? else {
            return Ok(None);
        };
        let decoded = |error| Error::of_driver(table, error);
        let record = row.try_get(0).map_err(decoded)?;
        let revision = row.try_get(1).map_err(decoded)?;
        let revision = Revision::from_i64(revision);
        let revision = revision.map_err(|source| Error::corrupt_row(table, source))?;
        Ok(Some(StoredRecord::new(record, revision)))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let expected = swap.expected().map(Revision::as_i64);
        let (sql, arguments) = match (swap.record(), expected) {
            (Some(record), None) => (&self.statements.create, self.row(account, swap, record)?),
            (Some(record), Some(expected)) => {
                let mut arguments = self.row(account, swap, record)?;
                self.add(&mut arguments, expected)?;
                (&self.statements.replace, arguments)
            }
            (None, expected) => {
                let mut arguments = MySqlArguments::default();
                self.add_key(&mut arguments, account)?;
                self.add(&mut arguments, expected)?;
                (&self.statements.erase, arguments)
            }
        };
        match self.execute(sql, arguments).await {
            Ok(done) => swapped(&self.statements.table, done.rows_affected()),
            // Rolled back every time, because others changed the account: the verifier loads and judges again.
            Err(Error::Conflict(_)) => Ok(WriteResult::Stale),
            // A plain INSERT found the account.
            Err(Error::Database(error)) if expected.is_none() && is_duplicate(&error) => {
                Ok(WriteResult::Stale)
            }
            Err(error) => Err(error),
        }
    }
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.is_unique_violation())
}

/// Less than a call may take, so that there is time to find out why.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
