use std::time::Duration;

use diesel::connection::TransactionManagerStatus;
use diesel::result::{Error, QueryResult};
use diesel_async::{AsyncConnection, AsyncConnectionCore, TransactionManager};
use futures_util::TryStreamExt;

use crate::database::{Database, FromRow};
use crate::session::Session;
use crate::statement::Statement;

/// A connection of diesel-async.
pub(crate) struct AsyncSession<'c, C>(pub(crate) &'c mut C);

impl<C> Session for AsyncSession<'_, C>
where
    C: AsyncConnection + AsyncConnectionCore<Backend: Database> + 'static,
{
    type Backend = C::Backend;

    fn status(&mut self) -> &mut TransactionManagerStatus {
        C::TransactionManager::transaction_manager_status_mut(self.0)
    }

    async fn execute(&mut self, statement: &Statement) -> QueryResult<u64> {
        let changed = self.0.execute_returning_count(statement).await?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    async fn load<R: FromRow>(&mut self, statement: &Statement) -> QueryResult<Vec<R>> {
        let rows = self.0.load(statement).await?;
        let rows = rows.and_then(|row| {
            let row = R::from_row::<C::Backend>(&row);
            std::future::ready(row.map_err(Error::DeserializationError))
        });
        rows.try_collect().await
    }

    async fn batch(&mut self, sql: &str) -> QueryResult<()> {
        self.0.batch_execute(sql).await
    }

    async fn begin(&mut self) -> QueryResult<()> {
        C::TransactionManager::begin_transaction(self.0).await
    }

    async fn commit(&mut self) -> QueryResult<()> {
        C::TransactionManager::commit_transaction(self.0).await
    }

    async fn roll_back(&mut self) -> QueryResult<()> {
        C::TransactionManager::rollback_transaction(self.0).await
    }

    async fn pause(time: Duration) {
        tokio::time::sleep(time).await;
    }
}
