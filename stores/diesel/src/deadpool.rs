use deadpool::managed::Manager;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, PoolError as ManagerError};
use diesel_async::{AsyncConnection, AsyncConnectionCore};

use crate::{Connections, Database, DriverError, NoConnection};

impl<C> Connections for Pool<C>
where
    C: AsyncConnection + AsyncConnectionCore<Backend: Database> + 'static,
    AsyncDieselConnectionManager<C>: Manager<Type = C, Error = ManagerError>,
{
    type Connection = C;
    type Guard = Object<C>;

    async fn connection(&self) -> Result<Object<C>, NoConnection> {
        self.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => NoConnection::InUse,
            PoolError::Backend(error) => NoConnection::Failed(error.into()),
            other => NoConnection::pool(other),
        })
    }

    fn close(guard: Object<C>) {
        drop(Object::<C>::take(guard));
    }

    async fn open(&self) -> Result<Option<C>, DriverError> {
        let opened = self.manager().create().await;
        opened.map(Some).map_err(Into::into)
    }
}
