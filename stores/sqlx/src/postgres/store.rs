use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
use sqlx::postgres::{PgArguments, PgPool, PgPoolOptions, PgQueryResult};
use sqlx::{Arguments, Postgres, Row, SqlStr};

use super::statements::{create_table, statements};
use crate::account_column::Key;
use crate::calls::Calls;
use crate::statements::{Statements, at_most_one, swapped};
use crate::table_name::TableName;
use crate::{AccountColumn, Error, TableNameError};

/// A store in a PostgreSQL database, over the host's own pool.
///
/// ```no_run
/// use countersign_sqlx::{AccountColumn, PostgresStore};
/// use std::time::Duration;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = PostgresStore::pool_options()
///     .max_connections(20)
///     .connect("postgres://app@db.internal/app")
///     .await?;
/// let store = PostgresStore::new(pool.clone())
///     .with_table("second_factor")?
///     .with_account_column(AccountColumn::BigInt)
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
/// It is right at every isolation level, also where the host has set another for all. At `REPEATABLE READ` and
/// `SERIALIZABLE` a server rolls back what meets a change of another with SQLSTATE 40001; the store runs that again at
/// once, and finds the row changed. A deadlock (40P01) likewise. Nothing else is ever repeated.
///
/// # Nobody's transaction
///
/// A write must not become part of a transaction that somebody else can roll back: that would make guesses free. The store
/// begins none, but a pool can hand out a connection on which the host's own code left one open: so it is, with sqlx 0.9,
/// when a future is dropped while it begins one (as a web server drops what a browser no longer waits for). So give the
/// store a pool of its own, or make the one that it shares with such code from [`pool_options`](Self::pool_options), which
/// ends what was left open before a connection is used again.
///
/// A host that wants rows of its own in the same transaction as an accepted login writes its own [`Store`] with these
/// statements, which begins and commits for each swap.
///
/// # Dropped futures, time-outs and lost connections
///
/// A future that is dropped leaves nothing half done: the call goes on in a task of its own and ends by itself. (One that
/// is kept and not polled keeps its connection.)
/// What has not been answered in time is abandoned and its connection thrown away, as if the network had broken: a write
/// may still land, even after a load that does not show it, if it waits there for a lock. Set
/// `client_connection_check_interval = 1s` on the server (or for the role): then it gives up statements whose client has
/// gone. With or without, the verifier settles what became of a write.
///
/// A call takes at most the time-out, and a second more when there was no connection, to find out why. Give the pool an
/// `acquire_timeout` that is shorter than the store's time-out.
///
/// # The server
///
/// - `fsync`, `full_page_writes` and `synchronous_commit` stay on. With `synchronous_commit = off` a crash takes back the
///   last writes, and with them the record of a passcode that was used.
/// - Never a replica: it serves loads that are late, and refuses writes ([`Error::ReadOnly`]). What a failover loses is a
///   window in which used passcodes can be used again; so name the replica that takes over in
///   `synchronous_standby_names`, and leave `synchronous_commit` at `on` or higher.
/// - A pooler between (`PgBouncer` and its like) must share connections by session. By transaction it mixes up prepared
///   statements: measured with `PgBouncer` 1.18, 370 of 800 calls failed. [`Error::Pooler`] is the sign of it.
/// - CockroachDB and YugabyteDB speak the same protocol and are serializable by nature: what they say with 40001 is run
///   again, what CockroachDB leaves in doubt (40003) is an error. They are not part of this crate's tests; run the
///   conformance suite on yours.
///
/// # Columns
///
/// Beside `account` ([`AccountColumn`]), `revision` and `record` there are `enabled`, `codes_left`
/// and `key_id`, the [`Summary`](countersign::store::Summary) of the record: not authenticated, for
/// queries and never for decisions. So no trigger on them may set a flag of yours: see `WriteKind`
/// for that. More columns of the host's own do no harm if they have a default. A later version of
/// this crate that must not share its table with this one renames a column, so that this one stops
/// with [`Error::WrongTable`].
#[derive(Debug, Clone)]
pub struct PostgresStore {
    calls: Calls<Postgres>,
    statements: Arc<Statements>,
}

