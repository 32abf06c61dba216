use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::blocking::Store;
use countersign::store::{ConditionalWrite, StoredRecord, WriteResult};
use countersign_sql::{AccountColumn, Call, RecordTable, TableNameError};
use diesel::connection::{Connection, LoadConnection, TransactionManager};
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection, R2D2Connection};

use crate::blocking_session::{BlockingSession, now};
use crate::blocking_transaction_store::TransactionStore;
use crate::call::{CallSettings, run, spoils_connection};
use crate::database::Database;
use crate::driver_error::of_connecting;
use crate::pooler::Other;
use crate::session::Answer;
use crate::statement::Statement;
use crate::swap::{BoxError, Swap};
use crate::{DriverError, Error};

/// A blocking store in PostgreSQL, MySQL, MariaDB or SQLite, on your own pool of r2d2.
///
/// ```no_run
/// # #[cfg(feature = "sqlite")]
/// # fn open(keyring: countersign::Keyring) -> Result<(), Box<dyn std::error::Error>> {
/// use countersign::blocking::Verifier;
/// use countersign_diesel::{ConfigureSqlite, blocking::DieselStore};
/// use diesel::SqliteConnection;
/// use diesel::r2d2::{ConnectionManager, Pool};
///
/// let manager = ConnectionManager::<SqliteConnection>::new("accounts.db");
/// let pool = Pool::builder()
///     .connection_customizer(Box::new(ConfigureSqlite))
///     .build(manager)?;
/// let store = DieselStore::new(pool).with_table("second_factor")?;
/// store.create_table()?;
/// let verifier = Verifier::builder(store, keyring, "Example").build_blocking()?;
/// # Ok(())
/// # }
/// ```
///
/// The page of the async `DieselStore` describes the table, the settings of the database, and what
/// the store checks. Both stores run the same code.
///
/// # Time limits
///
/// The time limit of the store covers the wait for a connection only. Nothing stops a blocking
/// statement from outside. So let the database and the operating system stop it:
///
/// - PostgreSQL: add these parameters to the URL: `connect_timeout=5`, `tcp_user_timeout=5000`,
///   `keepalives_idle=2`, `keepalives_interval=1` and `options=-c%20statement_timeout%3D4000`. A
///   statement that waits for a lock ends after 4 seconds, and nothing was written. If the network
///   is silent, the operating system gives up after some 5 seconds, and the write may have been
///   applied. A commit that waits for a standby has no limit.
/// - MySQL and MariaDB: `SET innodb_lock_wait_timeout = 4` on each connection, by a
///   `CustomizeConnection`. Diesel sets no time limit for the network. If it is silent, the thread
///   waits until the operating system gives up: with Linux's defaults, a quarter of an hour for a
///   request, and two hours for an answer. Set `net.ipv4.tcp_retries2` and
///   `net.ipv4.tcp_keepalive_time` to lower values.
/// - SQLite: `ConfigureSqlite` sets a `busy_timeout` of 4 seconds.
///
/// None of these helps if the server process hangs while its operating system still acknowledges
/// packets. The async store limits this time, too.
///
/// # Poolers
///
/// The store looks for a pooler on PostgreSQL as the async store does. The second connection comes
/// from the pool, so a pool of one connection is not checked.
///
/// The store works behind a pooler that pools by transaction if a `CustomizeConnection` calls
/// `set_prepared_statement_cache_size(CacheSize::Disabled)` on each connection. Diesel then sends
/// each statement in one round trip, without a name. Through `PgBouncer` 1.18 with 4 connections,
/// 16 clients made 3,200 calls, and none failed or had a wrong answer.
pub struct DieselStore<C>
where
    C: R2D2Connection + LoadConnection + Connection<Backend: Database> + Send + 'static,
{
    pool: Pool<ConnectionManager<C>>,
    settings: CallSettings,
    table: Arc<RecordTable>,
}

