use std::time::Duration;

use crate::{Error, TableName};

/// Why a statement failed. A driver's error becomes a failure, and a failure becomes an [`Error`],
/// which says what to do.
///
/// If the server reported the error, classify its code with [`postgres`](Self::postgres),
/// [`mysql`](Self::mysql) or [`sqlite`](Self::sqlite). If the driver found the error itself, choose
/// the failure: usually [`ConnectionLost`](Self::ConnectionLost) for an I/O error during a call,
/// [`Unreachable`](Self::Unreachable) for an I/O error while connecting, and
/// [`WrongTable`](Self::WrongTable) for a column that does not decode.
///
/// ```
/// use countersign_sql::{Error, Failure, TableName};
///
/// # let error = std::io::Error::other("Unknown table 'app.second_factor'");
/// let table = TableName::new("second_factor")?;
/// let error = Failure::mysql(1146).error(&table, error);
/// assert!(matches!(&error, Error::NoTable { table, .. } if table == "second_factor"));
/// # Ok::<(), countersign_sql::TableNameError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// No connection could be opened, and no statement was sent.
    Unreachable,
    /// The database answered, but does not let this user in, or has no such database or file.
    CannotOpen,
    /// The connection broke after the statement was sent.
    ConnectionLost,
    /// The node has left its Galera cluster.
    LeftCluster,
    /// The row or the database stayed locked.
    Locked,
    /// The database rolled the statement back in favour of another one. Run it again after
    /// [`CONFLICT_PAUSE`](crate::CONFLICT_PAUSE), at most
    /// [`CONFLICT_RETRIES`](crate::CONFLICT_RETRIES) times.
    Conflict,
    /// A row with this key exists, or a table with this name.
    AlreadyExists,
    /// The table does not exist.
    NoTable,
    /// The table has other columns than the schema.
    WrongTable,
    /// A foreign key refuses the row.
    ForeignKey,
    /// The database is read-only.
    ReadOnly,
    /// The database user lacks a right on the table.
    NotAllowed,
    /// The disk is full.
    DiskFull,
    /// A pooler mixes up prepared statements.
    Pooler,
    /// Any other failure.
    Other,
}

impl Failure {
    /// Makes the error of a store. `table` is the table that the statement names, and `source` is
    /// the error of the driver.
    pub fn error<E>(self, table: &TableName, source: E) -> Error<E> {
        let name = || table.as_str().to_owned();
        match self {
            Self::Unreachable => Error::Unreachable(source),
            Self::CannotOpen => Error::CannotOpen(source),
            Self::ConnectionLost => Error::ConnectionLost(source),
            Self::LeftCluster => Error::LeftCluster(source),
            Self::Locked => Error::Locked(source),
            Self::Conflict => Error::Conflict(source),
            Self::AlreadyExists => Error::AlreadyExists(source),
            Self::NoTable => Error::NoTable {
                table: name(),
                source,
            },
            Self::WrongTable => Error::WrongTable {
                table: name(),
                source,
            },
            Self::ForeignKey => Error::ForeignKey {
                table: name(),
                source,
            },
            Self::ReadOnly => Error::ReadOnly(source),
            Self::NotAllowed => Error::NotAllowed(source),
            Self::DiskFull => Error::DiskFull(source),
            Self::Pooler => Error::Pooler(source),
            Self::Other => Error::Database(source),
        }
    }
}

/// How many times a store runs a statement again after [`Failure::Conflict`], with
/// [`CONFLICT_PAUSE`] before each. The row has usually changed by then, so the answer to a write is
/// `Stale`. [`Error::Conflict`] names the number of attempts: one more.
///
/// The number covers statements that never answer `Stale`, such as an addition to a counter. Of
/// several that conflict, the database completes one at a time, so each needs as many retries as
/// there are others.
pub const CONFLICT_RETRIES: u8 = 50;

/// How long a store waits before it runs a statement again after [`Failure::Conflict`].
///
/// The other transaction may not have finished its commit yet. Until then, PostgreSQL at
/// `SERIALIZABLE` rolls back each new load of the row.
pub const CONFLICT_PAUSE: Duration = Duration::from_millis(5);
