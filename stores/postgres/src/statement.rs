use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

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

/// How a statement is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    /// Prepares each statement once per connection. Otherwise each call sends the text.
    pub(crate) prepares: bool,
    /// First ends a transaction that other code left open on the connection.
    pub(crate) ends_transactions: bool,
}

impl Statement {
    /// Runs the statement, in one round trip if it is prepared already or needs no preparing.
    pub(crate) async fn run<C: Connections, A: Answer>(
        &self,
        connection: &C::Connection,
        protocol: Protocol,
    ) -> Result<A, DriverError> {
        let client = C::client(connection);
        let prepared = if protocol.prepares {
            let types: Vec<_> = self.arguments.iter().map(Argument::kind).collect();
            Some(C::prepare(connection, &self.sql, &types).await?)
        } else {
            None
        };
        if protocol.ends_transactions {
            end_transaction(client).await;
        }
        match prepared {
            Some(prepared) => {
                let values: Vec<_> = self.arguments.iter().map(Argument::value).collect();
                Ok(A::of_prepared(client, &prepared, &values).await?)
            }
            None => self.run_text(client).await,
        }
    }

    /// Sends the text of the statement, with the types of its arguments.
    pub(crate) async fn run_text<A: Answer>(&self, client: &Client) -> Result<A, DriverError> {
        let arguments = self.arguments.iter();
        let values: Vec<_> = arguments
            .map(|argument| (argument.value(), argument.kind()))
            .collect();
        Ok(A::of_text(client, &self.sql, &values).await?)
    }
}

/// Ends a transaction that is open on the connection, so that the next statement commits by itself.
///
/// The driver sends both without waiting for an answer in between, so they share a round trip. The
/// server warns about a `ROLLBACK` without a transaction, but not about this batch. If the batch
/// fails, the transaction has failed, and the next statement fails too.
async fn end_transaction(client: &Client) {
    let mut batch = pin!(client.batch_execute("BEGIN; ROLLBACK"));
    // The first poll sends the batch. The driver drops an answer for which nobody waits.
    poll_fn(|context| {
        _ = batch.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
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
