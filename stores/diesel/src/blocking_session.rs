use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use diesel::connection::{
    Connection, LoadConnection, TransactionManager, TransactionManagerStatus,
};
use diesel::result::{Error, QueryResult};

use crate::database::{Database, FromRow};
use crate::session::Session;
use crate::statement::Statement;

/// A blocking connection of diesel. Its futures are ready when they are polled first.
pub(crate) struct BlockingSession<'c, C>(pub(crate) &'c mut C);

impl<C> Session for BlockingSession<'_, C>
where
    C: Connection<Backend: Database> + LoadConnection + Send,
{
    type Backend = C::Backend;

    fn status(&mut self) -> &mut TransactionManagerStatus {
        C::TransactionManager::transaction_manager_status_mut(self.0)
    }

    async fn execute(&mut self, statement: &Statement) -> QueryResult<u64> {
        let changed = self.0.execute_returning_count(statement)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    async fn load<R: FromRow>(&mut self, statement: &Statement) -> QueryResult<Vec<R>> {
        let rows = self.0.load(statement)?;
        rows.map(|row| R::from_row::<C::Backend>(&row?).map_err(Error::DeserializationError))
            .collect()
    }

    async fn batch(&mut self, sql: &str) -> QueryResult<()> {
        self.0.batch_execute(sql)
    }

    async fn begin(&mut self) -> QueryResult<()> {
        C::TransactionManager::begin_transaction(self.0)
    }

    async fn commit(&mut self) -> QueryResult<()> {
        C::TransactionManager::commit_transaction(self.0)
    }

    async fn roll_back(&mut self) -> QueryResult<()> {
        C::TransactionManager::rollback_transaction(self.0)
    }

    async fn pause(time: Duration) {
        thread::sleep(time);
    }
}

/// The output of a future that waits for nothing but blocking connections.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
}
