use super::slow_work::{SlowWork, SlowWorkError, SlowWorkFuture};
use crate::DigestJob;
use core::fmt;
use core::num::NonZeroUsize;
use std::boxed::Box;
use tokio::sync::Semaphore;

/// Runs digests on the threads that tokio keeps for blocking work, a bounded number at once.
///
/// Each takes as much memory as the policy's digest says: 19 MiB by default. It must be used inside a tokio
/// runtime.
pub struct TokioPool {
    permits: Semaphore,
}

impl TokioPool {
    /// A pool that runs at most `limit` digests at once; others wait their turn.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        Self {
            permits: Semaphore::new(limit.get().min(Semaphore::MAX_PERMITS)),
        }
    }
}

impl SlowWork for TokioPool {
    fn run(&self, job: DigestJob) -> SlowWorkFuture<'_> {
        Box::pin(async move {
            let worker = |error| SlowWorkError::Worker(error);
            let _permit = self
                .permits
                .acquire()
                .await
                .map_err(|error| worker(error.into()))?;
            let handle =
                tokio::runtime::Handle::try_current().map_err(|error| worker(error.into()))?;
            let digests = handle.spawn_blocking(move || job.run()).await;
            digests
                .map_err(|error| worker(error.into()))?
                .map_err(SlowWorkError::Digest)
        })
    }
}

impl fmt::Debug for TokioPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioPool").finish_non_exhaustive()
    }
}
