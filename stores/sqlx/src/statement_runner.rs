//! Runs statements on a database server: to their end, on a connection of your pool, within a time
//! limit.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use countersign_sql::{CONFLICT_PAUSE, CONFLICT_RETRIES, TIME_LIMIT, TableName, run_uncancellable};
use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions, Connection, Database, Executor, IntoArguments, Pool, SqlStr};
use tokio::sync::Mutex;
use tokio::time::error::Elapsed;
use tokio::time::{sleep, timeout};

use crate::Error;
use crate::server_check::{CheckedServer, Running};

/// A database whose statements can be sent again.
pub(crate) trait DatabaseServer:
    CheckedServer<Arguments: Clone + Sync + IntoArguments<Self>>
{
}

impl<DB> DatabaseServer for DB where DB: CheckedServer<Arguments: Clone + Sync + IntoArguments<Self>>
{}

/// A pool, and the time limit of a call on it.
///
/// Dropping a caller's future never stops a statement that has begun. A web server drops futures
/// when a browser disconnects, and a stopped statement would leave the connection in the middle of
/// an exchange. The driver repairs this state incompletely: its next read can return the rest of
/// the answer to a statement that was being prepared. So every call runs to its end independently
/// of its caller, and then returns the connection in a known state.
///
/// A connection that does not answer in time is discarded. Otherwise the driver would wait for the
/// late answer before another call could use the connection, as long as the network is silent.
#[derive(Debug)]
pub(crate) struct StatementRunner<DB: Database> {
    pool: Pool<DB>,
    /// The time limit that the application set.
    limit: Option<Duration>,
    /// The time limit by default. Set when the server has passed its check.
    checked: Arc<OnceLock<Duration>>,
    /// Locked by the one call that finds out why no connection is available.
    diagnosing: Arc<Mutex<()>>,
}

impl<DB: Database> Clone for StatementRunner<DB> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            limit: self.limit,
            checked: Arc::clone(&self.checked),
            diagnosing: Arc::clone(&self.diagnosing),
        }
    }
}

impl<DB: DatabaseServer> StatementRunner<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        Self {
            pool,
            limit: None,
            checked: Arc::default(),
            diagnosing: Arc::default(),
        }
    }

    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        let limit = Some(limit);
        Self { limit, ..self }
    }

    pub(crate) fn without_check(self) -> Self {
        let checked = Arc::new(OnceLock::from(TIME_LIMIT));
        Self { checked, ..self }
    }

    fn limit(&self) -> Duration {
        let by_default = || self.checked.get().copied().unwrap_or(TIME_LIMIT);
        self.limit.unwrap_or_else(by_default)
    }

    /// Runs a statement that changes rows.
    pub(crate) async fn execute(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: DB::Arguments,
    ) -> Result<DB::QueryResult, Error> {
        let (sql, name) = (sql.clone(), table.clone());
        self.run(table, move |connection| {
            let query = sqlx::query_with(sql.clone(), arguments.clone());
            let running = query.execute(connection);
            let name = name.clone();
            Box::pin(async move { running.await.map_err(|error| DB::error(&name, error)) })
        })
        .await
    }

    /// Runs a statement that returns rows.
    pub(crate) async fn fetch(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: DB::Arguments,
    ) -> Result<Vec<DB::Row>, Error> {
        let (sql, name) = (sql.clone(), table.clone());
        self.run(table, move |connection| {
            let query = sqlx::query_with(sql.clone(), arguments.clone());
            let running = query.fetch_all(connection);
            let name = name.clone();
            Box::pin(async move { running.await.map_err(|error| DB::error(&name, error)) })
        })
        .await
    }

    /// Runs a statement or a transaction, and runs it again after a conflict with another
    /// transaction.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        table: &TableName,
        statement: impl for<'c> Fn(&'c mut DB::Connection) -> Running<'c, T> + Send + Sync + 'static,
    ) -> Result<T, Error> {
        let (runner, table) = (self.clone(), table.clone());
        run_uncancellable(Box::pin(async move {
            let (mut connection, left) = runner.connection(&table).await?;
            let repeated = async {
                runner.check(&mut connection, &table).await?;
                let mut retries = 0..CONFLICT_RETRIES;
                loop {
                    match statement(&mut connection).await {
                        Err(Error::Conflict(_)) if retries.next().is_some() => {
                            sleep(CONFLICT_PAUSE).await;
                        }
                        answer => return answer,
                    }
                }
            };
            let answer = timeout(left, repeated).await;
            runner.release(connection, answer)
        }))
        .await
    }

    /// Checks the server before the first statement.
    async fn check(&self, connection: &mut DB::Connection, table: &TableName) -> Result<(), Error> {
        if self.checked.get().is_none() {
            let checked = DB::check(connection, &self.pool, table).await?;
            if let Some(limit) = checked {
                // Another call may have finished the same check.
                _ = self.checked.set(limit);
            }
        }
        Ok(())
    }

    /// A connection, and the rest of the time limit.
    async fn connection(&self, table: &TableName) -> Result<(PoolConnection<DB>, Duration), Error> {
        let (start, limit) = (Instant::now(), self.limit());
        match timeout(limit, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok((connection, limit.saturating_sub(start.elapsed()))),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => Err(self.no_connection(table).await),
            Ok(Err(error)) => Err(connecting::<DB>(table, error)),
        }
    }

    /// Finds out why no connection is available. The pool retries without reporting the reason, so
    /// one call at a time connects by itself.
    async fn no_connection(&self, table: &TableName) -> Error {
        let limit = self.limit();
        let busy = Error::NoConnection { limit };
        let Ok(_guard) = self.diagnosing.try_lock() else {
            return busy;
        };
        let options = self.pool.connect_options();
        let attempt = async {
            let connection = options.connect().await?;
            connection.close().await
        };
        match timeout(DIAGNOSIS, attempt).await {
            Ok(Ok(())) | Err(_) => busy,
            Ok(Err(error)) => connecting::<DB>(table, error),
        }
    }

    /// Returns the connection to the pool, or closes the connection if an answer is still due, the
    /// store refuses it, or a new one may do better.
    ///
    /// Before the driver gives the connection to another call, it pings the server and waits
    /// without a limit. The time-out here limits this wait. The method `return_to_pool` is hidden
    /// in sqlx's documentation; sqlx's own crates use it.
    fn release<T>(
        &self,
        mut connection: PoolConnection<DB>,
        answer: Result<Result<T, Error>, Elapsed>,
    ) -> Result<T, Error> {
        match answer {
            // A new connection has the new settings of its user, prepares its statements again, and
            // leads to the new primary.
            Ok(Err(
                error @ (Error::UnsafeSetting { .. }
                | Error::Pooler(_)
                | Error::ReadOnly(_)
                | Error::WrongTable { .. }),
            )) => {
                drop(connection.detach());
                Err(error)
            }
            Ok(answer) => {
                tokio::spawn(timeout(self.limit(), connection.return_to_pool()));
                answer
            }
            Err(_) => {
                drop(connection.detach());
                let limit = self.limit();
                Err(Error::Timeout { limit })
            }
        }
    }
}

/// Converts an error that occurred before a connection was open.
fn connecting<DB: DatabaseServer>(table: &TableName, source: sqlx::Error) -> Error {
    match source {
        sqlx::Error::Io(_) => Error::Unreachable(source),
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => Error::CannotOpen(source),
        _ => DB::error(table, source),
    }
}

/// The extra time to find out why no connection is available.
const DIAGNOSIS: Duration = Duration::from_secs(1);
