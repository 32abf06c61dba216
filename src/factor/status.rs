use crate::{Algorithm, AuthenticatorId, AuthenticatorName, Timestamp};
use alloc::vec::Vec;
use core::time::Duration;

/// What a host may show of an account's second factor. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Status {
    /// There is no record. Not the same as [`Disabled`](Self::Disabled): if the host's own flag says that
    /// the account is enrolled, a row was lost or rolled back, and letting the person in with the password
    /// alone would open the door to whoever did it.
    Absent,
    /// There is a record, and no active authenticator.
    Disabled,
    /// At least one authenticator is active.
    Enabled(Enabled),
}

/// An account with an active second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Enabled {
    /// The active authenticators, in the order in which they were added, a replacement in the place of the
    /// one that it replaced; at least one.
    pub authenticators: Vec<AuthenticatorStatus>,
    /// The backup codes, if a set was issued.
    pub backup_codes: Option<BackupCodesStatus>,
    /// Whether attempts are held off.
    pub hold: Hold,
}

/// One active authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AuthenticatorStatus {
    /// Its id, to replace or remove it.
    pub id: AuthenticatorId,
    /// What the owner calls it.
    pub name: AuthenticatorName,
    /// The hash function of its passcodes.
    pub algorithm: Algorithm,
    /// The digits of its passcodes.
    pub digits: u8,
    /// The period of its passcodes, in seconds.
    pub period: u64,
    /// When it was confirmed.
    pub added_at: Timestamp,
    /// When a passcode of it was last accepted, the confirming one included.
    pub last_used_at: Option<Timestamp>,
}

/// The current set of backup codes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BackupCodesStatus {
    /// When the set was issued.
    pub issued_at: Timestamp,
    /// How many codes are unused.
    pub remaining: usize,
    /// For each code, in the order of the sheet, when it was used.
    pub used_at: Vec<Option<Timestamp>>,
}

/// Whether attempts are held off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Hold {
    /// An attempt would be looked at.
    Free,
    /// A wait after a row of failures.
    Waiting {
        /// How long, in whole seconds.
        retry_after: Duration,
    },
    /// The long-term budget is spent.
    BudgetSpent {
        /// How long until there is one more guess, in whole seconds.
        retry_after: Duration,
    },
    /// Locked until [`Verifier::unlock`](crate::Verifier::unlock).
    Locked,
    /// A stored time lies more than an hour ahead of this server's clock, so one of two clocks is wrong.
    /// Attempts are refused until time has caught up, or until
    /// [`Verifier::unlock`](crate::Verifier::unlock) on a server whose clock is confirmed.
    ClockFault,
}
