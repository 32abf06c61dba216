use bb8::ManageConnection;
use diesel_async::pooled_connection::bb8::{Pool, PooledConnection, RunError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, PoolError as ManagerError};
use diesel_async::{AsyncConnection, AsyncConnectionCore, TransactionManager};

use crate::{Connections, Database, DriverError, NoConnection};

impl<C> Connections for Pool<C>
where
    C: AsyncConnection + AsyncConnectionCore<Backend: Database> + 'static,
    AsyncDieselConnectionManager<C>: ManageConnection<Connection = C, Error = ManagerError>,
{
    type Connection = C;
    type Guard = PooledConnection<'static, C>;

    async fn connection(&self) -> Result<PooledConnection<'static, C>, NoConnection> {
        self.get_owned().await.map_err(|error| match error {
            RunError::TimedOut => NoConnection::InUse,
            RunError::User(error) => NoConnection::Failed(error.into()),
        })
    }

    /// bb8 closes a connection that looks broken.
    fn close(mut guard: PooledConnection<'static, C>) {
        C::TransactionManager::transaction_manager_status_mut(&mut guard).set_in_error();
    }

    async fn open(&self) -> Result<Option<C>, DriverError> {
        let opened = self.dedicated_connection().await;
        opened.map(Some).map_err(Into::into)
    }
}
