//! A slow computation of password hashes, and calls that are polled by hand.

use countersign::backup::HashJob;
use countersign::runtime::{HashExecutor, HashExecutorError, HashFuture};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

/// Counts the jobs. Each job runs when it is polled for the second time, as in a thread pool.
#[derive(Clone, Default)]
pub(crate) struct SlowHashes(pub(crate) Arc<AtomicUsize>);

impl HashExecutor for SlowHashes {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut waited = false;
        Box::pin(async move {
            poll_fn(|context| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            job.run().map_err(HashExecutorError::Hash)
        })
    }
}

/// Polls a future once.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn finished<T>(polled: Poll<T>) -> T {
    match polled {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not finished"),
    }
}
