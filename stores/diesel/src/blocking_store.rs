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
use crate::call::{CallSettings, run, spoils_connection};
use crate::database::Database;
use crate::driver_error::of_connecting;
use crate::session::Answer;
use crate::statement::Statement;
use crate::swap::{BoxError, Swap};
use crate::{DriverError, Error};

/// X
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

    /// Says that no other code uses these connections: see
    /// [`with_own_connections`](crate::DieselStore::with_own_connections) of the async store.
    #[must_use]
    pub fn with_own_connections(self) -> Self {
        let settings = self.settings.without_sharing();
        Self { settings, ..self }
    }

    /// Sends statements without a check of the database: see
    /// [`danger_without_check`](crate::DieselStore::danger_without_check) of the async store.
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

    /// X
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
            let mut session = BlockingSession(&mut *connection);
            let prepared = now(self.settings.prepare(&mut session, self.table.name(), writes));
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

    fn connection(&self, left: Duration) -> Result<PooledConnection<ConnectionManager<C>>, Error> {
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
