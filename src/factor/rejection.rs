use core::time::Duration;

/// Why an attempt or a change was not accepted.
///
/// To the person at the sign-in page, show one message for every code that was not accepted, and the time
/// to wait where there is one. The variants are for the host: what to log, what to offer next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Rejection {
    /// Nothing that was typed can be a code of this account. Not counted.
    #[error("this is not the shape of a passcode or backup code")]
    Malformed,
    /// The code is wrong. Counted.
    #[error("the code is wrong")]
    WrongCode,
    /// The passcode was right, and has been used. Not counted: wait for the next one.
    #[error("the passcode has been used; wait for the next one")]
    Replayed,
    /// The backup code was right, and has been used. Counted.
    #[error("the backup code has been used; take another one")]
    BackupCodeUsed,
    /// There is no record of the account. If the host's own flag says that it is enrolled, then a row was
    /// lost or rolled back: treat that as an error, never as "no second factor needed".
    #[error("the account has no record of a second factor")]
    Absent,
    /// The account has no active authenticator.
    #[error("the account has no active second factor")]
    Disabled,
    /// Too many consecutive failures: locked until [`Verifier::unlock`](crate::Verifier::unlock).
    #[error("the second factor is locked after too many failures")]
    Locked,
    /// Wait after a row of failures. The code was not looked at.
    #[error("too many failures: try again in {} s", retry_after.as_secs())]
    Waiting {
        /// How long, in whole seconds.
        retry_after: Duration,
    },
    /// The long-term budget of guesses is spent. The code was not looked at.
    #[error("the budget of failures is spent: try again in {} s", retry_after.as_secs())]
    BudgetSpent {
        /// How long until there is one more guess, in whole seconds.
        retry_after: Duration,
    },
    /// A time on record lies more than an hour ahead, so a clock is or was wrong. It has been set to now:
    /// try again, and look at the machines' clocks.
    #[error("a time on record lay far ahead and was mended: try again, and check the clocks")]
    ClockFault,
    /// A fresh password check alone is not enough while an authenticator is active.
    #[error("a password is not proof enough while a second factor is active")]
    ProofTooWeak,
    /// The password check or the receipt is too old, or lies in the future.
    #[error("the proof is too old, or from the future: check password and second factor again")]
    ProofExpired,
    /// The receipt is another account's.
    #[error("the receipt belongs to another account")]
    ForeignReceipt,
    /// No enrollment is pending: it was never begun, was confirmed, or was dropped.
    #[error("no enrollment is pending")]
    NoEnrollment,
    /// The enrollment was begun anew, in another tab perhaps: this QR code is void.
    #[error("the enrollment was begun anew elsewhere; this one is void")]
    EnrollmentSuperseded,
    /// The enrollment was not confirmed in time, and is dropped.
    #[error("the enrollment was not confirmed in time; begin again")]
    EnrollmentExpired,
    /// The passcode does not confirm the enrollment. The secret stays the same while tries are left.
    #[error("the passcode does not match the new authenticator; {tries_left} tries are left")]
    WrongConfirmation {
        /// 0: the enrollment is dropped.
        tries_left: u8,
    },
    /// The account has no such authenticator.
    #[error("the account has no such authenticator")]
    UnknownAuthenticator,
    /// The account has as many authenticators as the policy allows.
    #[error("the account has {maximum} authenticators, and may not have more")]
    TooManyAuthenticators {
        /// The policy's maximum.
        maximum: u8,
    },
    /// Another authenticator of the account has this secret.
    #[error("another authenticator of the account has the same secret")]
    SecretInUse,
}

impl Rejection {
    /// How long to wait before another attempt is looked at, if a wait is the reason.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Waiting { retry_after } | Self::BudgetSpent { retry_after } => Some(retry_after),
            _ => None,
        }
    }
}
