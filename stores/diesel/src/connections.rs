use std::error::Error as StdError;
use std::ops::DerefMut;

use diesel_async::{AsyncConnection, AsyncConnectionCore};

use crate::{Database, DriverError};

/// Where a store gets its connections: a pool of diesel-async. Implement it for a pool that this
/// crate does not know.
///
/// This crate implements it for:
///
/// - `diesel_async::pooled_connection::deadpool::Pool`, with the feature `deadpool`
/// - `diesel_async::pooled_connection::bb8::Pool`, with the feature `bb8`
pub trait Connections: Clone + Send + Sync + 'static {
    /// A connection of diesel-async: `AsyncPgConnection`, `AsyncMysqlConnection`, or
    /// `SyncConnectionWrapper<SqliteConnection>`.
    type Connection: AsyncConnection + AsyncConnectionCore<Backend: Database> + 'static;

    /// A connection that a call has for itself. The store drops it to give it back.
    type Guard: DerefMut<Target = Self::Connection> + Send + 'static;

    /// Waits for a connection. The store limits the wait. The wait may be dropped at any time.
    ///
    /// # Errors
    /// [`NoConnection`] says why there is none.
    fn connection(&self) -> impl Future<Output = Result<Self::Guard, NoConnection>> + Send;

    /// Closes a connection instead of giving it back. An answer may still be due on it. Never send
    /// a cancel request: a canceled commit that waits for a standby looks like a success.
    fn close(guard: Self::Guard);

    /// Opens a connection outside of the pool, which the store closes. The default opens none.
    ///
    /// With it, the store looks for a pooler before its first statement on PostgreSQL, and finds
    /// out why no connection came in time.
    ///
    /// # Errors
    /// The reason why no connection can be opened.
    fn open(&self) -> impl Future<Output = Result<Option<Self::Connection>, DriverError>> + Send {
        async { Ok(None) }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// All connections stayed in use, as long as the pool waits.
    #[error("all connections stayed in use")]
    InUse,
    /// No connection could be opened.
    #[error("no connection could be opened")]
    Failed(#[from] DriverError),
}

impl NoConnection {
    /// The pool reported this error.
    pub fn pool(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Failed(DriverError::Pool(error.into()))
    }
}
