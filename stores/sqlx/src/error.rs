use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;

use crate::AccountColumn;
use crate::table_name::TableName;

/// The reason why a store could not answer.
///
/// Each error says what happened and what to do. Its text says what is known about a write, and
/// nothing more. The verifier returns the error as the source of its own error, so log the whole
/// chain. No error of a store counts as a login.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// All connections of the pool stayed in use for the whole time limit, or opening a connection
    /// took as long.
    #[error(
        "no connection was free within {limit:?}, so no statement was sent; \
         check that the database is reachable and that the pool is large enough"
    )]
    NoConnection {
        /// How long the store waited.
        limit: Duration,
    },

    /// The server refuses connections: it is down, has another address, is starting, or has no free
    /// connection. No statement was sent.
    #[error(
        "the database server refuses connections, so no statement was sent; \
         check that it runs, its address, and how many connections it allows"
    )]
    Unreachable(#[source] sqlx::Error),

    /// The database answered and rejected the user or the database name. Or the database is a file
    /// that cannot be opened.
    #[error(
        "the database cannot be opened; check its path or name, the user, and the user's rights"
    )]
    CannotOpen(#[source] sqlx::Error),

    /// The statement was sent, and no answer came in time. A write may still be applied later.
    #[error(
        "no answer from the database within {limit:?}, so a write may still be applied; \
         check its load, its locks and the network"
    )]
    Timeout {
        /// The time limit of the call.
        limit: Duration,
    },

    /// The connection broke before the answer came, as it does when the server is stopped. A write
    /// may have been applied.
    #[error(
        "the connection to the database broke before the answer came, \
         so a write may have been applied; check the server and the network"
    )]
    ConnectionLost(#[source] sqlx::Error),

    /// The tokio runtime was shut down before the answer came. A write may have been applied.
    #[error(
        "the tokio runtime was shut down before the database answered, \
         so a write may have been applied; shut it down after the last call"
    )]
    Interrupted,

    /// The row or the database stayed locked until the database stopped waiting. Nothing was
    /// written.
    #[error(
        "the row or the database stayed locked, so nothing was written; look for a long transaction"
    )]
    Locked(#[source] sqlx::Error),

    /// The database rolled the statement back several times, in favour of concurrent statements.
    /// Nothing was written.
    #[error("the database rolled the statement back three times in favour of others; try again")]
    Conflict(#[source] sqlx::Error),

    /// The table does not exist.
    #[error(
        "there is no table `{table}`; \
         put the text of `schema` into a migration, or call `create_table`"
    )]
    NoTable {
        /// The table name.
        table: String,
        /// The error that the database reported.
        source: sqlx::Error,
    },

    /// The table has other columns than this version of the crate needs. A column is missing, has
    /// another type, or gets no value from an insert. Or the table does not belong to a store.
    #[error("the table `{table}` has other columns than the text of `schema`; migrate it")]
    WrongTable {
        /// The table name.
        table: String,
        /// The error that the database reported.
        source: sqlx::Error,
    },

    /// The account id does not fit the column. No statement was sent.
    #[error("the account id {account:?} does not fit the column `account`; it must be {column}")]
    WrongAccount {
        /// The account.
        account: AccountId,
        /// The type of the column.
        column: AccountColumn,
    },

    /// Your own foreign key refuses the row. Nothing was written.
    #[error(
        "a foreign key of the table `{table}` refuses the row; \
         create the user before the second factor"
    )]
    ForeignKey {
        /// The table name.
        table: String,
        /// The error that the database reported.
        source: sqlx::Error,
    },

    /// Your table of users has no row for the account, so its flag cannot be stored. Nothing was
    /// written.
    #[cfg(feature = "gate")]
    #[error(
        "the table `{table}` has no row for the account, so nothing was written; \
         create the user before the second factor"
    )]
    NoUser {
        /// The table name.
        table: String,
    },

    /// The database is read-only. Nothing was written.
    #[error(
        "the database is read-only, so nothing was written; check that it is the primary, \
         the connection options, and the rights on a file and its directory"
    )]
    ReadOnly(#[source] sqlx::Error),

    /// The database user lacks a right on the table. Nothing was written.
    #[error(
        "the database user lacks a right; grant SELECT, INSERT, UPDATE and DELETE on the table"
    )]
    NotAllowed(#[source] sqlx::Error),

    /// The disk is full. Nothing was written.
    #[error("the disk of the database is full, so nothing was written; free disk space")]
    DiskFull(#[source] sqlx::Error),

    /// The server does not know a statement that was prepared on this connection. Nothing was
    /// written.
    #[error(
        "the server does not know a prepared statement, as behind a pooler that pools by \
         transaction; connect directly, or pool by session"
    )]
    Pooler(#[source] sqlx::Error),

    /// A row contains an account or a revision that no store writes, or an account has two rows.
    #[error("the table `{table}` contains a row that no store wrote; find out what wrote it")]
    CorruptRow {
        /// The table name.
        table: String,
        /// What is wrong with the row.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// A statement of your transaction failed or was interrupted, so that the database may have
    /// ended the transaction. A [`TransactionStore`](crate::TransactionStore) sends no further
    /// statement.
    #[error(
        "a statement of the transaction failed or was interrupted, so nothing of the transaction \
         is stored; roll it back, and import its accounts again"
    )]
    TransactionFailed(#[source] Option<Arc<Self>>),

    /// A method other than [`Verifier::import_in_transaction`][import] would write in your
    /// transaction. No statement was sent.
    ///
    /// [import]: countersign::Verifier::import_in_transaction
    #[error(
        "only `import_in_transaction` may write in your transaction, so no statement was sent; \
         call other methods on a verifier whose store uses the pool"
    )]
    OnlyImports,

    /// Any other error of the database or the driver.
    #[error("the database reported an error; see its source")]
    Database(#[source] sqlx::Error),
}

impl Error {
    /// Converts an error that the driver reports, instead of the database.
    pub(crate) fn from_driver(table: &TableName, source: sqlx::Error) -> Self {
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
