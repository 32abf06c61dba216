use crate::{AccountId, AuthenticatorId, Timestamp};

/// Proof that an attempt was accepted, once its write was on record.
///
/// A host keeps it in its session (feature `serde`), where it is half of the proof that a later change
/// asks for: see [`Proof::Reauthenticated`](crate::Proof::Reauthenticated). Whoever can write the session
/// can forge it, so the session must be the server's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "let the person in only with this in hand"]
pub struct Receipt {
    account: AccountId,
    at: Timestamp,
    by: AcceptedBy,
}

impl Receipt {
    pub(crate) const fn new(account: AccountId, at: Timestamp, by: AcceptedBy) -> Self {
        Self { account, at, by }
    }

    /// Whose attempt it was.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// When it was accepted.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What was accepted.
    #[must_use]
    pub const fn by(&self) -> AcceptedBy {
        self.by
    }
}

/// What an accepted attempt was accepted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AcceptedBy {
    /// A passcode of an authenticator.
    Authenticator {
        /// Which one.
        id: AuthenticatorId,
    },
    /// A backup code. Tell the owner: somebody without the phone has signed in.
    BackupCode {
        /// Its number on the sheet, from 1.
        number: u8,
        /// How many unused codes are left.
        remaining: u8,
    },
    /// The passcode that confirmed an enrollment.
    Enrollment {
        /// The new authenticator.
        id: AuthenticatorId,
    },
}
