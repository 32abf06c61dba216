use std::time::Duration;

use r2d2::{ManageConnection, Pool, PooledConnection};

use crate::{Connections, NoConnection};

/// Works with any manager of rusqlite connections, such as that of `r2d2_sqlite`. The manager must
/// use the same version of rusqlite.
impl<M: ManageConnection<Connection = rusqlite::Connection>> Connections for Pool<M> {
    type Connection<'a> = PooledConnection<M>;

    fn connection(&self, limit: Duration) -> Result<PooledConnection<M>, NoConnection> {
        // r2d2 tries to connect until the limit ends, and reports each reason to its own handler.
        let limit = limit.min(LONGEST_WAIT);
        self.get_timeout(limit).map_err(|_| NoConnection::InUse)
    }
}

/// A year. r2d2 panics if the wait ends after the last `Instant`.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);