impl PostgresStore {
    /// A store over this pool, in the table `countersign` with text for accounts, with 5 seconds for a call.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            calls: Calls::new(pool),
            statements: Arc::new(statements(TableName::default(), AccountColumn::Text)),
        }
    }

    /// Keeps the records in another table, in a schema of the connection's `search_path`.
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
    /// connection comes back to the pool (one round trip, which nobody waits for), and connections are waited for no longer
    /// than 4 seconds.
    #[must_use]
    pub fn pool_options() -> PgPoolOptions {
        PgPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_release(|connection, _| {
                // A bare ROLLBACK would be warned of whenever nothing is open.
                let end = sqlx::raw_sql("BEGIN; ROLLBACK").execute(connection);
                Box::pin(async move { end.await.map(|_| true) })
            })
    }

    /// The SQL text that creates the table, for the host's own migrations.
    ///
    /// ```
    /// use countersign_sqlx::{AccountColumn, PostgresStore};
    ///
    /// let sql = PostgresStore::schema("second_factor", AccountColumn::Uuid)?;
    /// assert!(sql.contains("account uuid NOT NULL PRIMARY KEY"));
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
        match self.execute(sql, PgArguments::default()).await {
            // Two that create it at once; there it is.
            Err(Error::Database(error)) if is_duplicate(&error) => {
                self.execute(sql, PgArguments::default()).await
            }
            answer => answer,
        }
        .map(|_| ())
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
        let mut arguments = PgArguments::default();
        let sql = match cursor {
            None => &self.statements.first_accounts,
            Some(cursor) => {
                self.add_key(&mut arguments, cursor)?;
                &self.statements.accounts_after
            }
        };
        self.add(&mut arguments, i64::from(limit))?;
        let account = |row: &sqlx::postgres::PgRow| {
            let id: String = row
                .try_get(0)
                .map_err(|error| Error::of_driver(table, error))?;
            let account = self.statements.account.account(id.into_bytes());
            account.map_err(|source| Error::corrupt_row(table, source))
        };
        let rows = self.calls.fetch(table, sql, arguments).await?;
        rows.iter().map(account).collect()
    }

    async fn execute(&self, sql: &SqlStr, arguments: PgArguments) -> Result<PgQueryResult, Error> {
        let table = &self.statements.table;
        self.calls.execute(table, sql, arguments).await
    }

    fn add_key(&self, arguments: &mut PgArguments, account: &AccountId) -> Result<(), Error> {
        match self.statements.account.key(account)? {
            Key::Text(text) | Key::Uuid { text, .. } => self.add(arguments, text),
            Key::Number(number) => self.add(arguments, number),
        }
    }

    fn add<'v, T>(&self, arguments: &mut PgArguments, value: T) -> Result<(), Error>
    where
        T: sqlx::Encode<'v, Postgres> + sqlx::Type<Postgres>,
    {
        arguments
            .add(value)
            .map_err(|error| Error::Database(sqlx::Error::Encode(error)))
    }

    /// The account and the columns of a row, `$1` to `$6`.
    fn row(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
        record: &[u8],
    ) -> Result<PgArguments, Error> {
        let (mut arguments, summary) = (PgArguments::default(), swap.summary());
        self.add_key(&mut arguments, account)?;
        self.add(&mut arguments, swap.revision().as_i64())?;
        self.add(&mut arguments, record)?;
        self.add(&mut arguments, summary.enabled)?;
        self.add(&mut arguments, i64::from(summary.codes_left))?;
        self.add(&mut arguments, i64::from(summary.key.get()))?;
        Ok(arguments)
    }
}

impl Store for PostgresStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let Statements { table, load, .. } = &*self.statements;
        let mut arguments = PgArguments::default();
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
                let mut arguments = PgArguments::default();
                self.add_key(&mut arguments, account)?;
                self.add(&mut arguments, expected)?;
                (&self.statements.erase, arguments)
            }
        };
        match self.execute(sql, arguments).await {
            Ok(done) => swapped(&self.statements.table, done.rows_affected()),
            // Rolled back every time, because others changed the account: the verifier loads and judges again.
            Err(Error::Conflict(_)) => Ok(WriteResult::Stale),
            Err(error) => Err(error),
        }
    }
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.is_unique_violation() || error.code().as_deref() == Some("42P07")
    })
}

/// Less than a call may take, so that there is time to find out why.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);
