use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::ManagerConfig;
use tokio::time::timeout;

/// Makes a configuration for an `AsyncDieselConnectionManager`, for connections to a server. An
/// attempt to connect is given up after 5 seconds.
///
/// The default of diesel-async waits without a limit for a server that accepts a connection and
/// says nothing, and so does bb8. The pool would then lack a connection.
///
/// ```no_run
/// use countersign_diesel::{DieselStore, manager_config};
/// # #[cfg(all(feature = "bb8", feature = "postgres"))]
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use diesel_async::AsyncPgConnection;
/// use diesel_async::pooled_connection::bb8::Pool;
/// use diesel_async::pooled_connection::{AsyncDieselConnectionManager, RecyclingMethod};
///
/// let mut config = manager_config::<AsyncPgConnection>();
/// config.recycling_method = RecyclingMethod::Fast;
/// let url = "postgres://app@db.internal/app";
/// let manager = AsyncDieselConnectionManager::new_with_config(url, config);
/// let store = DieselStore::new(Pool::builder().build(manager).await?);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn manager_config<C: AsyncConnection + 'static>() -> ManagerConfig<C> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(|url| {
        Box::pin(async move {
            let opened = timeout(CONNECT_LIMIT, C::establish(url)).await;
            opened.unwrap_or_else(|_| Err(ConnectionError::BadConnection(SILENT.to_owned())))
        })
    });
    config
}

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const SILENT: &str = "the server accepted a connection and then said nothing for 5 seconds";
