//! Looks for a pooler that mixes up the prepared statements of its clients.

use countersign_sql::PoolerQuestion;
use tokio::time::sleep;
use tokio_postgres::{Client, Error, Row, Statement};

use crate::DriverError;

/// What two connections know of each other.
pub(crate) enum Verdict {
    Apart,
    Shared,
    /// The second connection failed.
    Unknown,
}

/// Asks on both connections in turns, as [`PoolerQuestion`] says.
pub(crate) async fn compare(one: &Client, other: &Client) -> Result<Verdict, DriverError> {
    let question = PoolerQuestion::new();
    let prepared = one.prepare(question.sql()).await?;
    for _ in 0..PoolerQuestion::ROUNDS {
        if !is_alone(one, &question, &prepared).await? {
            return Ok(Verdict::Shared);
        }
        match in_transaction(other, &question).await {
            Ok(true) => {}
            Ok(false) => return Ok(Verdict::Shared),
            Err(error) if error.is_of_pooler() => return Ok(Verdict::Shared),
            Err(_) => return Ok(Verdict::Unknown),
        }
        for pause in PoolerQuestion::PAUSES {
            sleep(pause).await;
            if !is_alone(one, &question, &prepared).await? {
                return Ok(Verdict::Shared);
            }
        }
        if other.batch_execute("ROLLBACK").await.is_err() {
            return Ok(Verdict::Unknown);
        }
    }
    Ok(Verdict::Apart)
}

/// Begins a transaction, and asks.
async fn in_transaction(client: &Client, question: &PoolerQuestion) -> Result<bool, DriverError> {
    client.batch_execute("BEGIN").await?;
    client
        .batch_execute(PoolerQuestion::SHORT_TRANSACTION)
        .await?;
    let prepared = client.prepare(question.sql()).await?;
    is_alone(client, question, &prepared).await
}

async fn is_alone(
    client: &Client,
    question: &PoolerQuestion,
    prepared: &Statement,
) -> Result<bool, DriverError> {
    let rows = client.query(prepared, &[]).await?;
    let numbers = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
    let rows: Result<Vec<(i64, i64)>, Error> = rows.iter().map(numbers).collect();
    // The answer to the statement of another client may have other columns.
    Ok(rows.is_ok_and(|rows| question.is_alone(&rows)))
}
