use super::{HashExecutor, HashExecutorError, HashFuture};
use crate::backup::{HashError, HashJob, HashMemory, Hashes};
use core::fmt;
use core::num::NonZeroUsize;
use std::boxed::Box;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;
use tokio::sync::Semaphore;

/// Runs digests on the threads that tokio keeps for blocking work, a bounded number at once.
///
/// Each takes as much memory as the policy's digest says: 19 MiB by default. So many times that are kept from one
/// digest to the next, and never more, however many attempts are dropped before their end. It must be used inside a
/// tokio runtime.
pub struct TokioPool {
    permits: Arc<Semaphore>,
    spare: Arc<Spare>,
}

impl TokioPool {
    /// A pool that runs at most `limit` digests at once; others wait their turn. Each keeps a core busy: to leave the
    /// runtime's own threads one, choose fewer than there are.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limit.get().min(Semaphore::MAX_PERMITS))),
            spare: Arc::default(),
        }
    }
}

impl HashExecutor for TokioPool {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        Box::pin(async move {
            let worker = |error| HashExecutorError::Worker(error);
            let permit = Arc::clone(&self.permits)
                .acquire_owned()
                .await
                .map_err(|error| worker(error.into()))?;
            let handle =
                tokio::runtime::Handle::try_current().map_err(|error| worker(error.into()))?;
            let spare = Arc::clone(&self.spare);
            let digests = handle.spawn_blocking(move || {
                let digests = spare.compute(job);
                // Not before: this future may be dropped long before the digest is computed.
                drop(permit);
                digests
            });
            digests
                .await
                .map_err(|error| worker(error.into()))?
                .map_err(HashExecutorError::Digest)
        })
    }
}

/// Memory that no digest is computed in at the moment.
#[derive(Default)]
struct Spare(Mutex<Vec<HashMemory>>);

impl Spare {
    fn compute(&self, job: HashJob) -> Result<Hashes, HashError> {
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = all().pop();
        let mut memory = spare.unwrap_or_else(HashMemory::new);
        let digests = job.run_in(&mut memory);
        all().push(memory);
        digests
    }
}

impl fmt::Debug for TokioPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioPool").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;
    use crate::backup::{Argon2Params, BackupCodeSet, BackupCodes, CodeFormat};
    use core::error::Error;
    use core::future::poll_fn;
    use core::task::Poll;
    use std::sync::mpsc;
    use tokio::runtime::Builder;

    fn job() -> Result<HashJob, Box<dyn Error>> {
        let codes = BackupCodes::generate(CodeFormat::default())?;
        let params = Argon2Params::new(8, 1, 1)?;
        Ok(BackupCodeSet::issue_job(&codes, [1; 16], params, None))
    }

    #[test]
    fn a_digest_that_nobody_waits_for_any_more_still_counts() {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let pool = TokioPool::new(NonZeroUsize::MIN);
        runtime.block_on(async {
            // The only thread for blocking work is held up.
            let (let_go, held) = mpsc::channel::<()>();
            let holding = tokio::task::spawn_blocking(move || held.recv());
            let mut dropped = pool.run(job().unwrap());
            poll_fn(|context| {
                assert!(dropped.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(dropped);
            assert_eq!(pool.permits.available_permits(), 0);

            let_go.send(()).unwrap();
            holding.await.unwrap().unwrap();
            pool.run(job().unwrap()).await.unwrap();
        });
        assert_eq!(pool.permits.available_permits(), 1);
    }

    #[test]
    fn one_digest_after_the_other_is_computed_in_the_same_memory() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let pool = TokioPool::new(NonZeroUsize::new(4).unwrap());
        for _ in 0..3 {
            runtime.block_on(pool.run(job().unwrap())).unwrap();
        }
        assert_eq!(pool.spare.0.lock().unwrap().len(), 1);
    }
}