impl<C> DieselStore<C>
where
    C: R2D2Connection + LoadConnection + Connection<Backend: Database> + Send + 'static,
{
    /// Makes a store on this pool, with the table `countersign`, a text column for accounts, and a
    /// time limit of 5 seconds. On a node of a Galera cluster, the limit is 10 seconds.
    #[must_use]
    pub fn new(pool: Pool<ConnectionManager<C>>) -> Self {
        Self {
            pool,
            settings: CallSettings::new(),
            table: Arc::new(RecordTable::new(C::Backend::DIALECT)),
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

    /// Sets how long a call waits for a connection.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        let settings = self.settings.with_limit(limit);
        Self { settings, ..self }
    }

    /// Says that no other code uses these connections. The store then does not end open
    /// transactions, and a call takes one round trip.
    ///
    /// Do not say so of a pool that you share. A connection with an open transaction would swallow
    /// a write that was answered with `Done`.
    #[must_use]
    pub fn with_own_connections(self) -> Self {
        let settings = self.settings.without_sharing();
        Self { settings, ..self }
    }

    /// Sends statements without a check of the database, and without a look for a pooler.
    ///
    /// With the settings that the check refuses, a passcode that was used can be valid again after
    /// a crash or a failover. So call this only in tests, or to measure such a database.
    #[must_use]
    pub fn danger_without_check(self) -> Self {
        let settings = self.settings.without_check();
        Self { settings, ..self }
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
        let create = || self.run(self.table.create_table(), true);
        let answer: Result<u64, _> = match create() {
            // Another client created the table at the same time, so it exists now.
            Err(Error::AlreadyExists(_)) => create(),
            answer => answer,
        };
        answer.map(drop)
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
        let ids: Result<Vec<Vec<u8>>, _> = self.run(call, false);
        self.table.accounts(ids.map(|ids| ids.into_iter().map(Ok)))
    }

    /// Writes the record and rows of your own in one transaction: for example a session with an
    /// accepted code. Call it in a [`Store`] of your own, around this one.
    ///
    /// If the account has another revision, the answer is `Stale`, and `rows` does not run. If
    /// `rows` fails, the transaction is rolled back, and the error is [`Error::RowsFailed`]. If the
    /// process or the database is killed, both are stored or neither is.
    ///
    /// It takes the writes of these kinds: `Accepted`, `DeviceTrusted`, `Enrolled`, `Removed` and
    /// `Disabled`. A write of another kind may count a failed attempt, and a rollback would make
    /// the guess free. Send it with `compare_and_swap`.
    ///
    /// ```no_run
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// use countersign::AccountId;
    /// use countersign::blocking::Store;
    /// use countersign::store::{ConditionalWrite, StoredRecord, WriteKind, WriteResult};
    /// use countersign_diesel::{Error, blocking::DieselStore};
    /// use diesel::sql_types::Text;
    /// use diesel::{RunQueryDsl, SqliteConnection};
    ///
    /// /// The store of one sign-in, with the token of its new session.
    /// struct SignIn {
    ///     store: DieselStore<SqliteConnection>,
    ///     token: String,
    /// }
    ///
    /// impl Store for SignIn {
    ///     type Error = Error;
    ///
    ///     fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
    ///         // `RunQueryDsl` has a method of this name for every type.
    ///         Store::load(&self.store, account)
    ///     }
    ///
    ///     fn compare_and_swap(
    ///         &self,
    ///         account: &AccountId,
    ///         write: ConditionalWrite<'_>,
    ///     ) -> Result<WriteResult, Error> {
    ///         if write.kind() != WriteKind::Accepted {
    ///             return self.store.compare_and_swap(account, write);
    ///         }
    ///         self.store.compare_and_swap_with(account, write, |connection| {
    ///             diesel::sql_query("INSERT INTO sessions VALUES (?, ?)")
    ///                 .bind::<Text, _>(&self.token)
    ///                 .bind::<Text, _>(account.as_str())
    ///                 .execute(connection)?;
    ///             Ok(())
    ///         })
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// The row must be useless until the verifier returns the receipt, because the answer to a
    /// commit can be lost. So hand out the token only then.
    ///
    /// `rows` must not end the transaction. It may send nothing outside of the database, because
    /// the commit can still fail. Before the commit, the store makes sure that the transaction
    /// still has the record. If the database rolls it back in favour of another one, the answer is
    /// `Stale`.
    ///
    /// # Errors
    /// [`Error::OnlyAccepted`] for a write of another kind, [`Error::RowsFailed`], or another
    /// [`Error`] of the store.
    pub fn compare_and_swap_with(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        rows: impl FnOnce(&mut C) -> Result<(), BoxError>,
    ) -> Result<WriteResult, Error> {
        let swap = Swap::new(&self.table, account, write)?;
        let changed = self.with_connection(true, |session| {
            let changed = now(swap.begin(session))?;
            if changed == 1 {
                let rows = rows(session.0);
                now(swap.end(session, rows))?;
            }
            Ok(changed)
        });
        self.table.written(write, changed)
    }

    /// Returns a store for [`Verifier::import_in_transaction`][import], inside your transaction.
    ///
    /// ```no_run
    /// # #[cfg(feature = "sqlite")]
    /// # mod example {
    /// use countersign::blocking::Verifier;
    /// use countersign::import::Import;
    /// use countersign::AccountId;
    /// use countersign_diesel::{BoxError, blocking::DieselStore};
    /// use diesel::{Connection, SqliteConnection};
    ///
    /// fn import(
    ///     connection: &mut SqliteConnection,
    ///     verifier: &Verifier<DieselStore<SqliteConnection>>,
    ///     accounts: &[(AccountId, Import)],
    /// ) -> Result<(), BoxError> {
    ///     connection.transaction(|connection| {
    ///         let importer = verifier.with_store(verifier.store().in_transaction(connection));
    ///         for (account, import) in accounts {
    ///             importer.import_in_transaction(account, import)?;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// # }
    /// ```
    ///
    /// [import]: countersign::blocking::Verifier::import_in_transaction
    #[must_use]
    pub fn in_transaction<'t>(&self, connection: &'t mut C) -> TransactionStore<'t, C> {
        TransactionStore::new(connection, Arc::clone(&self.table))
    }

    fn run<A: Answer>(&self, call: Call<'_>, writes: bool) -> Result<A, Error> {
        let statement = Statement::from(call);
        self.with_connection(writes, |session| {
            now(run(session, self.table.name(), &statement))
        })
    }

    /// Makes a call on a connection whose next statement commits by itself.
    fn with_connection<A>(
        &self,
        writes: bool,
        call: impl FnOnce(&mut BlockingSession<'_, C>) -> Result<A, Error>,
    ) -> Result<A, Error> {
        let (start, limit) = (Instant::now(), self.settings.limit());
        let mut connection = loop {
            let mut connection = self.connection(limit.saturating_sub(start.elapsed()))?;
            let mut other = self.other();
            let other = other.session(|other| BlockingSession(&mut **other));
            let mut session = BlockingSession(&mut *connection);
            let name = self.table.name();
            let prepared = now(self.settings.prepare(&mut session, other, name, writes));
            match close_if_spoiled(&mut connection, prepared) {
                Ok(()) => break connection,
                // An idle connection was lost. No statement of the call was sent on it, so the call
                // takes another one.
                Err(Error::ConnectionLost(_)) if start.elapsed() < limit => {}
                Err(error) => return Err(error),
            }
        };
        let answer = call(&mut BlockingSession(&mut *connection));
        close_if_spoiled(&mut connection, answer)
    }

    /// A second connection, if the call looks for a pooler.
    fn other(&self) -> Other<PooledConnection<ConnectionManager<C>>> {
        if !self.settings.looks_for_pooler::<C::Backend>() {
            return Other::NotNeeded;
        }
        let size = self.pool.max_size();
        if size == 1 {
            return Other::Never;
        }
        let state = self.pool.state();
        if state.idle_connections == 0 && state.connections >= size {
            return Other::Failed;
        }
        let opened = self.pool.get_timeout(OPENING);
        opened.map_or(Other::Failed, Other::Open)
    }

    fn connection(&self, left: Duration) -> Result<PooledConnection<ConnectionManager<C>>, Error> {
        // r2d2 panics if the wait ends after the last `Instant`.
        let left = left.min(LONGEST_WAIT);
        self.pool.get_timeout(left).map_err(|error| {
            let text = error.to_string();
            if text == NO_REASON {
                let limit = self.settings.limit();
                return Error::NoConnection { limit };
            }
            of_connecting::<C::Backend>(self.table.name(), DriverError::Pool(error.into()))
        })
    }
}

