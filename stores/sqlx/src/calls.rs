//! How a statement is run on a server: to its end, on a connection of the host's pool, within a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{ConnectOptions, Connection, Database, Executor, IntoArguments, Pool, SqlStr};
use tokio::sync::Mutex;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::Error;
use crate::table_name::TableName;
use crate::to_its_end::to_its_end;

/// What differs between servers here.
pub(crate) trait Engine: Database<Arguments: Clone + Sync + IntoArguments<Self>> {
    /// What an error of the driver means for whoever runs the service.
    fn error(table: &TableName, source: sqlx::Error) -> Error;
}

/// A pool, and how long a call on it may take.
///
/// A statement that has begun is never cut off by its caller. The future of a caller that is dropped (because a browser
/// hung up) would leave the connection in the middle of an exchange, and the driver's own repair of that is not complete:
/// what it reads next may be the rest of the answer to a statement that was being prepared. So each call runs to its end
/// without its caller, and gives the connection back in good order. A connection that has not answered in time is thrown away:
/// the driver would wait for it before anybody else may have it, for as long as the network keeps silent.
#[derive(Debug)]
pub(crate) struct Calls<DB: Database> {
    pool: Pool<DB>,
    limit: Duration,
    /// Held by the one call that looks why there are no connections.
    looking: Arc<Mutex<()>>,
}

impl<DB: Database> Clone for Calls<DB> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            limit: self.limit,
            looking: Arc::clone(&self.looking),
        }
    }
}

impl<DB: Engine> Calls<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    pub(crate) fn new(pool: Pool<DB>) -> Self {
        Self {
            pool,
            limit: TIMEOUT,
            looking: Arc::default(),
        }
    }

    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs a statement that changes rows.
    pub(crate) async fn execute(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: DB::Arguments,
    ) -> Result<DB::QueryResult, Error> {
        let (calls, table, sql) = (self.clone(), table.clone(), sql.clone());
        to_its_end(async move {
            let (mut connection, left) = calls.connection(&table).await?;
            let statement = async {
                let mut retries = RETRIES;
                loop {
                    let query = sqlx::query_with(sql.clone(), arguments.clone());
                    let answer = query.execute(&mut *connection).await;
                    match answer.map_err(|error| DB::error(&table, error)) {
                        Err(Error::Conflict(_)) if retries.next().is_some() => {}
                        answer => return answer,
                    }
                }
            };
            let answer = timeout(left, statement).await;
            calls.give_back(connection, answer)
        })
        .await
    }

    /// Runs a statement that gives rows.
    pub(crate) async fn fetch(
        &self,
        table: &TableName,
        sql: &SqlStr,
        arguments: DB::Arguments,
    ) -> Result<Vec<DB::Row>, Error> {
        let (calls, table, sql) = (self.clone(), table.clone(), sql.clone());
        to_its_end(async move {
            let (mut connection, left) = calls.connection(&table).await?;
            let statement = async {
                let mut retries = RETRIES;
                loop {
                    let query = sqlx::query_with(sql.clone(), arguments.clone());
                    let answer = query.fetch_all(&mut *connection).await;
                    match answer.map_err(|error| DB::error(&table, error)) {
                        Err(Error::Conflict(_)) if retries.next().is_some() => {}
                        answer => return answer,
                    }
                }
            };
            let answer = timeout(left, statement).await;
            calls.give_back(connection, answer)
        })
        .await
    }

    /// A connection, and what is left of the time.
    async fn connection(&self, table: &TableName) -> Result<(PoolConnection<DB>, Duration), Error> {
        let begun = Instant::now();
        match timeout(self.limit, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok((connection, self.limit.saturating_sub(begun.elapsed()))),
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) => Err(self.no_connection(table).await),
            Ok(Err(error)) => Err(connecting::<DB>(table, error)),
        }
    }

    /// Why there is no connection: the pool tries again and again, and does not say. So one call at a time tries for itself.
    async fn no_connection(&self, table: &TableName) -> Error {
        let busy = Error::NoConnection { limit: self.limit };
        let Ok(_looking) = self.looking.try_lock() else {
            return busy;
        };
        let options = self.pool.connect_options();
        let attempt = async {
            let connection = options.connect().await?;
            connection.close().await
        };
        match timeout(LOOK, attempt).await {
            Ok(Ok(())) | Err(_) => busy,
            Ok(Err(error)) => connecting::<DB>(table, error),
        }
    }

    /// Gives the connection back, or closes it if it owes an answer.
    ///
    /// The driver asks the server whether all is well before it lets others have the connection, and waits for ever, in its
    /// place in the pool. So that is bounded, too. (Its documentation hides the method, and its own crates use it.)
    fn give_back<T>(
        &self,
        mut connection: PoolConnection<DB>,
        answer: Result<Result<T, Error>, Elapsed>,
    ) -> Result<T, Error> {
        match answer {
            Ok(answer) => {
                tokio::spawn(timeout(self.limit, connection.return_to_pool()));
                answer
            }
            Err(_) => {
                drop(connection.detach());
                Err(Error::Timeout { limit: self.limit })
            }
        }
    }
}

/// What an error means that came up before there was a connection.
fn connecting<DB: Engine>(table: &TableName, source: sqlx::Error) -> Error {
    match source {
        sqlx::Error::Io(_) => Error::Unreachable(source),
        sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => Error::CannotOpen(source),
        _ => DB::error(table, source),
    }
}

const TIMEOUT: Duration = Duration::from_secs(5);
/// How long to look why there are no connections, on top of the time of a call.
const LOOK: Duration = Duration::from_secs(1);
/// What the database has rolled back is run again so often, at once: the row is another then, and the answer `Stale`.
const RETRIES: std::ops::Range<u8> = 0..2;
