use std::error::Error as StdError;
use std::{fmt, io};

use countersign_sql::{Failure, TableName};
use tokio_postgres::error::DbError;

use crate::Error;

/// The error of the driver or of the pool, which is the source of an [`Error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum DriverError {
    /// The server reported it, or the driver.
    Postgres(tokio_postgres::Error),
    /// The pool reported it.
    Pool(Box<dyn StdError + Send + Sync>),
}

impl DriverError {
    /// Whether a new connection may do better: this one may be out of step with the server, have
    /// lost its prepared statements, have plans of another table, or lead to a former primary.
    pub(crate) fn spoils_connection(&self) -> bool {
        match self.reported() {
            Some(failure) => matches!(
                failure,
                Failure::Pooler | Failure::ConnectionLost | Failure::ReadOnly | Failure::WrongTable
            ),
            None => true,
        }
    }

    /// Whether the server rolled the statement back in favour of another one.
    pub(crate) fn is_conflict(&self) -> bool {
        self.reported() == Some(Failure::Conflict)
    }

    /// Whether a pooler gave the statement to a server process that does not know it.
    pub(crate) fn is_of_pooler(&self) -> bool {
        self.reported() == Some(Failure::Pooler)
    }

    /// Whether the statement met a transaction that had failed before.
    pub(crate) fn is_failed_transaction(&self) -> bool {
        let reported = self.as_db_error();
        reported.is_some_and(|reported| reported.code().code() == FAILED_TRANSACTION)
    }

    /// Converts the error of a statement.
    pub(crate) fn of_statement(self, table: &TableName) -> Error {
        let failure = match (&self, self.reported()) {
            (_, Some(failure)) => failure,
            (Self::Postgres(error), None) if error.is_closed() || is_io(error) => {
                Failure::ConnectionLost
            }
            _ => Failure::Other,
        };
        failure.error(table, self)
    }

    /// Converts the error for a column that does not decode.
    pub(crate) fn of_column(self, table: &TableName) -> Error {
        Failure::WrongTable.error(table, self)
    }

    /// Converts an error that occurred before a connection was open.
    pub(crate) fn of_connecting(self, table: &TableName) -> Error {
        let failure = match (&self, self.reported()) {
            (_, Some(Failure::ConnectionLost)) => Failure::Unreachable,
            (_, Some(failure)) => failure,
            // A wrong setting, a wrong certificate, or an unknown way to authenticate.
            (Self::Postgres(error), None) if error.source().is_some() && !is_io(error) => {
                Failure::CannotOpen
            }
            _ => Failure::Unreachable,
        };
        failure.error(table, self)
    }

    /// The failure that the server reported, or a pooler.
    fn reported(&self) -> Option<Failure> {
        let reported = self.as_db_error()?;
        match Failure::postgres(reported.code().code()) {
            // A pooler also uses the code of a protocol violation for a server that is gone. Only a
            // server names one of its routines.
            Failure::Pooler if reported.routine().is_none() => Some(Failure::ConnectionLost),
            failure => Some(failure),
        }
    }

    fn as_db_error(&self) -> Option<&DbError> {
        match self {
            Self::Postgres(error) => error.as_db_error(),
            Self::Pool(_) => None,
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn StdError>::is::<io::Error>)
}

impl From<tokio_postgres::Error> for DriverError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl fmt::Display for DriverError {
    /// The driver's own text for an error of the server is only "db error".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(error) => match error.as_db_error() {
                Some(reported) => write!(f, "{reported} ({})", reported.code().code()),
                None => error.fmt(f),
            },
            Self::Pool(error) => error.fmt(f),
        }
    }
}

impl StdError for DriverError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Postgres(error) if error.as_db_error().is_some() => None,
            Self::Postgres(error) => error.source(),
            Self::Pool(error) => error.source(),
        }
    }
}

const FAILED_TRANSACTION: &str = "25P02";