/// The pool closes a connection that looks broken.
fn close_if_spoiled<C: Connection, A>(
    connection: &mut C,
    answer: Result<A, Error>,
) -> Result<A, Error> {
    if answer.as_ref().is_err_and(spoils_connection) {
        C::TransactionManager::transaction_manager_status_mut(connection).set_in_error();
    }
    answer
}

/// The time to get a second connection.
const OPENING: Duration = Duration::from_secs(1);
/// A year.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// What r2d2 says if all connections stayed in use. Otherwise a colon and the reason follow.
const NO_REASON: &str = "timed out waiting for connection";

impl<C> Store for DieselStore<C>
where
    C: R2D2Connection + LoadConnection + Connection<Backend: Database> + Send + 'static,
{
    type Error = Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let rows: Result<Vec<(Vec<u8>, i64)>, _> = self.run(self.table.load(account)?, false);
        self.table.stored(rows.map(|rows| rows.into_iter().map(Ok)))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let changed = self.run(self.table.write(account, write)?, true);
        self.table.written(write, changed)
    }
}

impl<C> Clone for DieselStore<C>
where
    C: R2D2Connection + LoadConnection + Connection<Backend: Database> + Send + 'static,
{
    /// Returns a store on the same pool.
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            settings: self.settings.clone(),
            table: Arc::clone(&self.table),
        }
    }
}

impl<C> fmt::Debug for DieselStore<C>
where
    C: R2D2Connection + LoadConnection + Connection<Backend: Database> + Send + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselStore")
            .field("table", &self.table)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
