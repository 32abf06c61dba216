use std::error::Error as StdError;

use countersign_sql::{Failure, TableName};
use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::Error;
use crate::database::Database;

/// The error of diesel or of the pool, which is the source of an [`Error`](crate::Error).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The database reported it, or the driver.
    #[error(transparent)]
    Diesel(#[from] DieselError),
    /// No connection could be opened.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The pool reported it.
    #[error(transparent)]
    Pool(Box<dyn StdError + Send + Sync>),
}

/// Classifies the error of a statement.
pub(crate) fn failure<B: Database>(error: &DieselError) -> Failure {
    match error {
        DieselError::DatabaseError(kind, information) => match kind {
            DatabaseErrorKind::UniqueViolation => Failure::AlreadyExists,
            DatabaseErrorKind::ForeignKeyViolation => Failure::ForeignKey,
            DatabaseErrorKind::SerializationFailure => Failure::Conflict,
            DatabaseErrorKind::ReadOnlyTransaction => Failure::ReadOnly,
            DatabaseErrorKind::NotNullViolation | DatabaseErrorKind::CheckViolation => {
                Failure::WrongTable
            }
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Failure::ConnectionLost
            }
            _ => B::failure(information.message()),
        },
        DieselError::DeserializationError(_) => Failure::WrongTable,
        DieselError::RollbackErrorOnCommit { commit_error, .. } => failure::<B>(commit_error),
        _ => Failure::Other,
    }
}

/// Converts the error of a statement.
pub(crate) fn of_statement<B: Database>(table: &TableName, error: DieselError) -> Error {
    failure::<B>(&error).error(table, error.into())
}

/// Classifies an error that occurred before a connection was open.
pub(crate) fn connecting<B: Database>(error: &DriverError) -> Failure {
    if let DriverError::Connection(ConnectionError::InvalidConnectionUrl(_)) = error {
        return Failure::CannotOpen;
    }
    match B::failure(&error.to_string()) {
        // diesel-async prepares statements when it connects.
        known @ (Failure::CannotOpen | Failure::Locked | Failure::Pooler) => known,
        _ => Failure::Unreachable,
    }
}

/// Converts an error that occurred before a connection was open.
pub(crate) fn of_connecting<B: Database>(table: &TableName, error: DriverError) -> Error {
    connecting::<B>(&error).error(table, error)
}

#[cfg(any(feature = "bb8", feature = "deadpool"))]
impl From<diesel_async::pooled_connection::PoolError> for DriverError {
    fn from(error: diesel_async::pooled_connection::PoolError) -> Self {
        use diesel_async::pooled_connection::PoolError;
        match error {
            PoolError::ConnectionError(error) => Self::Connection(error),
            PoolError::QueryError(error) => Self::Diesel(error),
        }
    }
}
