use std::error::Error as StdError;
use std::time::Duration;

use countersign::AccountId;

use crate::AccountColumn;
use crate::table_name::TableName;

/// Why a store could not answer.
///
/// None of these is a login, and none says more about a write than its own text does. The verifier keeps the error as the
/// source of its own, so what stands here is for the log of whoever runs the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// All connections of the pool were in use for as long as a call may take, or opening one took as long.
    #[error(
        "no connection was free within {limit:?}, so nothing was asked of the database; \
         check that it is reachable and that the pool is large enough"
    )]
    NoConnection {
        /// How long the store waited.
        limit: Duration,
    },

    /// The server takes no connection: it is down, elsewhere, starting, or full. Nothing was asked of it.
    #[error(
        "the database server takes no connection, so nothing was asked of it; \
         check that it runs, its address, and how many connections it allows"
    )]
    Unreachable(#[source] sqlx::Error),

    /// The database was reached and lets nobody in, or it is a file that cannot be opened.
    #[error(
        "the database cannot be opened; check its path or name, the user, and the user's rights"
    )]
    CannotOpen(#[source] sqlx::Error),

    /// The statement was sent and not answered in time. If it was a write, it may still land.
    #[error("no answer from the database within {limit:?}; a write may still land")]
    Timeout {
        /// How long the call could take.
        limit: Duration,
    },

    /// The connection broke before the answer came, as it does when the server is stopped. A write may have landed.
    #[error("the connection to the database broke before the answer came; a write may have landed")]
    ConnectionLost(#[source] sqlx::Error),

    /// The runtime was shut down before the answer came. A write may have landed.
    #[error("the runtime was shut down before the database answered; a write may have landed")]
    Interrupted,

    /// The row or the database stayed locked for as long as the database waits. Nothing was written.
    #[error(
        "the row or the database stayed locked, so nothing was written; look for a long transaction"
    )]
    Locked(#[source] sqlx::Error),

    /// The database rolled the statement back in favour of another one, several times. Nothing was written.
    #[error("the database gave others the precedence again and again, so nothing was done")]
    Conflict(#[source] sqlx::Error),

    /// The table does not exist.
    #[error(
        "there is no table `{table}`; put the text of `schema` into a migration, or call `create_table`"
    )]
    NoTable {
        /// The name of the table.
        table: String,
        /// What the database said.
        source: sqlx::Error,
    },

    /// The table is of another version: it lacks a column that this version needs, has one that this version does not fill,
    /// or has one of another type. Or it is no table of a store at all.
    #[error("the table `{table}` has other columns than the text of `schema`; bring it up to date")]
    WrongTable {
        /// The name of the table.
        table: String,
        /// What the database said.
        source: sqlx::Error,
    },

    /// The account id does not fit the column. Nothing was asked of the database.
    #[error(
        "the account id {account:?} is not {column}, and the column `account` takes nothing else"
    )]
    WrongAccount {
        /// The account.
        account: AccountId,
        /// What the column holds.
        column: AccountColumn,
    },

    /// A foreign key of the host's refuses the row. Nothing was written.
    #[error("a foreign key of the table `{table}` refuses the row: the host has no such account")]
    ForeignKey {
        /// The name of the table.
        table: String,
        /// What the database said.
        source: sqlx::Error,
    },

    /// The database cannot be written to. Nothing was.
    #[error(
        "the database is read-only, so nothing was written; \
         check that it is the primary, the connection options, and the rights on a file and its folder"
    )]
    ReadOnly(#[source] sqlx::Error),

    /// The database user lacks a right on the table. Nothing was done.
    #[error(
        "the database user has no right to do this; grant SELECT, INSERT, UPDATE and DELETE on the table"
    )]
    NotAllowed(#[source] sqlx::Error),

    /// There is no room to write. Nothing was written.
    #[error("the disk of the database is full, so nothing was written; make room")]
    DiskFull(#[source] sqlx::Error),

    /// The server does not know a statement that was prepared on this connection. Nothing was done.
    #[error(
        "the server lost a prepared statement, as it does behind a pooler that shares connections by \
         transaction; connect directly, or pool by session"
    )]
    Pooler(#[source] sqlx::Error),

    /// A row holds an account or a revision that no store writes, or there are two rows for one account.
    #[error("the table `{table}` holds a row that was not written by a store; find out who did")]
    CorruptRow {
        /// The name of the table.
        table: String,
        /// What is wrong with the row.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// Anything else that the database or the driver reports.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl Error {
    /// What an error means that the driver itself reports, not the database.
    pub(crate) fn of_driver(table: &TableName, source: sqlx::Error) -> Self {
        match source {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. } => Self::wrong_table(table, source),
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => Self::ConnectionLost(source),
            _ => Self::Database(source),
        }
    }

    pub(crate) fn no_table(table: &TableName, source: sqlx::Error) -> Self {
        Self::NoTable {
            table: table.as_str().to_owned(),
            source,
        }
    }

    pub(crate) fn wrong_table(table: &TableName, source: sqlx::Error) -> Self {
        Self::WrongTable {
            table: table.as_str().to_owned(),
            source,
        }
    }

    pub(crate) fn foreign_key(table: &TableName, source: sqlx::Error) -> Self {
        Self::ForeignKey {
            table: table.as_str().to_owned(),
            source,
        }
    }

    pub(crate) fn corrupt_row(
        table: &TableName,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::CorruptRow {
            table: table.as_str().to_owned(),
            source: source.into(),
        }
    }
}
