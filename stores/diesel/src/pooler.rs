//! Looks for a pooler that mixes up the prepared statements of its clients.

use countersign_sql::{Failure, PoolerCheck, PoolerQuestion, TableName};
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

/// Refuses a pooler that mixes up statements.
pub(crate) async fn look_for_pooler<S: Session>(
    check: &PoolerCheck,
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
    match verdict {
        Verdict::Apart => check.pass(),
        Verdict::Unknown => check.fail(),
        Verdict::Shared => {
            let source = DriverError::Pool(SHARED.into());
            return Err(Failure::Pooler.error(table, source));
        }
    }
    Ok(())
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
    let question = PoolerQuestion::new();
    let statement = Statement::text(question.sql());
    let (question, statement) = (&question, &statement);
    for _ in 0..PoolerQuestion::ROUNDS {
        if !is_alone(one, question, statement).await? {
            return Ok(Verdict::Shared);
        }
        if begin(other).await.is_err() {
            return Ok(Verdict::Unknown);
        }
        let alone = match is_alone(other, question, statement).await {
            Ok(true) => stays_alone(one, question, statement).await?,
            Ok(false) => false,
            Err(error) if failure::<S::Backend>(&error) == Failure::Pooler => false,
            Err(_) => return Ok(Verdict::Unknown),
        };
        let ended = other.roll_back().await;
        if !alone {
            return Ok(Verdict::Shared);
        }
        if ended.is_err() {
            return Ok(Verdict::Unknown);
        }
    }
    Ok(Verdict::Apart)
}

async fn begin<S: Session>(session: &mut S) -> QueryResult<()> {
    session.begin().await?;
    session.batch(PoolerQuestion::SHORT_TRANSACTION).await
}

async fn stays_alone<S: Session>(
    session: &mut S,
    question: &PoolerQuestion,
    statement: &Statement,
) -> QueryResult<bool> {
    for pause in PoolerQuestion::PAUSES {
        S::pause(pause).await;
        if !is_alone(session, question, statement).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_alone<S: Session>(
    session: &mut S,
    question: &PoolerQuestion,
    statement: &Statement,
) -> QueryResult<bool> {
    match session.load(statement).await {
        Ok(rows) => Ok(question.is_alone(&rows)),
        // The answer to the statement of another client.
        Err(DieselError::DeserializationError(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

const SHARED: &str = "two connections share a server process and its prepared statements";
