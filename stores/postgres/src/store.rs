use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::{AccountColumn, Dialect, RecordTable, TableNameError};
use tokio_postgres::{Row, Transaction};

use crate::record_row::{id_row, record_row};
use crate::statement_runner::StatementRunner;
use crate::transaction_store::TransactionStore;
use crate::{Connections, Error};

/// A store in a PostgreSQL database, on your own connections.
///
/// ```no_run
/// # #[cfg(feature = "deadpool")]
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use countersign_postgres::{AccountColumn, PostgresStore};
/// use deadpool_postgres::{Manager, Pool};
/// use std::time::Duration;
/// use tokio_postgres::NoTls;
///
/// let config = "postgres://app@db.internal/app".parse()?;
/// let pool = Pool::builder(Manager::new(config, NoTls))
///     .max_size(20)
///     .build()?;
/// let store = PostgresStore::new(pool.clone())
///     .with_table("second_factor")?
///     .with_account_column(AccountColumn::BigInt)
///     .with_timeout(Duration::from_secs(3));
/// store.create_table().await?;
///
/// let sql = "SELECT count(*) FROM second_factor WHERE enabled AND codes_left < 3";
/// let running_out: i64 = pool.get().await?.query_one(sql, &[]).await?.get(0);
/// # Ok(())
/// # }
/// ```
///
/// # One statement per call
///
/// A call is one statement that commits by itself. Each connection prepares the statement once, so
/// a call takes one round trip.
///
/// The store is correct at every isolation level, whatever your default level is. At `REPEATABLE
/// READ` and `SERIALIZABLE` the server rolls back conflicting statements with SQLSTATE
/// 40001. After a deadlock it rolls back with 40P01. The store runs such a statement again after 5
/// ms, and finds the row changed. The store repeats no statement that may have been applied.
///
/// # Poolers
///
/// A pooler that pools by transaction, such as `PgBouncer`, Supavisor or Neon's pooler, mixes up
/// prepared statements. It can even run the statement of another client and report success. If one
/// stands between your service and the server, call [`behind_pooler`](Self::behind_pooler).
///
/// Otherwise, the store looks for such a pooler before its first statement, and refuses it
/// ([`Error::Pooler`]). It needs two connections for that. If the pool has no second one within a
/// second, the store goes on and looks again later. It does not look on one client.
///
/// # No open transactions
///
/// A write must not become part of a transaction that other code can roll back. A rollback would
/// undo a counted failure, so guesses would be free. Neither deadpool nor bb8 ends a transaction
/// before it hands out a connection. A `Transaction` of tokio-postgres ends itself, even if its
/// future is dropped. But a `BEGIN` that your code sends as text stays open if an error or a
/// dropped future skips the `COMMIT`.
///
/// So if other code has used a connection since the store did, the store first sends a batch that
/// ends an open transaction: `BEGIN; ROLLBACK`. The batch and the statement share a round trip. On
/// pools of deadpool and bb8, the store knows whether other code has used the connection. On one
/// client, and on most other pools, it does not know. If the connections are for the store alone,
/// call [`with_own_connections`](Self::with_own_connections) there.
///
/// If a statement of the open transaction had failed, the server refuses the statement of the
/// store. The store then ends the transaction, and sends its statement again.
///
/// # Settings that other code changes
///
/// If your code changes a setting by `SET` on a shared connection, the setting stays when the
/// connection goes back to the pool. The store does not undo it. These settings matter:
///
/// - `search_path`: the store uses the first table with its name, also a temporary one. If two
///   schemas have such a table, an account can have a record in each, and a code is accepted once
///   in each.
/// - `synchronous_commit`: the store asks for it before its first statement, and not on every
///   connection.
/// - `client_encoding`: the store does not find accounts whose ids have characters outside ASCII.
/// - `role`, `statement_timeout`, `lock_timeout`: calls fail, and the error names the reason.
///
/// So change these settings by `SET LOCAL` in a transaction, or give the store a pool of its own.
/// `DISCARD ALL` and `DEALLOCATE ALL` remove the prepared statements: the next call on the
/// connection fails with [`Error::Pooler`]. If your code or your pool sends them, call
/// [`behind_pooler`](Self::behind_pooler).
///
/// # Dropped futures, time-outs and lost connections
///
/// If you drop the future of a call, the call continues in a task of its own and ends by itself. If
/// you keep the future but do not poll it, the call keeps its connection.
///
/// If no answer comes in time, the store closes the connection, as if the network had failed. It
/// sends no cancel request. A write that waits for a lock may still be applied later, even after a
/// load that does not show it. Set `client_connection_check_interval = 1s` for the server or the
/// role. The server then stops statements that wait for a lock and whose client is gone. It does
/// not stop a commit that waits for a standby. With or without this setting, the verifier finds out
/// whether a write was applied.
///
/// A call takes at most the time limit. If no connection is available, the store takes one more
/// second to find out why.
///
/// # The server
///
/// - Leave `fsync`, `full_page_writes` and `synchronous_commit` on. With `synchronous_commit =
///   off`, a crash undoes the last writes. A passcode that was used is then valid again. Before its
///   first statement, the store asks the server. It refuses `off`, and if a standby is named, it
///   refuses `local`, too ([`Error::UnsafeSetting`]).
/// - Do not use a replica. Its loads can be out of date, and it refuses writes
///   ([`Error::ReadOnly`]). The store then closes the connection, because after a failover a
///   connection can lead to the former primary. A failover can lose the last writes, and the
///   passcodes that they used are then valid again. So name the replica that takes over in
///   `synchronous_standby_names`, and leave `synchronous_commit` at `on` or `remote_apply`.
/// - CockroachDB and YugabyteDB speak the same protocol and are always serializable. The store
///   repeats statements that they roll back with 40001. If CockroachDB does not know the result
///   (40003), the call fails. The tests of this crate do not cover these databases, so run the
///   conformance tests on yours.
///
/// # Columns
///
/// The columns `account` ([`AccountColumn`]), `revision` and `record` are the stored record. The
/// columns `enabled`, `codes_left` and `key_id` are its [`Summary`](countersign::store::Summary).
/// Use them for queries only, never for decisions, because they are not authenticated. So do not
/// set a flag of your own by a trigger on these columns. Set the flag by the
/// [`WriteKind`](countersign::store::WriteKind) instead.
///
/// The table is the one of the `PostgresStore` of `countersign-sqlx`, so a service can change the
/// driver and keep its accounts. You can add columns that have a default. If a later version of
/// this crate changes the table incompatibly, it renames a column. This version then fails with
/// [`Error::WrongTable`].
#[derive(Clone)]
pub struct PostgresStore<C: Connections> {
    runner: StatementRunner<C>,
    table: Arc<RecordTable>,
}

