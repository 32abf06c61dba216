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
    /// Wait after consecutive failures. The code was not looked at.
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
    /// A stored time lies more than an hour ahead of this server's clock, so one of two clocks is wrong.
    /// This answer writes nothing. Correct the clocks. If another server's clock was ahead, call
    /// [`Verifier::unlock`](crate::Verifier::unlock) with
    /// [`ServerClock::Confirmed`](crate::ServerClock::Confirmed) on a server whose clock is right.
    #[error("a stored time lies more than an hour ahead: check the clocks of all servers")]
    ClockFault,
    /// A fresh password check alone is not enough while an authenticator is active.
    #[error("a password is not proof enough while a second factor is active")]
    ProofTooWeak,
    /// The password check or the receipt is too old or lies in the future, the authenticator or the set of
    /// backup codes behind the receipt is gone, or the key that sealed the receipt is no longer in the
    /// keyring.
    #[error("the proof is no longer valid: check password and second factor again")]
    ProofExpired,
    /// The receipt is of another account, service or namespace, or its text was changed.
    #[error("the receipt was not made for this account by this service")]
    ForeignReceipt,
    /// No enrollment is pending: it was never begun, was confirmed, or was dropped.
    #[error("no enrollment is pending")]
    NoEnrollment,
    /// A later enrollment took the place of this one, perhaps from another browser tab. This QR code is no
    /// longer valid.
    #[error("a later enrollment took the place of this one; use its QR code, or begin again")]
    EnrollmentSuperseded,
    /// Ten enrollments were begun within ten minutes. Nothing was changed.
    #[error("too many enrollments were begun: try again in {} s", retry_after.as_secs())]
    TooManyEnrollments {
        /// How long, in whole seconds.
        retry_after: Duration,
    },
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
    /// Another authenticator of the account has this name.
    #[error("another authenticator of the account has this name; choose another")]
    NameInUse,
    /// The account has as many authenticators as the policy allows.
    #[error("the account has {maximum} authenticators, and may not have more")]
    TooManyAuthenticators {
        /// The policy's maximum.
        maximum: u8,
    },
    /// Another authenticator of the account has this secret.
    #[error("another authenticator of the account has the same secret")]
    SecretInUse,
    /// Three sets of backup codes were issued within 24 hours. Nothing was changed.
    #[error("too many sets of backup codes were issued: try again in {} s", retry_after.as_secs())]
    TooManyIssues {
        /// How long, in whole seconds.
        retry_after: Duration,
    },
    /// The new backup codes were not stored within a minute of the proof, or another issue began meanwhile.
    /// The proof is used up. The codes from before are still valid.
    #[error(
        "the new backup codes were not stored in time; the old ones are still valid; try again"
    )]
    IssueExpired,
}

impl Rejection {
    /// How long to wait before the same can be tried again, if a limit is the reason.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Waiting { retry_after }
            | Self::BudgetSpent { retry_after }
            | Self::TooManyEnrollments { retry_after }
            | Self::TooManyIssues { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// Whether it can be the effect of the caller's own write, which landed without the caller's knowledge.
    pub(crate) const fn may_follow_own_write(self) -> bool {
        matches!(
            self,
            Self::Replayed
                | Self::BackupCodeUsed
                | Self::Disabled
                | Self::NoEnrollment
                | Self::UnknownAuthenticator
                | Self::TooManyEnrollments { .. }
                | Self::TooManyIssues { .. }
                | Self::IssueExpired
        )
    }
}
