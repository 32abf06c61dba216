//! Load, run the machine, compare-and-swap, again on conflict: the rules of a second factor on a host's store.

mod blocking;
mod builder;
mod clock;
mod enrollment;
mod error;
mod events;
mod exchange;
mod executor;
mod random;
mod slow_work;
#[cfg(feature = "tokio")]
mod tokio_pool;
#[expect(clippy::module_inception, reason = "the type is called Verifier")]
mod verifier;

pub use blocking::Verifier as BlockingVerifier;
pub use builder::{BuildError, VerifierBuilder};
pub use clock::{Clock, SystemClock};
pub use enrollment::{Enrollment, EnrollmentRequest};
pub use error::{Denied, Error};
pub use executor::block_on;
pub use random::RandomSource;
#[cfg(feature = "getrandom")]
pub use random::SystemRandom;
pub use slow_work::{Inline, SlowWork, SlowWorkError, SlowWorkFuture};
#[cfg(feature = "tokio")]
pub use tokio_pool::TokioPool;
pub use verifier::{Removed, Resealed, Verifier};
