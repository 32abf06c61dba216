//! What the verifier needs from the system: the time, random bytes, and threads for password hashes.
//!
//! Use this module to run Argon2id off the threads of an async executor, or to replace the clock and
//! the random source on a system without them.
//!
//! ```
//! use countersign::Timestamp;
//! use countersign::runtime::{Clock, SystemClock};
//!
//! /// A clock for `wasm32-unknown-unknown`, where [`SystemClock`] panics.
//! struct PageClock;
//!
//! impl Clock for PageClock {
//!     fn now(&self) -> Timestamp {
//!     #   fn milliseconds() -> f64 { 1_800_000_000_000.0 }
//!         Timestamp::from_unix((milliseconds() / 1000.0) as u64)
//!     }
//! }
//!
//! assert_eq!(PageClock.now(), Timestamp::from_unix(1_800_000_000));
//! assert!(SystemClock.now() > Timestamp::UNIX_EPOCH);
//! ```
//!
//! # Needs
//!
//! The feature `verifier`; `TokioPool` needs `tokio`, and `SystemRandom` needs `getrandom`.

#[cfg(feature = "tokio")]
mod tokio_pool;

#[cfg(feature = "tokio")]
pub use tokio_pool::TokioPool;

use crate::Timestamp;
use crate::backup::{HashError, HashJob, Hashes};
use crate::otp::RandomError;
use rand_core::{TryCryptoRng, TryRng};
use std::boxed::Box;
use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::SystemTime;

/// Where the verifier reads the time, once an attempt and after the record is loaded.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock. A time before 1970 counts as 1970, at which no passcode of today is right.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Where secrets, backup codes, ids, revisions and nonces come from.
///
/// An implementation must be cryptographically secure, and must give different bytes on every call, on every
/// machine and after every restart: a revision that comes twice lets two logins pass with one passcode.
pub trait RandomSource: Send + Sync {
    /// Fills a buffer.
    ///
    /// # Errors
    /// [`RandomError`] if it cannot. The operation that asked is given up, and nothing is written.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system's random source.
#[cfg(feature = "getrandom")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

#[cfg(feature = "getrandom")]
impl RandomSource for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(buffer).map_err(|_| RandomError::new())
    }
}

/// A random source as the generator that the other layers take.
pub(crate) struct Generator<'a>(pub(super) &'a dyn RandomSource);

impl Generator<'_> {
    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl TryRng for Generator<'_> {
    type Error = RandomError;

    fn try_next_u32(&mut self) -> Result<u32, RandomError> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomError> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(buffer)
    }
}

impl TryCryptoRng for Generator<'_> {}

/// What [`HashExecutor::run`] gives.
pub type HashFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Hashes, HashExecutorError>> + Send + 'a>>;

/// Where the slow digests of backup codes run: some 20 ms each, with 19 MiB of memory.
///
/// An async host should take them off the threads of its executor (`TokioPool`, feature `tokio`), and bound
/// how many run at once, for the memory that they take.
pub trait HashExecutor: Send + Sync {
    /// Runs [`HashJob::run`].
    fn run(&self, job: HashJob) -> HashFuture<'_>;
}

/// Runs digests at once, on the thread that asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineExecutor;

impl HashExecutor for InlineExecutor {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        Box::pin(ready(job.run().map_err(HashExecutorError::Digest)))
    }
}

/// A slow digest was not computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashExecutorError {
    /// It failed.
    #[error("the digest of a backup code failed")]
    Digest(#[source] HashError),
    /// It was not run.
    #[error("the worker for slow digests is gone")]
    Worker(#[source] Box<dyn Error + Send + Sync>),
}
