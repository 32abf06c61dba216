use std::sync::Arc;

use countersign_sql::Call;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::argument::Argument;
use crate::{Connections, DriverError};

/// A statement with its arguments, which may outlive its caller.
#[derive(Debug)]
pub(crate) struct Statement {
    sql: Arc<str>,
    arguments: Vec<Argument>,
}

impl From<Call<'_>> for Statement {
    fn from(call: Call<'_>) -> Self {
        Self {
            sql: Arc::clone(call.sql()),
            arguments: call.arguments().iter().copied().map(Into::into).collect(),
        }
    }
}

impl Statement {
    /// Runs the statement, in one round trip if it is prepared on the connection already.
    pub(crate) async fn run_prepared<C: Connections, A: Answer>(
        &self,
        connection: &C::Connection,
    ) -> Result<A, DriverError> {
        let types: Vec<_> = self.arguments.iter().map(Argument::kind).collect();
        let prepared = C::prepare(connection, &self.sql, &types).await?;
        let values: Vec<_> = self.arguments.iter().map(Argument::value).collect();
        Ok(A::of_prepared(C::client(connection), &prepared, &values).await?)
    }

    /// Runs the text of the statement, with the types of its arguments, in one round trip.
    pub(crate) async fn run_text<A: Answer>(&self, client: &Client) -> Result<A, DriverError> {
        let arguments = self.arguments.iter();
        let values: Vec<_> = arguments
            .map(|argument| (argument.value(), argument.kind()))
            .collect();
        Ok(A::of_text(client, &self.sql, &values).await?)
    }
}

/// What a caller wants from the answer to a statement.
pub(crate) trait Answer: Send + Sized + 'static {
    fn of_prepared(
        client: &Client,
        statement: &tokio_postgres::Statement,
        values: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Self, tokio_postgres::Error>> + Send;

    fn of_text(
        client: &Client,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> impl Future<Output = Result<Self, tokio_postgres::Error>> + Send;
}

/// The number of changed rows.
impl Answer for u64 {
    async fn of_prepared(
        client: &Client,
        statement: &tokio_postgres::Statement,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, tokio_postgres::Error> {
        client.execute(statement, values).await
    }

    async fn of_text(
        client: &Client,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Self, tokio_postgres::Error> {
        client.execute_typed(sql, values).await
    }
}

/// The rows.
impl Answer for Vec<Row> {
    async fn of_prepared(
        client: &Client,
        statement: &tokio_postgres::Statement,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, tokio_postgres::Error> {
        client.query(statement, values).await
    }

    async fn of_text(
        client: &Client,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Self, tokio_postgres::Error> {
        client.query_typed(sql, values).await
    }
}
