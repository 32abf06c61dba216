use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
#[cfg(feature = "gate")]
use countersign_sql::TableName;
use countersign_sql::{Call, Dialect, RecordTable};
use sqlx::MySql;
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions, MySqlQueryResult, MySqlRow};

use crate::driver::{Driver, bind, ids, records};
use crate::pool_options::pool_options;
#[cfg(feature = "gate")]
use crate::sign_ins::Backend;
use crate::statement_runner::StatementRunner;
use crate::transaction_store::TransactionStore;
use crate::{AccountColumn, Error, TableNameError};
#[cfg(feature = "gate")]
use crate::{GateStore, SignInTables};

/// A store in a MySQL or MariaDB database, on your own pool.
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
/// # One statement per call
///
/// A call is one statement that commits by itself. Each connection prepares the statement once, so
/// a call takes one round trip. The pool's `test_before_acquire` adds another round trip to each
/// call. [`own_pool_options`](Self::own_pool_options) and [`pool_options`](Self::pool_options) test
/// only connections that were idle. A call on a connection that was lost in the meantime fails, and
/// the verifier finds out whether a write was applied.
///
/// The store is correct at every isolation level but `READ UNCOMMITTED`, which it refuses. If
/// several statements conflict on a key, the server rolls one back:
///
/// - with error 1213
/// - with error 1020, under MariaDB's `innodb_snapshot_isolation`
/// - in a Galera cluster, also if another node committed first
///
/// The store runs such a statement again after 5 ms. The store repeats nothing else. The driver
/// counts matched rows instead of changed ones (`CLIENT_FOUND_ROWS`). So a conditional write of the
/// same bytes also counts as done.
///
/// # No open transactions
///
/// A write must not become part of a transaction that other code can roll back. A rollback would
/// undo a counted failure, so guesses would be free. The store opens no transactions, but a shared
/// pool can hand the store a connection on which your code left a transaction open. With sqlx 0.9
/// that happens if a future is dropped during `Pool::begin`, for example because a browser
/// disconnected. With `autocommit = 0`, every statement is in a transaction.
///
/// So do one of these:
///
/// - Give the store a pool of its own, from [`own_pool_options`](Self::own_pool_options).
/// - Build the shared pool from [`pool_options`](Self::pool_options). It ends open transactions and
///   turns `autocommit` on.
///
/// The feature `gate` adds the sign-ins of countersign-gate to the transaction of an accepted
/// login: see `with_sign_ins`. If you need other rows there, write your own [`Store`] with these
/// statements. Such a store begins and commits a transaction for each conditional write.
///
/// # Dropped futures, time-outs and lost connections
///
/// If you drop the future of a call, the call continues in a task of its own and ends by itself. If
/// you keep the future but do not poll it, the call keeps its connection.
///
/// If no answer comes in time, the store gives up and discards the connection, as if the network
/// had failed. A write that waits for a lock may still be applied later, even after a load that
/// does not show it. Make `innodb_lock_wait_timeout` shorter than the store's time limit; its
/// default is 50 seconds. The error is then [`Error::Locked`], which says that nothing was written.
/// With or without this setting, the verifier finds out whether a write was applied.
///
/// A call takes at most the time limit. If no connection is available, the store takes one more
/// second to find out why. Give the pool an `acquire_timeout` that is shorter than the store's time
/// limit.
///
/// # The server
///
/// - Set `innodb_flush_log_at_trx_commit = 1` and, with a binary log, `sync_binlog = 1`. With
///   weaker settings, a crash undoes the last writes. A passcode that was used is then valid again.
/// - Do not use a replica. Its loads can be out of date, and it refuses writes
///   ([`Error::ReadOnly`]) only if it runs with `read_only`. A failover can lose the last writes,
///   and the passcodes that they used are then valid again. So replicate semi-synchronously, with
///   `rpl_semi_sync_master_wait_point = AFTER_SYNC`.
/// - In a Galera cluster set `wsrep_sync_wait = 7`. With a lower value, loads on a node can miss
///   the last writes of the others, and a write may not find its row. The store asks before its
///   first statement, and then answers [`Error::UnsafeSetting`]. If you send everything to one
///   node, you can switch the check off: see [`danger_without_server_check`][skip].
/// - When a node of a Galera cluster dies, the others write nothing for up to 6.4 seconds. So the
///   time limit of a call is 10 seconds in such a cluster, unless you set another.
///   `wsrep_retry_autocommit` never repeats a prepared statement, so it does not help.
/// - A pooler or proxy in between must keep a client on one connection as long as its prepared
///   statements exist.
///
/// # Columns
///
/// The column `account` compares bytes. With MySQL's default collation, `Bob`, `bob` and `Böb`
/// would be one account. Even most binary collations treat `Bob` and `Bob ` as one. Keep the column
/// type if a migration tool creates the table. [`AccountColumn`] has other types for a foreign key.
/// Your column for numbers may be `UNSIGNED`. Your column for UUIDs may have MariaDB's own type.
///
/// The columns `account`, `revision` and `record` are the stored record. The columns `enabled`,
/// `codes_left` and `key_id` are its [`Summary`](countersign::store::Summary). Use them for queries
/// only, never for decisions, because they are not authenticated. So do not set a flag of your own
/// by a trigger on these columns. Set the flag by the [`WriteKind`](countersign::store::WriteKind)
/// instead.
///
/// You can add columns that have a default. If a later version of this crate changes the table
/// incompatibly, it renames a column. This version then fails with [`Error::WrongTable`].
///
/// [skip]: Self::danger_without_server_check
#[derive(Debug, Clone)]
pub struct MySqlStore {
    pub(super) runner: StatementRunner<MySql>,
    pub(super) table: Arc<RecordTable>,
}

