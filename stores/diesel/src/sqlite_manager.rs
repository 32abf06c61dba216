use diesel::{ConnectionError, SqliteConnection};
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;

use crate::configure_sqlite;

/// Makes a manager of SQLite connections for a pool of diesel-async. It calls [`configure_sqlite`]
/// on each new connection, and opens a missing file.
///
/// ```
/// use countersign_diesel::{DieselStore, sqlite_manager};
/// # #[cfg(feature = "deadpool")]
/// use diesel_async::pooled_connection::deadpool::Pool;
///
/// # #[cfg(feature = "deadpool")]
/// # fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::builder(sqlite_manager("accounts.db")).build()?;
/// let store = DieselStore::new(pool);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn sqlite_manager(
    path: impl Into<String>,
) -> AsyncDieselConnectionManager<SyncConnectionWrapper<SqliteConnection>> {
    let mut config = ManagerConfig::default();
    // A file is not lost like a connection to a server.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| {
        Box::pin(async move {
            let mut connection = SyncConnectionWrapper::<SqliteConnection>::establish(path).await?;
            let configured = connection.spawn_blocking(configure_sqlite).await;
            configured.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        })
    });
    AsyncDieselConnectionManager::new_with_config(path, config)
}
