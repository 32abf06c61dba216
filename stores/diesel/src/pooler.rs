//! Looks for a pooler that mixes up the prepared statements of its clients.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use countersign_sql::{Failure, TableName};
use diesel::result::{Error as DieselError, QueryResult};

use crate::driver_error::{failure, of_statement};
use crate::open_transaction::end_transaction;
use crate::session::Session;
use crate::statement::Statement;
use crate::{DriverError, Error};

/// A second connection, to look for a pooler.
pub(crate) enum Other<C> {
    Open(C),
    /// None could be opened.
    Failed,
    /// A prepared statement was mixed up while it was opened.
    Mixed,
    /// The pool never has a second one.
    Never,
    /// The call does not look.
    NotNeeded,
}

impl<C> Other<C> {
    pub(crate) fn session<'c, S>(&'c mut self, of: impl FnOnce(&'c mut C) -> S) -> Other<S> {
        match self {
            Self::Open(connection) => Other::Open(of(connection)),
            Self::Failed => Other::Failed,
            Self::Mixed => Other::Mixed,
            Self::Never => Other::Never,
            Self::NotNeeded => Other::NotNeeded,
        }
    }
}

/// When a store looks for a pooler: before its first statement, and later again if it had no second
/// connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct PoolerCheck(Arc<Mutex<Due>>);

#[derive(Debug, Clone, Copy, Default)]
enum Due {
    #[default]
    Now,
    After(Instant),
    Never,
}

impl PoolerCheck {
    pub(crate) fn is_due(&self) -> bool {
        match *self.due() {
            Due::Now => true,
            Due::After(time) => Instant::now() >= time,
            Due::Never => false,
        }
    }

    /// Refuses a pooler that mixes up statements.
    pub(crate) async fn run<S: Session>(
        &self,
        session: &mut S,
        other: Other<S>,
        table: &TableName,
    ) -> Result<(), Error> {
        let verdict = match other {
            Other::NotNeeded => return Ok(()),
            Other::Never => Verdict::Apart,
            Other::Failed => Verdict::Unknown,
            Other::Mixed => Verdict::Shared,
            Other::Open(mut other) => {
                let verdict = match end_transaction(&mut other).await {
                    Ok(()) => compare(session, &mut other).await,
                    Err(_) => Ok(Verdict::Unknown),
                };
                if matches!(verdict, Ok(Verdict::Unknown)) {
                    // The pool must close it.
                    other.status().set_in_error();
                }
                verdict.map_err(|error| of_statement::<S::Backend>(table, error))?
            }
        };
        let later = Instant::now().checked_add(PAUSE);
        *self.due() = match (verdict, later) {
            (Verdict::Shared, _) => {
                let source = DriverError::Pool(SHARED.into());
                return Err(Failure::Pooler.error(table, source));
            }
            (Verdict::Unknown, Some(time)) => Due::After(time),
            _ => Due::Never,
        };
        Ok(())
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        // The value is replaced as a whole, so a panic leaves no half of one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What two connections know of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Apart,
    Shared,
    /// The second connection failed.
    Unknown,
}

/// Looks whether two connections ever use the same server process. Both ask in turns.
///
/// The open transaction keeps the process of the other connection. So this connection must change
/// to another process, which does not know its statement, or both find out that they share one.
async fn compare<S: Session>(one: &mut S, other: &mut S) -> QueryResult<Verdict> {
    let question = Question::new();
    for _ in 0..ROUNDS {
        if !question.is_alone(one).await? {
            return Ok(Verdict::Shared);
        }
        if begin(other).await.is_err() {
            return Ok(Verdict::Unknown);
        }
        let is_alone = match question.is_alone(other).await {
            Ok(true) => question.is_alone(one).await?,
            Ok(false) => false,
            Err(error) if failure::<S::Backend>(&error) == Failure::Pooler => false,
            Err(_) => return Ok(Verdict::Unknown),
        };
        let ended = other.roll_back().await;
        if !is_alone {
            return Ok(Verdict::Shared);
        }
        if ended.is_err() {
            return Ok(Verdict::Unknown);
        }
    }
    Ok(Verdict::Apart)
}

/// If several clients of a pooler look at the same time, their transactions can keep all server
/// processes, and each client waits for another one. So the server ends such a transaction.
async fn begin<S: Session>(session: &mut S) -> QueryResult<()> {
    session.begin().await?;
    session.batch(SHORT_TRANSACTION).await
}

/// A statement that counts itself among the prepared statements of its server process.
struct Question {
    statement: Statement,
    /// Occurs in no other statement.
    mark: i64,
}

impl Question {
    fn new() -> Self {
        let mark = (RandomState::new().hash_one(()) >> 1).cast_signed();
        // A pooler that keeps its clients apart gives the statements names of its own.
        let sql = format!(
            "SELECT CAST({mark} AS bigint), count(*) FROM pg_prepared_statements \
             WHERE strpos(statement, '{mark}') > 0 AND name ~ '^(__diesel_stmt_|s)[0-9]+$'"
        );
        Self {
            statement: Statement::text(&sql),
            mark,
        }
    }

    /// Whether the answer is the one to this question, and the process knows it from this
    /// connection only.
    async fn is_alone<S: Session>(&self, session: &mut S) -> QueryResult<bool> {
        let answer: QueryResult<Vec<(i64, i64)>> = session.load(&self.statement).await;
        match answer {
            Ok(rows) => Ok(matches!(*rows, [(mark, known)] if mark == self.mark && known <= 1)),
            Err(DieselError::DeserializationError(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Two, for poolers that take the process that was free longest.
const ROUNDS: usize = 2;
/// The time until a store without a second connection looks again.
const PAUSE: Duration = Duration::from_secs(10);
const SHORT_TRANSACTION: &str = "SET LOCAL idle_in_transaction_session_timeout = 1000";
const SHARED: &str = "two connections share a server process and its prepared statements";
