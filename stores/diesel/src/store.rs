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
use crate::{Connections, Error};

/// X
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

    /// Sends statements without a check of the database: see [The database](#the-database).
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

    /// X
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
        self.table.written(write, self.runner.swap(swap, rows).await)
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
