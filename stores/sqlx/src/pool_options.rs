use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::{Connection, Database};

/// The options of a pool for a store.
///
/// sqlx tests a connection when it comes back to the pool. By default, it tests the connection
/// again before the next call, which waits for the answer. These options do so only if the
/// connection was idle.
pub(crate) fn pool_options<DB: Database>() -> PoolOptions<DB> {
    PoolOptions::new()
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection: &mut DB::Connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for >= IDLE {
                    Connection::ping(connection).await?;
                }
                Ok(true)
            })
        })
}

/// Shorter than the time limit of a call, so that there is time to find out why no connection is
/// available.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

/// From then on, a connection is tested before the next call.
const IDLE: Duration = Duration::from_secs(1);
