//! Runs statements on a connection of your async pool: to their end, and within a time limit.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_sql::{Call, Dialect, Failure, TableName, run_uncancellable};
use diesel_async::AsyncConnectionCore;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::async_session::AsyncSession;
use crate::call::{CallSettings, run, spoils_connection};
use crate::database::Database;
use crate::driver_error::{connecting, of_connecting};
use crate::pooler::Other;
use crate::session::Answer;
use crate::statement::Statement;
use crate::swap::{BoxError, Swap};
use crate::{Connections, DriverError, Error, NoConnection};

/// Writes the rows of an application on a connection.
pub type RowsFuture<'c> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'c>>;

pub(crate) type BackendOf<P> = <<P as Connections>::Connection as AsyncConnectionCore>::Backend;

/// The connections, and how a call uses them.
///
/// Dropping a caller's future never stops a call that has begun. A web server drops futures when a
/// browser disconnects. The connection would then go back to the pool with an answer still due on
/// it. So every call runs to its end independently of its caller, and then returns the connection
/// in a known state.
///
/// A connection that does not answer in time is closed, and no cancel request is sent: a canceled
/// commit that waits for a standby looks like a success.
pub(crate) struct StatementRunner<P: Connections> {
    connections: P,
    pub(crate) settings: CallSettings,
    /// Locked by the one call that finds out why no connection is available.
    probing: Arc<Mutex<()>>,
}

impl<P: Connections> StatementRunner<P> {
    pub(crate) fn new(connections: P) -> Self {
        Self {
            connections,
            settings: CallSettings::new(),
            probing: Arc::default(),
        }
    }

    pub(crate) fn with(self, change: impl FnOnce(CallSettings) -> CallSettings) -> Self {
        let settings = change(self.settings);
        Self { settings, ..self }
    }

    /// Runs a statement, and runs it again after a conflict with another transaction.
    pub(crate) async fn run<A: Answer>(
        &self,
        table: &TableName,
        call: Call<'_>,
        writes: bool,
    ) -> Result<A, Error> {
        let (runner, table, statement) = (self.clone(), table.clone(), Statement::from(call));
        run_uncancellable(Box::pin(async move {
            let (lease, left) = runner.lease(&table, writes).await?;
            let answer = Box::pin(async move {
                let mut lease = lease;
                let answer = run(&mut lease.session()?, &table, &statement).await;
                lease.end(answer)
            });
            runner.finish(left, answer).await
        }))
        .await
    }

