//! The parts of the system that the verifier needs: the time, random bytes, and threads for
//! password hashes.
//!
//! Use this module to run Argon2id off the threads of an async executor. Also use it to replace the
//! clock and the random source on a system without them.
//!
//! ```
//! use countersign::Timestamp;
//! use countersign::runtime::{Clock, SystemClock};
//!
//! /// A clock for `wasm32-unknown-unknown`, where [`SystemClock`] panics.
//! struct WebClock;
//!
//! impl Clock for WebClock {
//!     fn now(&self) -> Timestamp {
//!     #   fn milliseconds() -> f64 { 1_800_000_000_000.0 }
//!         Timestamp::from_unix((milliseconds() / 1000.0) as u64)
//!     }
//! }
//!
//! assert_eq!(WebClock.now(), Timestamp::from_unix(1_800_000_000));
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
use std::sync::Arc;

/// The clock of a verifier. The verifier reads the clock once per attempt, after it has loaded the
/// record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `countersign::runtime::Clock`",
    label = "this type does not implement `countersign::runtime::Clock`",
    note = "a closure is not a clock: implement `Clock` for a type of your own",
    note = "in tests, use `countersign::testing::ManualClock`"
)]
pub trait Clock: Send + Sync {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
}

/// A clock that several parts of an application share.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        C::now(self)
    }
}

/// The operating system's clock.
///
/// A time before 1970 counts as 1970. No current passcode is correct then.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The source of secrets, backup codes, ids, revisions and nonces.
///
/// An implementation must be cryptographically secure. It must return different bytes on every
/// call, on every server and after every restart. If a revision repeats, two logins can use one
/// passcode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `countersign::runtime::RandomSource`",
    label = "this type does not implement `countersign::runtime::RandomSource`",
    note = "wrap a generator of `rand` in a type of your own, and implement `RandomSource` for it",
    note = "for the operating system's random source, use `countersign::runtime::SystemRandom`"
)]
pub trait RandomSource: Send + Sync {
    /// Fills a buffer with random bytes.
    ///
    /// # Errors
    /// [`RandomError`] if the source fails. The verifier stops the operation and writes nothing.
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

/// The future of [`HashExecutor::run`].
pub type HashFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Hashes, HashExecutorError>> + Send + 'a>>;

/// The executor of the password hashes (Argon2id) of backup codes. By default, each hash takes some
/// 20 ms and 19 MiB of memory.
///
/// A job for an imported set of hashes takes longer: up to
/// [`imported_code_work`](crate::PolicyBuilder::imported_code_work), and up to 256 MiB if the other
/// system used Argon2.
///
/// In an async application, run the hashes off the threads of the async executor (`TokioPool`,
/// feature `tokio`). Limit how many hashes run at the same time, because of their memory.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `countersign::runtime::HashExecutor`",
    label = "this type does not implement `countersign::runtime::HashExecutor`",
    note = "on tokio, use `countersign::runtime::TokioPool::new(limit)` (feature `tokio`)",
    note = "without an async executor, use `countersign::runtime::InlineExecutor`"
)]
pub trait HashExecutor: Send + Sync {
    /// Runs [`HashJob::run`].
    fn run(&self, job: HashJob) -> HashFuture<'_>;
}

/// Runs each password hash immediately, on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineExecutor;

impl HashExecutor for InlineExecutor {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        Box::pin(ready(job.run().map_err(HashExecutorError::Hash)))
    }
}

/// The error for a password hash that was not computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashExecutorError {
    /// The computation failed.
    #[error("the password hash of a backup code failed; see the source of this error")]
    Hash(#[source] HashError),
    /// The executor did not run the job.
    #[error("the executor of password hashes did not run the job; check that it is still running")]
    Worker(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(7)
        }
    }

    #[test]
    fn a_shared_clock_is_a_clock() {
        fn time(clock: impl Clock) -> u64 {
            clock.now().as_unix()
        }
        let shared: Arc<dyn Clock> = Arc::new(Fixed);
        assert_eq!(time(Arc::clone(&shared)), 7);
        assert_eq!(time(Arc::new(shared)), 7);
    }
}