impl MySqlStore {
    /// Makes a store on this pool, with the table `countersign`, a text column for accounts, and a
    /// time limit of 5 seconds per call.
    #[must_use]
    pub fn new(pool: MySqlPool) -> Self {
        Self {
            runner: StatementRunner::new(pool),
            table: Arc::new(RecordTable::new(Dialect::MySql)),
        }
    }

    /// Sets the name of the table, in the database of the connection.
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
    /// In a Galera cluster with the setting that the check refuses, a load can be old. So `status`
    /// can say "no second factor" right after an enrollment. Call this only if all calls for an
    /// account go to one node.
    #[must_use]
    pub fn danger_without_server_check(self) -> Self {
        let runner = self.runner.without_check();
        Self { runner, ..self }
    }

    /// Returns options for a pool that only the store uses.
    ///
    /// `autocommit` is on. A call waits for a connection for at most 4 seconds. A connection that
    /// was idle for a second is tested before the next call. If you set `before_acquire` yourself,
    /// test it there.
    #[must_use]
    pub fn own_pool_options() -> MySqlPoolOptions {
        pool_options().after_connect(|connection, _| {
            let on = sqlx::raw_sql("SET autocommit = 1").execute(connection);
            Box::pin(async move { on.await.map(|_| ()) })
        })
    }

    /// Returns options for a pool that the store can share with code that opens transactions.
    ///
    /// They are [`own_pool_options`](Self::own_pool_options), and more: when a connection comes
    /// back to the pool, the pool ends any open transaction. This takes one round trip, and no call
    /// waits for it.
    #[must_use]
    pub fn pool_options() -> MySqlPoolOptions {
        Self::own_pool_options().after_release(|connection, _| {
            let end = sqlx::raw_sql("ROLLBACK AND NO CHAIN").execute(connection);
            Box::pin(async move { end.await.map(|_| true) })
        })
    }

    /// Returns the SQL text that creates the table, for your own migrations.
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
    /// [`TableNameError`], as for [`with_table`](Self::with_table).
    pub fn schema(table: &str, account: AccountColumn) -> Result<String, TableNameError> {
        let table = RecordTable::new(Dialect::MySql).with_table(table)?;
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
        let ids = rows.map(|rows| ids::<MySql>(self.table.name(), rows));
        self.table.accounts(ids)
    }

    async fn execute_call(&self, call: Call<'_>) -> Result<MySqlQueryResult, Error> {
        let (sql, arguments) = bind::<MySql>(call)?;
        let table = self.table.name();
        self.runner.execute(table, &sql, arguments).await
    }

    async fn fetch_call(&self, call: Call<'_>) -> Result<Vec<MySqlRow>, Error> {
        let (sql, arguments) = bind::<MySql>(call)?;
        let table = self.table.name();
        self.runner.fetch(table, &sql, arguments).await
    }

    /// Returns a store for [`Verifier::import_in_transaction`][import], inside your transaction.
    ///
    /// ```no_run
    /// # use countersign::import::Import;
    /// # use countersign::{AccountId, Verifier};
    /// # use countersign_sqlx::MySqlStore;
    /// # async fn import(
    /// #     pool: sqlx::MySqlPool,
    /// #     verifier: Verifier<MySqlStore>,
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
        connection: &'t mut MySqlConnection,
    ) -> TransactionStore<'t, MySql> {
        TransactionStore::new(connection, Arc::clone(&self.table))
    }
}

impl Store for MySqlStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        let rows = self.fetch_call(self.table.load(account)?).await;
        let records = rows.map(|rows| records::<MySql>(self.table.name(), rows));
        self.table.stored(records)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let done = self.execute_call(self.table.write(account, write)?).await;
        let rows = done.map(|done| MySql::rows_affected(&done));
        self.table.written(write, rows)
    }
}
