use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::{AccountColumn, RecordTable, TableNameError};

use crate::call::CallSettings;
use crate::database::Database;
use crate::statement_runner::{BackendOf, RowsFuture, StatementRunner};
use crate::swap::Swap;
use crate::transaction_store::TransactionStore;
use crate::{Connections, Error};

/// An async store in PostgreSQL, MySQL, MariaDB or SQLite, on your own pool of diesel-async.
///
/// ```no_run
/// # #[cfg(all(feature = "deadpool", feature = "postgres"))]
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use countersign_diesel::{AccountColumn, DieselStore};
/// use diesel_async::AsyncPgConnection;
/// use diesel_async::pooled_connection::AsyncDieselConnectionManager;
/// use diesel_async::pooled_connection::deadpool::Pool;
/// use std::time::Duration;
///
/// let url = "postgres://app@db.internal/app";
/// let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
/// let pool = Pool::builder(manager).max_size(20).build()?;
/// let store = DieselStore::new(pool)
///     .with_table("second_factor")?
///     .with_account_column(AccountColumn::BigInt)
///     .with_timeout(Duration::from_secs(3));
/// store.create_table().await?;
/// # Ok(())
/// # }
/// ```
///
/// # One statement per call
///
/// A call is one statement that commits by itself. Each connection prepares it once. Diesel keeps
/// it by its text, so `CacheSize::Disabled` costs one more round trip per call.
///
/// The store is correct at every isolation level but `READ UNCOMMITTED` of MySQL and MariaDB, which
/// it refuses. If the database rolls a statement back in favour of another one, after a deadlock or
/// a serialization failure, the store runs it again after 5 ms. The store repeats nothing else.
///
/// # No open transactions
///
/// A write must not become part of a transaction that other code can roll back. A rollback would
/// undo a counted failure, so guesses would be free. The pools of diesel close a connection on
/// which your code left a transaction of diesel open, even if a future was dropped. But diesel does
/// not know of a `BEGIN` that your code sends as text.
///
/// So the store ends an open transaction before it sends its statement. On a server, this takes one
/// round trip. It also shows whether an idle connection is lost; the store then takes another one.
/// So the pool need not test connections for the store: `RecyclingMethod::Fast`, and
/// `test_on_check_out(false)` with bb8 and r2d2. If only the store uses the pool, call
/// [`with_own_connections`](Self::with_own_connections), and a call takes one round trip.
///
/// A transaction that `begin_test_transaction` of diesel began stays open. Each call on its
/// connection fails with [`Error::OpenTransaction`]. So test a service with a database of its own.
///
/// On MySQL and MariaDB, the store also turns `autocommit` on in this round trip; on r2d2, this
/// takes two more. Without `autocommit`, each statement is in a transaction. So leave it on if you
/// call `with_own_connections`. If your code drops the future of a statement on
/// `AsyncMysqlConnection`, the driver takes its answer for that of the next statement. The same
/// round trip finds such a connection, and the store closes it: the batch ends with a `SIGNAL`,
/// which must be the answer.
///
/// # Settings that other code changes
///
/// If your code changes a setting by `SET` on a shared connection, the setting stays when the
/// connection goes back to the pool. If a call then fails because of a role, a read-only session, a
/// missing table, or `DISCARD ALL`, the store closes the connection, and the next call works. It
/// does not notice these settings:
///
/// - `search_path` or `USE`, if the other schema also has such a table: an account can then have a
///   record in each, and a code is accepted once in each. A temporary table hides yours, too.
/// - `synchronous_commit`, `wsrep_sync_wait`, and the isolation level of MySQL: the store asks for
///   them before its first statement, and not on every connection.
/// - `client_encoding`: the store does not find accounts whose ids have characters outside ASCII.
///
/// So change settings in a transaction, by `SET LOCAL`, or give the store a pool of its own.
///
/// # Poolers
///
/// Never use this store behind a pooler that pools by transaction, such as `PgBouncer`, Supavisor
/// or Neon's pooler. Diesel prepares each statement in a round trip of its own. In between, and
/// before each later call, the pooler can change the server process, which then runs the statement
/// of another client. Pool by session, or use `behind_pooler` of `countersign-postgres`.
///
/// Before its first statement, the store opens a second connection for a moment. It refuses a
/// pooler that lets both share a server process: [`Error::Pooler`]. If no second connection can be
/// opened, the store goes on, and looks again after 10 seconds. A pooler that knows which client
/// prepared which statement, and gives them names of its own, is accepted. For a pool of your own,
/// implement [`Connections::open`].
///
/// # Dropped futures, time-outs and lost connections
///
/// If you drop the future of a call, the call continues in a task of its own and ends by itself. If
/// you keep the future but do not poll it, the call keeps its connection.
///
/// If no answer comes in time, the store closes the connection, as if the network had failed. It
/// sends no cancel request. A write that waits for a lock may still be applied later, even after a
/// load that does not show it. On PostgreSQL, set `client_connection_check_interval = 1s`: the
/// server then stops statements that wait for a lock and whose client is gone. On MySQL and
/// MariaDB, make `innodb_lock_wait_timeout` shorter than the time limit of the store; its default
/// is 50 seconds. On SQLite, the statement runs to its end on its thread. With or without these
/// settings, the verifier finds out whether a write was applied.
///
/// A call takes at most the time limit. If no connection is available, the store takes one more
/// second to find out why. bb8 waits without a limit for a server that accepts a connection and
/// says nothing. So build its manager with `manager_config`.
///
/// The futures need a tokio runtime with its timer.
///
/// # The database
///
/// Before its first statement, the store asks a server for its settings. It refuses those with
/// which a passcode that was used can be valid again: [`Error::UnsafeSetting`].
///
/// - PostgreSQL: leave `fsync`, `full_page_writes` and `synchronous_commit` on. The store refuses
///   `synchronous_commit = off`, and if a standby is named, it refuses `local`, too.
/// - MySQL and MariaDB: set `innodb_flush_log_at_trx_commit = 1` and, with a binary log,
///   `sync_binlog = 1`. In a Galera cluster set `wsrep_sync_wait = 7`; the store refuses a lower
///   value. It also refuses the isolation level `READ UNCOMMITTED`.
/// - SQLite: open each connection with the settings of `configure_sqlite`. Before each write, the
///   store checks that `synchronous` is `FULL` or higher. Begin your own transactions that write
///   with `immediate_transaction`, and keep them short.
/// - Do not use a replica. Its loads can be out of date, and a failover to it can lose the last
///   writes.
///
/// # Errors
///
/// Diesel hides the codes of most errors of a database. So the store looks for the words of the
/// message, in English. If your server speaks another language (`lc_messages`), some errors are
/// [`Error::Database`], and a deadlock of PostgreSQL is an error instead of a second attempt.
///
/// # Columns
///
/// The columns `account` ([`AccountColumn`]), `revision` and `record` are the stored record. The
/// columns `enabled`, `codes_left` and `key_id` are its [`Summary`](countersign::store::Summary).
/// Use them for queries only, never for decisions, because they are not authenticated. So do not
/// set a flag of your own by a trigger on these columns. Set the flag by the
/// [`WriteKind`](countersign::store::WriteKind) instead.
///
/// The table is the one of the stores of `countersign-sqlx`, so a service can change the driver and
/// keep its accounts. You can add columns that have a default. If a later version of this crate
/// changes the table incompatibly, it renames a column. This version then fails with
/// [`Error::WrongTable`].
pub struct DieselStore<P: Connections> {
    runner: StatementRunner<P>,
    table: Arc<RecordTable>,
}

