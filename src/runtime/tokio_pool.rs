use super::{HashExecutor, HashExecutorError, HashFuture};
use crate::backup::{HashError, HashJob, HashMemory, Hashes};
use core::fmt;
use core::num::NonZeroUsize;
use std::boxed::Box;
use std::sync::{Arc, Mutex, PoisonError};
use std::vec::Vec;
use tokio::sync::Semaphore;

/// Runs password hashes on tokio's threads for blocking work, a limited number at the same time.
///
/// Use it inside a tokio runtime. Each hash takes as much memory as the policy's
/// [`Argon2Params`](crate::backup::Argon2Params) say: 19 MiB by default. The pool keeps at most
/// `limit` buffers of that size and reuses them, even if attempts are dropped before their end. If
/// an imported hash of Argon2 needs more memory, the buffer grows to that size, at most 256 MiB.
pub struct TokioPool {
    permits: Arc<Semaphore>,
    buffers: Arc<FreeBuffers>,
}

impl TokioPool {
    /// Makes a pool that runs at most `limit` password hashes at the same time. Further hashes
    /// wait.
    ///
    /// Each hash keeps a core busy. Choose a limit below the number of cores, so that a core is
    /// left for the runtime's own threads.
    #[must_use]
    pub fn new(limit: NonZeroUsize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limit.get().min(Semaphore::MAX_PERMITS))),
            buffers: Arc::default(),
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
            let buffers = Arc::clone(&self.buffers);
            let hashes = handle.spawn_blocking(move || {
                let hashes = buffers.compute(job);
                // This future may be dropped long before the hashes are computed. So the closure
                // keeps the permit until then.
                drop(permit);
                hashes
            });
            hashes
                .await
                .map_err(|error| worker(error.into()))?
                .map_err(HashExecutorError::Hash)
        })
    }
}

/// The buffers that no hash uses at the moment.
#[derive(Default)]
struct FreeBuffers(Mutex<Vec<HashMemory>>);

impl FreeBuffers {
    fn compute(&self, job: HashJob) -> Result<Hashes, HashError> {
        let buffers = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = buffers().pop();
        let mut memory = free.unwrap_or_else(HashMemory::new);
        let hashes = job.run_in(&mut memory);
        buffers().push(memory);
        hashes
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
    use crate::backup::{Argon2Params, BackupCodeSet, BackupCodes, CodeFormat, Digester};
    use core::error::Error;
    use core::future::poll_fn;
    use core::task::Poll;
    use std::sync::mpsc;
    use tokio::runtime::Builder;

    fn job() -> Result<HashJob, Box<dyn Error>> {
        let codes = BackupCodes::generate(CodeFormat::default())?;
        let params = Argon2Params::new(8, 1, 1)?;
        let digester = Digester::argon2id([1; 16], params);
        Ok(BackupCodeSet::issue_job(&codes, &digester, None))
    }

    #[test]
    fn an_abandoned_job_keeps_its_permit() {
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        let pool = TokioPool::new(NonZeroUsize::MIN);
        runtime.block_on(async {
            // The only thread for blocking work is busy until the message.
            let (release, released) = mpsc::channel::<()>();
            let busy = tokio::task::spawn_blocking(move || released.recv());
            let mut dropped = pool.run(job().unwrap());
            poll_fn(|context| {
                assert!(dropped.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(dropped);
            assert_eq!(pool.permits.available_permits(), 0);

            release.send(()).unwrap();
            busy.await.unwrap().unwrap();
            pool.run(job().unwrap()).await.unwrap();
        });
        assert_eq!(pool.permits.available_permits(), 1);
    }

    #[test]
    fn consecutive_jobs_use_the_same_buffer() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let pool = TokioPool::new(NonZeroUsize::new(4).unwrap());
        for _ in 0..3 {
            runtime.block_on(pool.run(job().unwrap())).unwrap();
        }
        assert_eq!(pool.buffers.0.lock().unwrap().len(), 1);
    }
}
