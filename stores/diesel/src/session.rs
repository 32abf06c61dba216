use std::time::Duration;

use diesel::connection::TransactionManagerStatus;
use diesel::result::QueryResult;

use crate::database::{Database, FromRow};
use crate::statement::Statement;

/// A connection during a call. The futures of a blocking connection are ready at once.
pub(crate) trait Session: Send {
    type Backend: Database;

    /// What diesel knows of a transaction on the connection.
    fn status(&mut self) -> &mut TransactionManagerStatus;

    /// Runs a statement that changes rows, and returns their number.
    fn execute(&mut self, statement: &Statement) -> impl Future<Output = QueryResult<u64>> + Send;

    /// Runs a statement that returns rows.
    fn load<R: FromRow>(
        &mut self,
        statement: &Statement,
    ) -> impl Future<Output = QueryResult<Vec<R>>> + Send;

    /// Runs the text of several statements.
    fn batch(&mut self, sql: &str) -> impl Future<Output = QueryResult<()>> + Send;

    fn begin(&mut self) -> impl Future<Output = QueryResult<()>> + Send;

    fn commit(&mut self) -> impl Future<Output = QueryResult<()>> + Send;

    fn roll_back(&mut self) -> impl Future<Output = QueryResult<()>> + Send;

    fn pause(time: Duration) -> impl Future<Output = ()> + Send;
}

/// What a caller wants from the answer to a statement.
pub(crate) trait Answer: Send + Sized + 'static {
    fn of<S: Session>(
        session: &mut S,
        statement: &Statement,
    ) -> impl Future<Output = QueryResult<Self>> + Send;
}

/// The number of changed rows.
impl Answer for u64 {
    async fn of<S: Session>(session: &mut S, statement: &Statement) -> QueryResult<Self> {
        session.execute(statement).await
    }
}

/// The rows.
impl<R: FromRow> Answer for Vec<R> {
    async fn of<S: Session>(session: &mut S, statement: &Statement) -> QueryResult<Self> {
        session.load(statement).await
    }
}