impl<P: Connections> DieselStore<P> {
    /// Makes a store on this pool, with the table `countersign`, a text column for accounts, and a
    /// time limit of 5 seconds per call. On a node of a Galera cluster, the limit is 10 seconds.
    #[must_use]
    pub fn new(connections: P) -> Self {
        Self {
            runner: StatementRunner::new(connections),
            table: Arc::new(RecordTable::new(BackendOf::<P>::DIALECT)),
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

    /// Sets the time limit per call. It covers the wait for a connection and the statements
    /// together.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        let runner = self.runner.with(|settings| settings.with_limit(limit));
        Self { runner, ..self }
    }

    /// Says that no other code uses these connections. The store then does not end open
    /// transactions, and a call takes one round trip: see
    /// [No open transactions](#no-open-transactions).
    ///
    /// Do not say so of a pool that you share. A connection with an open transaction would swallow
    /// a write that was answered with `Done`.
    #[must_use]
    pub fn with_own_connections(self) -> Self {
        let runner = self.runner.with(CallSettings::without_sharing);
        Self { runner, ..self }
    }

    /// Sends statements without a check of the database, and without a look for a pooler: see
    /// [The database](#the-database) and [Poolers](#poolers).
    ///
    /// With the settings that the check refuses, a passcode that was used can be valid again after
    /// a crash or a failover. So call this only in tests, or to measure such a database.
    #[must_use]
    pub fn danger_without_check(self) -> Self {
        let runner = self.runner.with(CallSettings::without_check);
        Self { runner, ..self }
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
    pub async fn create_table(&self) -> Result<(), Error> {
        let create = || {
            let call = self.table.create_table();
            self.runner.run(self.table.name(), call, true)
        };
        let answer: Result<u64, _> = match create().await {
            // Another client created the table at the same time, so it exists now.
            Err(Error::AlreadyExists(_)) => create().await,
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
    pub async fn accounts_after(
        &self,
        cursor: Option<&AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountId>, Error> {
        let call = self.table.accounts_after(cursor, limit)?;
        let ids: Result<Vec<Vec<u8>>, _> = self.runner.run(self.table.name(), call, false).await;
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
    /// # #[cfg(all(feature = "deadpool", feature = "postgres"))]
    /// # mod example {
    /// use countersign::AccountId;
    /// use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
    /// use countersign_diesel::{DieselStore, Error};
    /// use diesel::sql_types::Text;
    /// use diesel_async::pooled_connection::deadpool::Pool;
    /// use diesel_async::{AsyncPgConnection, RunQueryDsl};
    ///
    /// /// The store of one sign-in, with the token of its new session.
    /// struct SignIn {
    ///     store: DieselStore<Pool<AsyncPgConnection>>,
    ///     token: String,
    /// }
    ///
    /// impl Store for SignIn {
    ///     type Error = Error;
    ///
    ///     async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
    ///         // `RunQueryDsl` has a method of this name for every type.
    ///         Store::load(&self.store, account).await
    ///     }
    ///
    ///     async fn compare_and_swap(
    ///         &self,
    ///         account: &AccountId,
    ///         write: ConditionalWrite<'_>,
    ///     ) -> Result<WriteResult, Error> {
    ///         if write.kind() != WriteKind::Accepted {
    ///             return self.store.compare_and_swap(account, write).await;
    ///         }
    ///         let (token, user) = (self.token.clone(), account.to_string());
    ///         self.store
    ///             .compare_and_swap_with(account, write, |connection| {
    ///                 Box::pin(async move {
    ///                     diesel::sql_query("INSERT INTO sessions VALUES ($1, $2)")
    ///                         .bind::<Text, _>(token)
    ///                         .bind::<Text, _>(user)
    ///                         .execute(connection)
    ///                         .await?;
    ///                     Ok(())
    ///                 })
    ///             })
    ///             .await
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// `verifier.with_store(sign_in)` then verifies the code. The row must be useless until the
    /// verifier returns the receipt, because the answer to a commit can be lost. So hand out the
    /// token only then.
    ///
    /// `rows` must not end the transaction. It may send nothing outside of the database, because
    /// the commit can still fail. The time limit covers it. The transaction takes 4 round trips and
    /// those of `rows`; before the commit, the store makes sure that the transaction still has the
    /// record. If the database rolls it back in favour of another one, the answer is `Stale`. If
    /// you drop the future, the transaction is still committed or rolled back as a whole.
    ///
    /// # Errors
    /// [`Error::OnlyAccepted`] for a write of another kind, [`Error::RowsFailed`], or another
    /// [`Error`] of the store.
    pub async fn compare_and_swap_with<F>(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
        rows: F,
    ) -> Result<WriteResult, Error>
    where
        F: for<'c> FnOnce(&'c mut P::Connection) -> RowsFuture<'c> + Send + 'static,
    {
        let swap = Swap::new(&self.table, account, write)?;
        let changed = self.runner.swap(self.table.name(), swap, rows).await;
        self.table.written(write, changed)
    }
}

impl<P: Connections> DieselStore<P> {
    /// Returns a store for [`Verifier::import_in_transaction`][import], inside your transaction.
    ///
    /// ```no_run
    /// # #[cfg(all(feature = "deadpool", feature = "postgres"))]
    /// # mod example {
    /// use countersign::import::Import;
    /// use countersign::{AccountId, Verifier};
    /// use countersign_diesel::{BoxError, DieselStore};
    /// use diesel_async::pooled_connection::deadpool::Pool;
    /// use diesel_async::{AsyncConnection, AsyncPgConnection};
    ///
    /// async fn import(
    ///     connection: &mut AsyncPgConnection,
    ///     verifier: &Verifier<DieselStore<Pool<AsyncPgConnection>>>,
    ///     accounts: &[(AccountId, Import)],
    /// ) -> Result<(), BoxError> {
    ///     let all_or_none = async |connection: &mut AsyncPgConnection| {
    ///         let importer = verifier.with_store(verifier.store().in_transaction(connection));
    ///         for (account, import) in accounts {
    ///             importer.import_in_transaction(account, import).await?;
    ///         }
    ///         Ok(())
    ///     };
    ///     connection.transaction(all_or_none).await
    /// }
    /// # }
    /// ```
    ///
    /// [import]: countersign::Verifier::import_in_transaction
    #[must_use]
    pub fn in_transaction<'t>(
        &self,
        connection: &'t mut P::Connection,
    ) -> TransactionStore<'t, P::Connection> {
        TransactionStore::new(connection, Arc::clone(&self.table))
    }
}

impl<P: Connections> Store for DieselStore<P> {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let call = self.table.load(account)?;
        let rows: Result<Vec<(Vec<u8>, i64)>, _> =
            self.runner.run(self.table.name(), call, false).await;
        self.table.stored(rows.map(|rows| rows.into_iter().map(Ok)))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let call = self.table.write(account, write)?;
        let changed = self.runner.run(self.table.name(), call, true).await;
        self.table.written(write, changed)
    }
}

impl<P: Connections> Clone for DieselStore<P> {
    /// Returns a store on the same connections.
    fn clone(&self) -> Self {
        Self {
            runner: self.runner.clone(),
            table: Arc::clone(&self.table),
        }
    }
}

impl<P: Connections> fmt::Debug for DieselStore<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselStore")
            .field("table", &self.table)
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}
