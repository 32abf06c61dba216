use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use countersign_sql::{Call, Dialect, RecordTable, TableName};
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgPoolOptions, PgQueryResult, PgRow};
use sqlx::{Postgres, SqlStr};

use crate::driver::{Driver, bind, ids, records};
use crate::pool_options::pool_options;
#[cfg(feature = "gate")]
use crate::sign_ins::Backend;
use crate::statement_runner::StatementRunner;
use crate::transaction_store::TransactionStore;
use crate::{AccountColumn, Error, TableNameError};
#[cfg(feature = "gate")]
use crate::{GateStore, SignInTables};

/// A store in a PostgreSQL database, on your own pool.
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
/// # One statement per call
///
/// A call is one statement that commits by itself. Each connection prepares the statement once, so
/// a call takes one round trip. The pool's `test_before_acquire` adds another round trip to each
/// call. [`own_pool_options`](Self::own_pool_options) and [`pool_options`](Self::pool_options) test
/// only connections that were idle. A call on a connection that was lost in the meantime fails, and
/// the verifier finds out whether a write was applied.
///
/// The store is correct at every isolation level, whatever your default level is. At `REPEATABLE
/// READ` and `SERIALIZABLE` the server rolls back conflicting statements with SQLSTATE
/// 40001. After a deadlock it rolls back with 40P01. The store runs such a statement again after 5
/// ms, and finds the row changed. The store repeats no statement that may have been applied.
///
/// # No open transactions
///
/// A write must not become part of a transaction that other code can roll back. A rollback would
/// undo a counted failure, so guesses would be free. The store opens no transactions, but a shared
/// pool can hand the store a connection on which your code left a transaction open. With sqlx 0.9
/// that happens if a future is dropped during `Pool::begin`, for example because a browser
/// disconnected.
///
/// So do one of these:
///
/// - Give the store a pool of its own, from [`own_pool_options`](Self::own_pool_options).
/// - Build the shared pool from [`pool_options`](Self::pool_options). It ends open transactions
///   before a connection is used again.
///
/// The feature `gate` adds the sign-ins of countersign-gate to the transaction of an accepted
/// login: see `with_sign_ins`. If you need other rows there, write your own [`Store`] with these
/// statements. Such a store begins and commits a transaction for each conditional write.
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
/// Do not send `DISCARD ALL` or `DEALLOCATE ALL`: they remove the prepared statements, and the next
/// call on the connection fails with [`Error::Pooler`].
///
/// # Dropped futures, time-outs and lost connections
///
/// If you drop the future of a call, the call continues in a task of its own and ends by itself. If
/// you keep the future but do not poll it, the call keeps its connection.
///
/// If no answer comes in time, the store gives up and discards the connection, as if the network
/// had failed. A write that waits for a lock may still be applied later, even after a load that
/// does not show it. Set `client_connection_check_interval = 1s` for the server or the role. The
/// server then stops statements whose client is gone, except for a commit that waits for a
/// synchronous standby. With or without this setting, the verifier finds out whether a write was
/// applied. The store never sends a cancel: a cancelled commit that waits for a standby answers
/// with success.
///
/// A call takes at most the time limit. If no connection is available, the store takes one more
/// second to find out why. Give the pool an `acquire_timeout` that is shorter than the store's time
/// limit.
///
/// # The server
///
/// Before its first statement, the store asks the server for its settings. With some of them an
/// accepted code can come back, so the store then sends nothing and answers
/// [`Error::UnsafeSetting`] or [`Error::Pooler`].
///
/// - Leave `fsync`, `full_page_writes` and `synchronous_commit` on. With `synchronous_commit =
///   off`, a crash undoes the last writes. A passcode that was used is then valid again. The store
///   refuses `off`. If a standby is named, it refuses `local`, too.
/// - Do not use a replica. Its loads can be out of date, and it refuses writes
///   ([`Error::ReadOnly`]). The store then closes the connection, because after a failover a
///   connection can lead to the former primary. A failover can lose the last writes, and the
///   passcodes that they used are then valid again. So name the replica that takes over in
///   `synchronous_standby_names`, and leave `synchronous_commit` at `on` or `remote_apply`.
/// - A pooler in between, such as `PgBouncer`, must pool by session, or know which client prepared
///   which statement. Otherwise it mixes up the prepared statements of its clients. With
///   `PgBouncer` 1.18, 370 of 800 calls failed, and others ran the statement of another client and
///   reported success. The store looks for such a pooler by a second connection, which it then
///   closes, and answers [`Error::Pooler`]. If no second connection can be opened, it looks again
///   at the next call. The store of countersign-postgres has a mode for such poolers.
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
/// You can add columns that have a default. If a later version of this crate changes the table
/// incompatibly, it renames a column. This version then fails with [`Error::WrongTable`].
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pub(super) runner: StatementRunner<Postgres>,
    pub(super) table: Arc<RecordTable>,
}

