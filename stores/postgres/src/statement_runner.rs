//! Runs statements on a connection of your pool: to their end, and within a time limit.

use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign_sql::{
    CONFLICT_PAUSE, CONFLICT_RETRIES, Call, PoolerCheck, TIME_LIMIT, TableName, run_uncancellable,
};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::open_transaction::end_transaction;
use crate::pooler::{Verdict, compare};
use crate::server_check::{Failed, check_settings};
use crate::statement::{Answer, Statement};
use crate::{Connections, DriverError, Error, NoConnection};

/// The connections, and how a call uses them.
///
/// Dropping a caller's future never stops a call that has begun. A web server drops futures when a
/// browser disconnects. The driver itself would let the statement run to its end, but the
/// connection would go back to the pool with an answer still due on it. If the network is silent,
/// nobody would ever find out. So every call runs to its end independently of its caller, and then
/// returns the connection in a known state.
///
/// A connection that does not answer in time is closed, and no cancel request is sent: a canceled
/// commit that waits for a standby looks like a success.
pub(crate) struct StatementRunner<C: Connections> {
    connections: C,
    memory: Arc<C::Memory>,
    limit: Duration,
    /// Whether a call prepares its statement, once per connection. Otherwise it sends the text.
    prepares: bool,
    /// Whether other code may use the connections, and leave transactions open.
    shared: bool,
    /// Whether the server has passed its check.
    checked: Arc<AtomicBool>,
    pooler: PoolerCheck,
    /// Locked by the one call that looks for a pooler.
    looking: Arc<Mutex<()>>,
    /// Locked by the one call that finds out why no connection is available.
    probing: Arc<Mutex<()>>,
}

impl<C: Connections> StatementRunner<C> {
    pub(crate) fn new(connections: C) -> Self {
        Self {
            connections,
            memory: Arc::default(),
            limit: TIME_LIMIT,
            prepares: true,
            shared: true,
            checked: Arc::default(),
            pooler: PoolerCheck::default(),
            looking: Arc::default(),
            probing: Arc::default(),
        }
    }

    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    pub(crate) fn without_preparing(self) -> Self {
        Self {
            prepares: false,
            pooler: PoolerCheck::off(),
            ..self
        }
    }

    pub(crate) fn without_sharing(self) -> Self {
        Self {
            shared: false,
            ..self
        }
    }

    pub(crate) fn without_check(self) -> Self {
        Self {
            checked: Arc::new(AtomicBool::new(true)),
            pooler: PoolerCheck::off(),
            ..self
        }
    }

    /// Runs a statement, and runs it again after a conflict with another transaction.
    pub(crate) async fn run<A: Answer>(
        &self,
        table: &TableName,
        call: Call<'_>,
    ) -> Result<A, Error> {
        let (runner, table, statement) = (self.clone(), table.clone(), Statement::from(call));
        run_uncancellable(Box::pin(async move {
            let start = Instant::now();
            runner.look_for_pooler(&table, start).await?;
            let connection = runner.connection(&table, start).await?;
            let left = runner.left(start);
            let Ok(answer) = timeout(left, runner.answer(&connection, &statement)).await else {
                C::close(connection);
                let limit = runner.limit;
                return Err(Error::Timeout { limit });
            };
            if answer.as_ref().is_err_and(Failed::spoils_connection) {
                C::close(connection);
            }
            answer.map_err(|failed| failed.error(&table))
        }))
        .await
    }

