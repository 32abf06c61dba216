use crate::{DigestError, DigestJob, Digests};
use std::boxed::Box;
use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;

/// What [`SlowWork::run`] gives.
pub type SlowWorkFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Digests, SlowWorkError>> + Send + 'a>>;

/// Where the slow digests of backup codes run: some 20 ms each, with 19 MiB of memory.
///
/// An async host should take them off the threads of its executor (`TokioPool`, feature `tokio`), and bound
/// how many run at once, for the memory that they take.
pub trait SlowWork: Send + Sync {
    /// Runs [`DigestJob::run`].
    fn run(&self, job: DigestJob) -> SlowWorkFuture<'_>;
}

/// Runs digests at once, on the thread that asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inline;

impl SlowWork for Inline {
    fn run(&self, job: DigestJob) -> SlowWorkFuture<'_> {
        Box::pin(ready(job.run().map_err(SlowWorkError::Digest)))
    }
}

/// A slow digest was not computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlowWorkError {
    /// It failed.
    #[error("the digest of a backup code failed")]
    Digest(#[source] DigestError),
    /// It was not run.
    #[error("the worker for slow digests is gone")]
    Worker(#[source] Box<dyn Error + Send + Sync>),
}