impl PostgresStore {
    /// Makes a store on this pool, with the table `countersign`, a text column for accounts, and a
    /// time limit of 5 seconds per call.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            runner: StatementRunner::new(pool),
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
        let table = RecordTable::clone(&self.table).with_account_column(account);
        let table = Arc::new(table);
        Self { table, ..self }
    }

    /// Sets the time limit per call; the default is 5 seconds. The limit covers the wait for a
    /// connection and the statement together.
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        let runner = self.runner.with_limit(limit);
        Self { runner, ..self }
    }

    /// Sends statements without a check of the server: see [The server](#the-server).
    ///
    /// With the settings that the check refuses, a passcode that was used can be valid again after
    /// a crash or a failover. Behind a pooler that mixes up prepared statements, the store can run
    /// the statement of another client. So call this only in tests, or to measure such a server.
    #[must_use]
    pub fn danger_without_server_check(self) -> Self {
        let runner = self.runner.without_check();
        Self { runner, ..self }
    }

    /// Returns options for a pool that only the store uses.
    ///
    /// A call waits for a connection for at most 4 seconds. A connection that was idle for a second
    /// is tested before the next call. If you set `before_acquire` yourself, test it there.
    #[must_use]
    pub fn own_pool_options() -> PgPoolOptions {
        pool_options()
    }

    /// Returns options for a pool that the store can share with code that opens transactions.
    ///
    /// They are [`own_pool_options`](Self::own_pool_options), and more: when a connection comes
    /// back to the pool, the pool ends any open transaction. This takes one round trip, and no call
    /// waits for it.
    #[must_use]
    pub fn pool_options() -> PgPoolOptions {
        Self::own_pool_options().after_release(|connection, _| {
            // The server warns about a ROLLBACK outside a transaction.
            let end = sqlx::raw_sql("BEGIN; ROLLBACK").execute(connection);
            Box::pin(async move { end.await.map(|_| true) })
        })
    }

    /// Returns the SQL text that creates the table, for your own migrations.
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
    /// [`TableNameError`], as for [`with_table`](Self::with_table).
    pub fn schema(table: &str, account: AccountColumn) -> Result<String, TableNameError> {
        let table = RecordTable::new(Dialect::Postgres).with_table(table)?;
        Ok(table.with_account_column(account).schema().to_owned())
    }

    /// Creates the table if it is missing. It does not check an existing table.
    ///
    /// # Errors
    /// [`Error`] if the database cannot be reached or written to.
    pub async fn create_table(&self) -> Result<(), Error> {
        let (sql, _) = bind::<Postgres>(self.table.create_table())?;
        self.create(self.table.name(), &sql).await
    }

    pub(super) async fn create(&self, table: &TableName, sql: &SqlStr) -> Result<(), Error> {
        let create = || self.runner.execute(table, sql, PgArguments::default());
        match create().await {
            // Another client created the table at the same time, so it exists now.
            Err(Error::AlreadyExists(_)) => create().await,
            answer => answer,
        }
        .map(|_| ())
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
        let ids = rows.map(|rows| ids::<Postgres>(self.table.name(), rows));
        self.table.accounts(ids)
    }

    async fn execute_call(&self, call: Call<'_>) -> Result<PgQueryResult, Error> {
        let (sql, arguments) = bind::<Postgres>(call)?;
        let table = self.table.name();
        self.runner.execute(table, &sql, arguments).await
    }

    async fn fetch_call(&self, call: Call<'_>) -> Result<Vec<PgRow>, Error> {
        let (sql, arguments) = bind::<Postgres>(call)?;
        let table = self.table.name();
        self.runner.fetch(table, &sql, arguments).await
    }

    /// Returns a store for [`Verifier::import_in_transaction`][import], inside your transaction.
    ///
    /// ```no_run
    /// # use countersign::import::Import;
    /// # use countersign::{AccountId, Verifier};
    /// # use countersign_sqlx::PostgresStore;
    /// # async fn import(
    /// #     pool: sqlx::PgPool,
    /// #     verifier: Verifier<PostgresStore>,
    /// #     accounts: Vec<(AccountId, Import)>,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut transaction = pool.begin().await?;
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
        connection: &'t mut PgConnection,
    ) -> TransactionStore<'t, Postgres> {
        TransactionStore::new(connection, Arc::clone(&self.table))
    }
}

impl Store for PostgresStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let rows = self.fetch_call(self.table.load(account)?).await;
        let records = rows.map(|rows| records::<Postgres>(self.table.name(), rows));
        self.table.stored(records)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let done = self.execute_call(self.table.write(account, write)?).await;
        let rows = done.map(|done| Postgres::rows_affected(&done));
        self.table.written(write, rows)
    }
}
