use std::ops::Deref;
use std::time::Duration;

use rusqlite::Connection;

/// Where a store gets the connection for a call.
///
/// [`OneConnection`](crate::OneConnection) is the one that a store opens by itself. With the
/// feature `r2d2`, a pool of r2d2 also implements this trait. Implement it to use another pool.
///
/// A store uses a connection for one statement, and then drops it. Every connection needs the
/// settings of [`configure`](crate::configure).
pub trait Connections: Send + Sync + 'static {
    /// A connection that nothing else uses until it is dropped.
    type Connection<'a>: Deref<Target = Connection>
    where
        Self: 'a;

    /// Waits for a connection, at most as long as `limit`.
    ///
    /// # Errors
    /// [`NoConnection`] says why there is none.
    fn connection(&self, limit: Duration) -> Result<Self::Connection<'_>, NoConnection>;
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConnection {
    /// Other code used all connections for the whole time limit.
    #[error("all connections stayed in use")]
    InUse,
    /// No connection could be opened.
    #[error("no connection could be opened")]
    Failed(#[from] rusqlite::Error),
}
