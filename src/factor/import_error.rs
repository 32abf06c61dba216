//! The reasons why the second factor of another system is not imported.

use crate::Timestamp;
use crate::otp::TimeStep;

/// The second factor that an account has already, so that nothing is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExistingFactor {
    /// The user enrolled an authenticator here, or began to.
    #[error("the account has a second factor of its own; leave it out of the import")]
    Own,
    /// The second factor was imported or enrolled, and then disabled.
    #[error("the account's second factor was disabled; leave it out of the import, or erase it")]
    Disabled,
    /// The account has the second factor of an import with other content.
    #[error("the account has the second factor of another import; compare the two imports")]
    OtherImport,
    /// The account was erased between the two writes of the import.
    #[error("the account was erased during the import; leave it out of the import")]
    Erased,
}

/// The reason why the second factor of another system cannot be imported. Nothing was imported.
///
/// A number counts the authenticators of the import from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportFault {
    /// The import has no authenticator.
    #[error("the import has no authenticator; leave the account out")]
    NoAuthenticator,
    /// The import has more authenticators than the policy allows.
    #[error("the import has {count} authenticators; the policy allows {maximum}")]
    TooManyAuthenticators {
        /// The number of authenticators.
        count: usize,
        /// The policy's maximum.
        maximum: u8,
    },
    /// The secret is all zeros, so anybody can compute its passcodes.
    #[error("the secret of authenticator {number} is all zeros; let the user enroll again")]
    ZeroSecret {
        /// The number of the authenticator.
        number: usize,
    },
    /// The secret is shorter than the policy allows.
    #[error(
        "the secret of authenticator {number} has {bits} bits; the policy demands {minimum}: lower \
         `imported_secret_bits`, or let the user enroll again"
    )]
    WeakSecret {
        /// The number of the authenticator.
        number: usize,
        /// The bits of the secret.
        bits: usize,
        /// The policy's minimum.
        minimum: u16,
    },
    /// An earlier authenticator of the import has the same secret. Zeros at the end of a secret do
    /// not count, because they do not change its passcodes.
    #[error("authenticator {number} has the secret of an earlier one; leave one of them out")]
    SecretInUse {
        /// The number of the later authenticator.
        number: usize,
    },
    /// The period is longer than an hour.
    #[error("the period of authenticator {number} is {seconds} s, over an hour; check its unit")]
    PeriodTooLong {
        /// The number of the authenticator.
        number: usize,
        /// The period in seconds.
        seconds: u64,
    },
    /// The last accepted step begins more than a day from now.
    #[error(
        "the last step of authenticator {number} is {}, more than a day from now; check its unit \
         (steps, not seconds) and the clocks",
        step.get()
    )]
    StepInFuture {
        /// The number of the authenticator.
        number: usize,
        /// The step.
        step: TimeStep,
    },
    /// The counter leaves fewer than 2^32 passcodes.
    #[error(
        "the counter of authenticator {number} is {counter}; at most 2^64 - 2^32 - 1 is allowed"
    )]
    CounterTooHigh {
        /// The number of the authenticator.
        number: usize,
        /// The counter.
        counter: u64,
    },
    /// T0 is more than a day from now. Until T0, the authenticator has no second passcode.
    #[error("T0 of authenticator {number} is {at}, more than a day from now; check its unit")]
    T0InFuture {
        /// The number of the authenticator.
        number: usize,
        /// The time.
        at: Timestamp,
    },
    /// The authenticator was added more than a day from now.
    #[error("authenticator {number} was added at {at}, more than a day from now; check the clocks")]
    AddedInFuture {
        /// The number of the authenticator.
        number: usize,
        /// The time.
        at: Timestamp,
    },
    /// The time of the export is more than a day from now.
    #[error("the export is of {at}, more than a day from now; check the clocks")]
    ExportedInFuture {
        /// The time.
        at: Timestamp,
    },
}