    /// Runs a conditional write and writes the rows of the application, in one transaction. Returns
    /// the number of changed records.
    pub(crate) async fn swap<F>(&self, table: &TableName, swap: Swap, rows: F) -> Result<u64, Error>
    where
        F: for<'c> FnOnce(&'c mut P::Connection) -> RowsFuture<'c> + Send + 'static,
    {
        let (runner, table) = (self.clone(), table.clone());
        run_uncancellable(Box::pin(async move {
            let (lease, left) = runner.lease(&table, true).await?;
            let answer = Box::pin(async move {
                let mut lease = lease;
                let answer = write_with(&mut lease, &swap, rows).await;
                lease.end(answer)
            });
            runner.finish(left, answer).await
        }))
        .await
    }

    /// Waits for the answer until the limit ends.
    async fn finish<A: Send + 'static>(
        &self,
        left: Duration,
        answer: Pin<Box<dyn Future<Output = Result<A, Error>> + Send>>,
    ) -> Result<A, Error> {
        let limit = self.settings.limit();
        let answer = within::<P, _>(left, answer).await;
        answer.unwrap_or(Err(Error::Timeout { limit }))
    }

    /// A connection whose next statement commits by itself, and the rest of the time limit.
    ///
    /// An idle connection may be lost. No statement of the call was sent on it, so the call takes
    /// another one.
    async fn lease(&self, table: &TableName, writes: bool) -> Result<(Lease<P>, Duration), Error> {
        let (start, limit) = (Instant::now(), self.settings.limit());
        loop {
            let left = limit.saturating_sub(start.elapsed());
            let lease = self.connection(table, left).await?;
            let left = limit.saturating_sub(start.elapsed());
            let (runner, name) = (self.clone(), table.clone());
            let prepared = Box::pin(async move {
                let mut lease = lease;
                let mut other = runner.other().await;
                let other = other.session(AsyncSession);
                let mut session = lease.session()?;
                let prepared = runner.settings.prepare(&mut session, other, &name, writes);
                match prepared.await {
                    Ok(()) => Ok(lease),
                    Err(error) => lease.end(Err(error)),
                }
            });
            match within::<P, _>(left, prepared).await {
                Some(Ok(lease)) => return Ok((lease, limit.saturating_sub(start.elapsed()))),
                Some(Err(Error::ConnectionLost(_))) if start.elapsed() < limit => {}
                Some(Err(error)) => return Err(error),
                None => return Err(Error::Timeout { limit }),
            }
        }
    }

    async fn connection(&self, table: &TableName, left: Duration) -> Result<Lease<P>, Error> {
        let connections = self.connections.clone();
        let wait = Box::pin(async move { connections.connection().await });
        let failed = |error| of_connecting::<BackendOf<P>>(table, error);
        match within::<P, _>(left, wait).await {
            Some(Ok(guard)) => Ok(Lease(Some(guard))),
            Some(Err(NoConnection::Failed(error))) => Err(failed(error)),
            Some(Err(NoConnection::InUse)) | None => match self.probe().await {
                Err(error) => Err(failed(error)),
                Ok(()) => Err(Error::NoConnection {
                    limit: self.settings.limit(),
                }),
            },
        }
    }

    /// A second connection, if the call looks for a pooler.
    async fn other(&self) -> Other<P::Connection> {
        if !self.settings.looks_for_pooler::<BackendOf<P>>() {
            return Other::NotNeeded;
        }
        match timeout(OPENING, self.connections.open()).await {
            Ok(Ok(Some(connection))) => Other::Open(connection),
            Ok(Ok(None)) => Other::Never,
            Ok(Err(error)) if connecting::<BackendOf<P>>(&error) == Failure::Pooler => Other::Mixed,
            Ok(Err(_)) | Err(_) => Other::Failed,
        }
    }

    /// Finds out why no connection came. One call at a time does so.
    async fn probe(&self) -> Result<(), DriverError> {
        let Ok(_guard) = self.probing.try_lock() else {
            return Ok(());
        };
        let connections = self.connections.clone();
        let opened = Box::pin(async move { connections.open().await.map(drop) });
        within::<P, _>(OPENING, opened).await.unwrap_or(Ok(()))
    }
}

async fn write_with<P, F>(lease: &mut Lease<P>, swap: &Swap, rows: F) -> Result<u64, Error>
where
    P: Connections,
    F: for<'c> FnOnce(&'c mut P::Connection) -> RowsFuture<'c> + Send + 'static,
{
    let mut session = lease.session()?;
    let changed = swap.begin(&mut session).await?;
    if changed == 1 {
        let rows = rows(session.0).await;
        swap.end(&mut session, rows).await?;
    }
    Ok(changed)
}

/// The output of a future, or `None` when the limit ends.
///
/// A call on a network is dropped then. A call on SQLite ends by itself: its thread cannot be
/// stopped, and diesel-async would block the runtime until it ends.
async fn within<P: Connections, T: Send + 'static>(
    limit: Duration,
    mut future: Pin<Box<dyn Future<Output = T> + Send>>,
) -> Option<T> {
    let output = timeout(limit, &mut future).await.ok();
    if output.is_none() && BackendOf::<P>::DIALECT == Dialect::Sqlite {
        tokio::spawn(future);
    }
    output
}

/// The connection of a call. If the call is dropped, the connection is closed.
///
/// It is `None` only after its end.
struct Lease<P: Connections>(Option<P::Guard>);

impl<P: Connections> Lease<P> {
    fn session(&mut self) -> Result<AsyncSession<'_, P::Connection>, Error> {
        let guard = self.0.as_mut().ok_or(Error::Interrupted)?;
        Ok(AsyncSession(guard))
    }

    /// Gives the connection back, or closes it.
    fn end<A>(mut self, answer: Result<A, Error>) -> Result<A, Error> {
        if !answer.as_ref().is_err_and(spoils_connection) {
            drop(self.0.take());
        }
        answer
    }
}

impl<P: Connections> Drop for Lease<P> {
    fn drop(&mut self) {
        if let Some(guard) = self.0.take() {
            P::close(guard);
        }
    }
}

impl<P: Connections> Clone for StatementRunner<P> {
    fn clone(&self) -> Self {
        Self {
            connections: self.connections.clone(),
            settings: self.settings.clone(),
            probing: Arc::clone(&self.probing),
        }
    }
}

impl<P: Connections> fmt::Debug for StatementRunner<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementRunner")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The time to open a connection outside of the pool.
const OPENING: Duration = Duration::from_secs(1);
