use std::error::Error as StdError;
use std::time::Duration;

/// Why a store could not answer.
///
/// None of these is a login, and none says more about a write than its own text does. The verifier keeps the error as the
/// source of its own, so what stands here is for the log of whoever runs the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// All connections of the pool were in use, or none could be opened, for as long as a call may take.
    #[error(
        "no connection was free within {limit:?}, so nothing was asked of the database; \
         check that it is reachable and that the pool is large enough"
    )]
    NoConnection {
        /// How long the store waited.
        limit: Duration,
    },

    /// The statement was sent and not answered in time. If it was a write, it may still land.
    #[error("no answer from the database within {limit:?}; a write may still land")]
    Timeout {
        /// How long the call could take.
        limit: Duration,
    },

    /// Another connection kept the database locked for the whole busy time-out. Nothing was written.
    #[error(
        "the database stayed locked, so nothing was written; \
         look for a long transaction, and check busy_timeout and WAL mode"
    )]
    Locked(#[source] sqlx::Error),

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

    /// The table lacks a column that this version needs, or one has another type.
    #[error("the table `{table}` has other columns than the text of `schema`; bring it up to date")]
    WrongTable {
        /// The name of the table.
        table: String,
        /// What the database said.
        source: sqlx::Error,
    },

    /// The database cannot be written to. Nothing was.
    #[error(
        "the database is read-only, so nothing was written; \
         check the connection options and the rights on the file and its folder"
    )]
    ReadOnly(#[source] sqlx::Error),

    /// There is no room to write. Nothing was written.
    #[error("the disk of the database is full, so nothing was written; make room")]
    DiskFull(#[source] sqlx::Error),

    /// The database cannot be opened.
    #[error(
        "the database cannot be opened; check its path, and the rights on the file and its folder"
    )]
    CannotOpen(#[source] sqlx::Error),

    /// A row holds an account or a revision that no store writes.
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
