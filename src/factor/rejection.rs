use core::time::Duration;

/// The reason why a code or a change was not accepted.
///
/// On the sign-in page, show the same message for every code that was not accepted, and the time to
/// wait if there is one. The variants are for your application: what to log, and what to offer
/// next. The guide has a table with a message for every variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Rejection {
    /// The text cannot be a code of this account. Not counted as a failure.
    #[error("not a valid passcode or backup code; check what you typed")]
    Malformed,
    /// The code is wrong. Counted as a failure.
    #[error("the code is wrong; try another one")]
    WrongCode,
    /// The passcode is correct, but was used before. Not counted as a failure.
    #[error("the passcode has been used; use the next one")]
    Replayed,
    /// Like [`Replayed`](Self::Replayed), and a passcode of a much later time was accepted before:
    /// the clock of the phone or of a server was fast. All passcodes that the verifier would accept
    /// now count as used. Not counted as a failure. A backup code or another authenticator works.
    #[error(
        "a passcode of a later time has been used; try again in {} s",
        retry_after.as_secs()
    )]
    ReplayedAhead {
        /// The time until an app whose clock is right shows an unused passcode, in whole seconds.
        retry_after: Duration,
    },
    /// The backup code is correct, but was used before. Counted as a failure.
    #[error("the backup code has been used; take another one")]
    BackupCodeUsed,
    /// The account has no record. If your own flag says that the account is enrolled, the row was
    /// lost or rolled back. Treat this as an error, never as "no second factor needed".
    #[error("the account has no record of a second factor; enroll first")]
    Absent,
    /// The account has no active authenticator.
    #[error("the account has no active second factor; enroll first")]
    Disabled,
    /// Too many consecutive failures. The second factor is locked until
    /// [`Verifier::unlock`](crate::Verifier::unlock).
    #[error("the second factor is locked after too many failures; ask for an unlock")]
    Locked,
    /// The account must wait after consecutive failures. The code was not checked.
    #[error("too many failures; try again in {} s", retry_after.as_secs())]
    Waiting {
        /// The time to wait, in whole seconds.
        retry_after: Duration,
    },
    /// No guess is left in the budget. The code was not checked.
    #[error("no guess is left; try again in {} s", retry_after.as_secs())]
    BudgetSpent {
        /// The time until the budget gains a guess, in whole seconds.
        retry_after: Duration,
    },
    /// A stored time is more than an hour ahead of this server's clock, so one of two clocks is
    /// wrong. Nothing was written. Correct the clocks. If another server's clock was fast, call
    /// [`Verifier::unlock`](crate::Verifier::unlock) with
    /// [`ServerClock::Confirmed`](crate::ServerClock::Confirmed) on a server whose clock is right.
    #[error("a stored time is more than an hour in the future; check the clocks of all servers")]
    ClockFault,
    /// A fresh password check alone is not enough while an authenticator is active.
    #[error("a password alone is not enough while a second factor is active; ask for a code too")]
    ProofTooWeak,
    /// The password check or the receipt is too old or lies in the future, or the receipt's
    /// authenticator, backup-code set or key is gone.
    #[error("the proof is no longer valid; check password and second factor again")]
    ProofExpired,
    /// The receipt belongs to another account, service or namespace, or its text was changed.
    #[error("the receipt was not made for this account by this service; sign in again")]
    ForeignReceipt,
    /// No enrollment is pending: none was begun, or it was confirmed or dropped.
    #[error("no enrollment is pending; begin again")]
    NoEnrollment,
    /// A later enrollment replaced this one, perhaps from another browser tab. This QR code is no
    /// longer valid.
    #[error("a later enrollment replaced this one; use its QR code, or begin again")]
    EnrollmentSuperseded,
    /// Ten enrollments began within ten minutes. Nothing changed.
    #[error("too many enrollments were begun; try again in {} s", retry_after.as_secs())]
    TooManyEnrollments {
        /// The time to wait, in whole seconds.
        retry_after: Duration,
    },
    /// The enrollment was not confirmed in time, and is gone.
    #[error("the enrollment was not confirmed in time; begin again")]
    EnrollmentExpired,
    /// The passcode does not confirm the enrollment. The secret stays the same while tries are
    /// left.
    #[error("the passcode does not match the new authenticator; {tries_left} tries are left")]
    WrongConfirmation {
        /// The number of tries left. At 0, the enrollment is gone.
        tries_left: u8,
    },
    /// The account has no such authenticator.
    #[error("the account has no such authenticator; reload the list")]
    UnknownAuthenticator,
    /// The authenticator is the last one of the account, and the call removes only one of several.
    /// Nothing changed.
    #[error("this authenticator is the last one; add another one first, or disable all")]
    LastAuthenticator,
    /// Another authenticator of the account has this name.
    #[error("another authenticator of the account has this name; choose another")]
    NameInUse,
    /// The account has as many authenticators as the policy allows.
    #[error("the account has {maximum} authenticators, the most allowed; remove one first")]
    TooManyAuthenticators {
        /// The policy's maximum.
        maximum: u8,
    },
    /// Another authenticator of the account has this secret.
    #[error("another authenticator of the account has the same secret; begin again")]
    SecretInUse,
    /// Three sets of backup codes were issued within 24 hours. Nothing changed.
    #[error("too many sets of backup codes were issued; try again in {} s", retry_after.as_secs())]
    TooManyIssues {
        /// The time to wait, in whole seconds.
        retry_after: Duration,
    },
    /// The new backup codes were not stored within a minute of the proof, or another request issued
    /// codes meanwhile. The proof is used up. The old codes are still valid.
    #[error(
        "the new backup codes were not stored in time; the old ones are still valid; try again"
    )]
    IssueExpired,
    /// The account has no such device, or the token of the device does not count. Ask for a code.
    #[error("the device is not known; ask for a code")]
    UnknownDevice,
    /// The device is known, but may not sign in without a code, or no longer. Ask for a code.
    #[error("the device may not sign in without a code; ask for a code")]
    DeviceNotTrusted,
    /// No set of backup codes with this id is pending: the set was discarded, or another set
    /// replaced it, or it is no longer pending. Nothing changed.
    #[error("these backup codes are not pending; reload the page")]
    NoPendingCodes,
}

impl Rejection {
    /// Returns how long the user must wait, if a limit or a used passcode of a later time is the
    /// reason.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Waiting { retry_after }
            | Self::BudgetSpent { retry_after }
            | Self::ReplayedAhead { retry_after }
            | Self::TooManyEnrollments { retry_after }
            | Self::TooManyIssues { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// Whether an earlier write of the same call can have caused this rejection, if the answer to
    /// that write was lost.
    pub(crate) const fn may_follow_own_write(self) -> bool {
        matches!(
            self,
            Self::Replayed
                | Self::ReplayedAhead { .. }
                | Self::BackupCodeUsed
                | Self::Disabled
                | Self::NoEnrollment
                | Self::UnknownAuthenticator
                | Self::TooManyEnrollments { .. }
                | Self::TooManyIssues { .. }
                | Self::IssueExpired
                | Self::UnknownDevice
                | Self::NoPendingCodes
        )
    }
}
