//! A conditional write with rows of the application, in one transaction.

use std::error::Error as StdError;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, WriteKind};
use countersign_sql::{Failure, RecordTable, TableName};
use diesel::result::Error as DieselError;

use crate::Error;
use crate::driver_error::{DriverError, failure, of_statement};
use crate::session::Session;
use crate::statement::Statement;

/// An error of your own code.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The statements of a conditional write, and what a load then finds.
#[derive(Debug)]
pub(crate) struct Swap {
    table: TableName,
    write: Statement,
    load: Statement,
    /// The record and its revision. Empty after an erasure.
    written: Vec<(Vec<u8>, i64)>,
}

impl Swap {
    /// Refuses each kind that may count a failed attempt.
    pub(crate) fn new(
        table: &RecordTable,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<Self, Error> {
        let kind = write.kind();
        if !matches!(
            kind,
            WriteKind::Accepted
                | WriteKind::DeviceTrusted
                | WriteKind::Enrolled
                | WriteKind::Removed
                | WriteKind::Disabled
        ) {
            return Err(Error::OnlyAccepted { kind });
        }
        let record = write.record();
        Ok(Self {
            table: table.name().clone(),
            write: table.write(account, write)?.into(),
            load: table.load_in_transaction(account)?.into(),
            written: record
                .map(|record| (record.to_owned(), write.revision().as_i64()))
                .into_iter()
                .collect(),
        })
    }

    /// Begins a transaction, writes the record, and returns the number of changed rows. If it is
    /// not 1, the transaction has ended, and nothing was written.
    pub(crate) async fn begin<S: Session>(&self, session: &mut S) -> Result<u64, Error> {
        let failed = |error| of_statement::<S::Backend>(&self.table, error);
        session.begin().await.map_err(failed)?;
        let changed = session.execute(&self.write).await;
        if !matches!(changed, Ok(1)) {
            let ended = session.roll_back().await;
            let changed = changed.map_err(failed)?;
            ended.map_err(failed)?;
            return Ok(changed);
        }
        changed.map_err(failed)
    }

    /// Ends the transaction after the application has written its rows.
    pub(crate) async fn end<S: Session>(
        &self,
        session: &mut S,
        rows: Result<(), BoxError>,
    ) -> Result<(), Error> {
        let rows = match rows {
            Ok(()) => self.is_intact(session).await,
            Err(error) => Err(error),
        };
        if let Err(error) = rows {
            // If this fails, diesel closes the connection, and the server rolls back.
            _ = session.roll_back().await;
            return Err(self.rows_failed::<S>(error));
        }
        let committed = session.commit().await;
        committed.map_err(|error| of_statement::<S::Backend>(&self.table, error))
    }

    /// Whether the transaction still has the write. If the application ignores the error of a
    /// statement, PostgreSQL answers a commit and rolls back, and MySQL may have rolled back
    /// already.
    async fn is_intact<S: Session>(&self, session: &mut S) -> Result<(), BoxError> {
        let depth = session.status().transaction_depth()?;
        if depth.is_none_or(|depth| depth.get() != 1) {
            return Err(ENDED.into());
        }
        let found: Vec<(Vec<u8>, i64)> = session.load(&self.load).await?;
        if found == self.written {
            Ok(())
        } else {
            Err(ENDED.into())
        }
    }

    fn rows_failed<S: Session>(&self, error: BoxError) -> Error {
        match error.downcast::<DieselError>() {
            // The database rolled the transaction back in favour of another one.
            Ok(error) if failure::<S::Backend>(&error) == Failure::Conflict => {
                Error::Conflict(DriverError::Diesel(*error))
            }
            Ok(error) => Error::RowsFailed(error),
            Err(error) => Error::RowsFailed(error),
        }
    }
}

const ENDED: &str = "your code ended the transaction, or ignored the error of a statement in it";