    /// Refuses a pooler that mixes up the statements of two connections. Meanwhile the other calls
    /// wait without a connection.
    async fn look_for_pooler(&self, table: &TableName, start: Instant) -> Result<(), Error> {
        if !self.pooler.is_due() {
            return Ok(());
        }
        let limit = self.limit;
        let Ok(_guard) = timeout(self.left(start), self.looking.lock()).await else {
            return Err(Error::NoConnection { limit });
        };
        if !self.pooler.is_due() {
            return Ok(());
        }
        let one = self.connection(table, start).await?;
        let Ok(Ok(other)) = timeout(PROBE, self.connections.connection()).await else {
            self.pooler.fail();
            return Ok(());
        };
        if ptr::eq(C::client(&one), C::client(&other)) {
            // All calls share one connection.
            self.pooler.pass();
            return Ok(());
        }
        if self.shared {
            end_transaction(C::client(&one)).await;
            end_transaction(C::client(&other)).await;
        }
        let comparing = compare(C::client(&one), C::client(&other));
        let error = match timeout(self.left(start), comparing).await {
            Ok(Ok(Verdict::Apart)) => {
                self.pooler.pass();
                return Ok(());
            }
            Ok(Ok(Verdict::Shared)) => Some(Error::Pooler(DriverError::Pool(SHARED.into()))),
            // A transaction of other code that has failed is not ended.
            Ok(Err(error)) if !error.is_failed_transaction() => Some(error.of_statement(table)),
            Ok(Ok(Verdict::Unknown) | Err(_)) => {
                self.pooler.fail();
                None
            }
            Err(_) => Some(Error::Timeout { limit }),
        };
        C::close(one);
        C::close(other);
        error.map_or(Ok(()), Err)
    }

    async fn answer<A: Answer>(
        &self,
        connection: &C::Connection,
        statement: &Statement,
    ) -> Result<A, Failed> {
        let client = C::client(connection);
        let may_be_in_transaction = self.shared && C::was_used(&self.memory, connection);
        let mut conflicts = 0..CONFLICT_RETRIES;
        let mut failed_transactions = 0..1;
        loop {
            if may_be_in_transaction {
                end_transaction(client).await;
            }
            match self.send(connection, statement).await {
                Err(Failed::Driver(error)) if error.is_conflict() && conflicts.next().is_some() => {
                    sleep(CONFLICT_PAUSE).await;
                }
                Err(Failed::Driver(error))
                    if error.is_failed_transaction() && failed_transactions.next().is_some() =>
                {
                    // Other code left it on the connection.
                    client.batch_execute("ROLLBACK").await?;
                }
                answer => return answer,
            }
        }
    }

    /// Sends the statement, and checks the server before the first one.
    async fn send<A: Answer>(
        &self,
        connection: &C::Connection,
        statement: &Statement,
    ) -> Result<A, Failed> {
        let client = C::client(connection);
        if !self.checked.load(Ordering::Relaxed) {
            check_settings(client).await?;
            self.checked.store(true, Ordering::Relaxed);
        }
        let answer = if self.prepares {
            statement.run_prepared::<C, A>(connection).await
        } else {
            statement.run_text(client).await
        };
        Ok(answer?)
    }

    /// The rest of the time limit of a call.
    fn left(&self, start: Instant) -> Duration {
        self.limit.saturating_sub(start.elapsed())
    }

    async fn connection(&self, table: &TableName, start: Instant) -> Result<C::Connection, Error> {
        match timeout(self.left(start), self.connections.connection()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(NoConnection::Failed(error))) => Err(error.of_connecting(table)),
            Ok(Err(NoConnection::InUse)) | Err(_) => {
                let limit = start.elapsed();
                match self.probe().await {
                    Err(error) => Err(error.of_connecting(table)),
                    Ok(()) => Err(Error::NoConnection { limit }),
                }
            }
        }
    }

    /// Finds out why no connection came. One call at a time does so.
    async fn probe(&self) -> Result<(), DriverError> {
        let Ok(_guard) = self.probing.try_lock() else {
            return Ok(());
        };
        let probe = timeout(PROBE, self.connections.probe()).await;
        probe.unwrap_or(Ok(()))
    }
}

impl<C: Connections> Clone for StatementRunner<C> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            memory: Arc::clone(&self.memory),
            limit: self.limit,
            prepares: self.prepares,
            shared: self.shared,
            checked: Arc::clone(&self.checked),
            pooler: self.pooler.clone(),
            looking: Arc::clone(&self.looking),
            probing: Arc::clone(&self.probing),
        }
    }
}

impl<C: Connections> fmt::Debug for StatementRunner<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementRunner")
            .field("limit", &self.limit)
            .field("prepares", &self.prepares)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

/// The extra time to find out why no connection is available.
const PROBE: Duration = Duration::from_secs(1);
const SHARED: &str = "two connections share a server process and its prepared statements";
