//! What a call does on its connection. Both stores run this code.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use countersign_sql::{
    CONFLICT_PAUSE, CONFLICT_RETRIES, Dialect, PoolerCheck, TIME_LIMIT, TableName,
};

use crate::Error;
use crate::database::Database;
use crate::driver_error::of_statement;
use crate::open_transaction::end_transaction;
use crate::pooler::{Other, look_for_pooler};
use crate::session::{Answer, Session};
use crate::statement::Statement;

/// The settings of a store that a call needs.
#[derive(Debug, Clone)]
pub(crate) struct CallSettings {
    /// The time limit that the application has set.
    limit: Option<Duration>,
    /// Whether other code may use the connections, and leave transactions open.
    shared: bool,
    /// Whether the database must keep the promises of a store.
    checks: bool,
    /// Set when the server has passed its check: how long a call may take by default.
    checked: Arc<OnceLock<Duration>>,
    pooler: PoolerCheck,
}

impl CallSettings {
    pub(crate) fn new() -> Self {
        Self {
            limit: None,
            shared: true,
            checks: true,
            checked: Arc::default(),
            pooler: PoolerCheck::default(),
        }
    }

    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        let limit = Some(limit);
        Self { limit, ..self }
    }

    pub(crate) fn without_sharing(self) -> Self {
        Self {
            shared: false,
            ..self
        }
    }

    pub(crate) fn without_check(self) -> Self {
        Self {
            checks: false,
            ..self
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        let by_default = || self.checked.get().copied().unwrap_or(TIME_LIMIT);
        self.limit.unwrap_or_else(by_default)
    }

    /// Whether the next call needs a second connection, to look for a pooler.
    pub(crate) fn looks_for_pooler<B: Database>(&self) -> bool {
        self.checks && B::DIALECT == Dialect::Postgres && self.pooler.is_due()
    }

    /// Makes sure that the next statement commits by itself, on a database that keeps the promises
    /// of a store. If this fails, the statement of the call was not sent.
    pub(crate) async fn prepare<S: Session>(
        &self,
        session: &mut S,
        other: Other<S>,
        table: &TableName,
        writes: bool,
    ) -> Result<(), Error> {
        let failed = |error| of_statement::<S::Backend>(table, error);
        let depth = session.status().transaction_depth().map_err(failed)?;
        if depth.is_some() {
            return Err(Error::OpenTransaction);
        }
        if self.shared {
            end_transaction(session).await.map_err(failed)?;
        }
        if !self.checks {
            return Ok(());
        }
        look_for_pooler(&self.pooler, session, other, table).await?;
        match S::Backend::DIALECT {
            Dialect::Sqlite if !writes => Ok(()),
            Dialect::Sqlite => check_synchronous(session, table).await,
            dialect if self.checked.get().is_none() => {
                let limit = check_server(dialect, session, table).await?;
                // Another call may have finished the same check.
                _ = self.checked.set(limit);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Runs a statement, and runs it again after a conflict with another transaction.
pub(crate) async fn run<S: Session, A: Answer>(
    session: &mut S,
    table: &TableName,
    statement: &Statement,
) -> Result<A, Error> {
    let mut retries = 0..CONFLICT_RETRIES;
    loop {
        let answer = A::of(session, statement).await;
        match answer.map_err(|error| of_statement::<S::Backend>(table, error)) {
            Err(Error::Conflict(_)) if retries.next().is_some() => {
                S::pause(CONFLICT_PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Whether the connection must be closed: it may be out of step with the server, or a new one may
/// do better. A new one has the settings of its user, and none that other code changed. It prepares
/// its statements again, and leads to the new primary.
pub(crate) const fn spoils_connection(error: &Error) -> bool {
    matches!(
        error,
        Error::ConnectionLost(_)
            | Error::Database(_)
            | Error::LeftCluster(_)
            | Error::NoTable { .. }
            | Error::NotAllowed(_)
            | Error::Pooler(_)
            | Error::ReadOnly(_)
            | Error::RowsFailed(_)
            | Error::UnsafeSetting { .. }
            | Error::WrongTable { .. }
    )
}

async fn check_server<S: Session>(
    dialect: Dialect,
    session: &mut S,
    table: &TableName,
) -> Result<Duration, Error> {
    let settings = Statement::text(dialect.settings());
    let rows: Vec<(String, String)> = run(session, table, &settings).await?;
    dialect.time_limit(rows.iter().map(|(name, value)| (&**name, &**value)))
}

/// A setting of the connection, not of the file.
async fn check_synchronous<S: Session>(session: &mut S, table: &TableName) -> Result<(), Error> {
    let rows: Vec<i64> = run(session, table, &Statement::text(SYNCHRONOUS)).await?;
    let rows: Vec<_> = rows.iter().map(i64::to_string).collect();
    let rows = rows.iter().map(|level| ("synchronous", &**level));
    Dialect::Sqlite.time_limit(rows).map(|_| ())
}

/// Faster than the settings of the dialect, because it comes before each write.
const SYNCHRONOUS: &str = "PRAGMA main.synchronous";
