//! Ends a transaction that other code left open.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign_sql::{Dialect, Failure};
use diesel::result::{DatabaseErrorKind, Error, QueryResult};

use crate::database::Database;
use crate::driver_error::failure;
use crate::session::Session;

/// Ends a transaction that other code began with a statement of its own. Diesel does not know of
/// it.
pub(crate) async fn end_transaction<S: Session>(session: &mut S) -> QueryResult<()> {
    match S::Backend::DIALECT {
        // The server warns about a `ROLLBACK` without a transaction, but not about this batch. In a
        // transaction that has failed, the batch fails too.
        Dialect::Postgres => match session.batch("BEGIN; ROLLBACK").await {
            Ok(()) => Ok(()),
            Err(_) => session.batch("ROLLBACK").await,
        },
        Dialect::MySql => end_in_step(session).await,
        // SQLite refuses it without a transaction.
        _ => match session.batch("ROLLBACK").await {
            Err(error) if !error.to_string().contains(NO_TRANSACTION) => Err(error),
            _ => Ok(()),
        },
    }
}

/// Ends a transaction on MySQL, and makes sure that no older answer is due.
///
/// If other code drops the future of a statement, the driver `mysql_async` reads its answer as the
/// answer to the next statement. A write that is not applied could then look like one that is. So
/// the batch ends with an error of its own, and this must be the answer.
async fn end_in_step<S: Session>(session: &mut S) -> QueryResult<()> {
    let number = BATCHES.fetch_add(1, Ordering::Relaxed);
    let mark = format!("countersign ended transaction {number}");
    // With `completion_type = CHAIN`, a plain `ROLLBACK` begins the next transaction.
    let batch = format!(
        "ROLLBACK AND NO CHAIN; SET autocommit = 1; \
         SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{mark}'"
    );
    match session.batch(&batch).await {
        Err(Error::DatabaseError(_, answer)) if answer.message() == mark => Ok(()),
        Err(error) => match failure::<S::Backend>(&error) {
            Failure::ConnectionLost | Failure::LeftCluster => Err(error),
            // It may belong to an earlier statement, so it says nothing about this call.
            _ => Err(Error::QueryBuilderError(Box::new(error))),
        },
        Ok(()) => Err(Error::DatabaseError(
            DatabaseErrorKind::ClosedConnection,
            Box::new(OUT_OF_STEP.to_owned()),
        )),
    }
}

/// How many batches were sent, so that each has a text of its own.
static BATCHES: AtomicU64 = AtomicU64::new(0);
const OUT_OF_STEP: &str = "the answer belongs to an earlier statement, whose future was dropped";
const NO_TRANSACTION: &str = "no transaction is active";