impl<C: Connections> PostgresStore<C> {
    /// Makes a store on these connections, with the table `countersign`, a text column for
    /// accounts, and a time limit of 5 seconds per call.
    #[must_use]
    pub fn new(connections: C) -> Self {
        Self {
            runner: StatementRunner::new(connections),
            table: Arc::new(RecordTable::new(Dialect::Postgres)),
        }
    }

    /// Sets the name of the table, in a schema of the connection's `search_path`.
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

    /// Sets the time limit per call; the default is 5 seconds. The limit covers the wait for a
    /// connection and the statement together.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        let runner = self.runner.with_limit(limit);
        Self { runner, ..self }
    }

    /// Says that a pooler stands between your service and the server, and pools by transaction.
    ///
    /// The store then prepares no statements. It sends the text of the statement with the types of
    /// the arguments in each call, which still takes one round trip. The server parses and plans
    /// each statement again.
    #[must_use]
    pub fn behind_pooler(self) -> Self {
        let runner = self.runner.without_preparing();
        Self { runner, ..self }
    }

    /// Sends statements without a check of the server, and without a look for a pooler: see [The
    /// server](#the-server) and [Poolers](#poolers).
    ///
    /// With the settings that the check refuses, a passcode that was used can be valid again after
    /// a crash or a failover. So call this only in tests, or to measure such a server.
    #[must_use]
    pub fn danger_without_server_check(self) -> Self {
        let runner = self.runner.without_check();
        Self { runner, ..self }
    }

    /// Says that no other code uses these connections. The store then never sends the batch that
    /// ends open transactions: see [No open transactions](#no-open-transactions). A pool of
    /// deadpool or bb8 does not need this.
    ///
    /// Do not say so of a pool that you share. A connection with an open transaction would swallow
    /// a write that was answered with `Done`.
    #[must_use]
    pub fn with_own_connections(self) -> Self {
        let runner = self.runner.without_sharing();
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
            self.runner
                .run(self.table.name(), self.table.create_table())
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
        let rows: Result<Vec<Row>, _> = self.runner.run(self.table.name(), call).await;
        let ids = rows.map(|rows| rows.into_iter().map(|row| id_row(&self.table, &row)));
        self.table.accounts(ids)
    }

    /// Returns a store for [`Verifier::import_in_transaction`][import], inside your transaction.
    ///
    /// ```no_run
    /// # use countersign::import::Import;
    /// # use countersign::{AccountId, Verifier};
    /// # use countersign_postgres::{Connections, PostgresStore};
    /// # async fn import<C: Connections>(
    /// #     mut client: tokio_postgres::Client,
    /// #     verifier: Verifier<PostgresStore<C>>,
    /// #     accounts: Vec<(AccountId, Import)>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let transaction = client.transaction().await?;
    /// let importer = verifier.with_store(verifier.store().in_transaction(&transaction));
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
    pub fn in_transaction<'t>(&self, transaction: &'t Transaction<'t>) -> TransactionStore<'t> {
        TransactionStore::new(transaction, Arc::clone(&self.table))
    }
}

impl<C: Connections> Store for PostgresStore<C> {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let call = self.table.load(account)?;
        let rows: Result<Vec<Row>, _> = self.runner.run(self.table.name(), call).await;
        let rows = rows.map(|rows| rows.into_iter().map(|row| record_row(&self.table, &row)));
        self.table.stored(rows)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let call = self.table.write(account, write)?;
        let changed = self.runner.run(self.table.name(), call).await;
        self.table.written(write, changed)
    }
}

impl<C: Connections> fmt::Debug for PostgresStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("table", &self.table)
            .field("runner", &self.runner)
            .finish_non_exhaustive()
    }
}
