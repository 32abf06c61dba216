use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio_postgres::Client;

/// Ends a transaction that is open on the connection, so that the next statement commits by itself.
///
/// The driver sends both without waiting for an answer in between, so they share a round trip. The
/// server warns about a `ROLLBACK` without a transaction, but not about this batch. If the batch
/// fails, the transaction has failed, and the next statement fails too.
pub(crate) async fn end_transaction(client: &Client) {
    let mut batch = pin!(client.batch_execute("BEGIN; ROLLBACK"));
    // The first poll sends the batch. The driver drops an answer for which nobody waits.
    poll_fn(|context| {
        _ = batch.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}
