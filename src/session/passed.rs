use crate::{AcceptedBy, AccountId, FirstFactor, Receipt, Timestamp, Trusted};

/// Shows that the second factor of an account is passed, or is not needed.
///
/// Only the verifier can make one. It comes from a [`Receipt`], which a call that accepted a code
/// returned, from [`Trusted`], or from [`NextStep::Passed`](super::NextStep::Passed). A receipt
/// that you stored and read back is a [`SealedReceipt`](crate::SealedReceipt), which cannot become
/// a `Passed`.
#[derive(Debug)]
#[must_use = "a session becomes a full one by `HalfSession::pass`"]
pub struct Passed {
    account: AccountId,
    second_factor: SecondFactorUse,
    at: Timestamp,
}

impl Passed {
    pub(crate) const fn without_factor(account: AccountId, at: Timestamp) -> Self {
        Self {
            account,
            second_factor: SecondFactorUse::None,
            at,
        }
    }

    /// Returns the account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// Returns what passed.
    #[must_use]
    pub const fn second_factor(&self) -> SecondFactorUse {
        self.second_factor
    }

    /// Returns when it passed.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

impl From<Receipt> for Passed {
    fn from(receipt: Receipt) -> Self {
        Self {
            account: receipt.account().clone(),
            second_factor: receipt.accepted_by().into(),
            at: receipt.at(),
        }
    }
}

impl From<Trusted> for Passed {
    /// The sign-in has no code. A page that needs a fresh factor asks for one.
    fn from(trusted: Trusted) -> Self {
        Self {
            account: trusted.account().clone(),
            second_factor: SecondFactorUse::TrustedDevice,
            at: trusted.at(),
        }
    }
}

/// Which second factor a sign-in used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SecondFactorUse {
    /// None: the account had no second factor, and needed none.
    None,
    /// A passcode.
    Passcode,
    /// A backup code.
    BackupCode,
    /// None: a trusted device signed in without a code. This is no second factor (AAL2).
    TrustedDevice,
}

impl From<AcceptedBy> for SecondFactorUse {
    fn from(by: AcceptedBy) -> Self {
        match by {
            AcceptedBy::Authenticator { .. } | AcceptedBy::Enrollment { .. } => Self::Passcode,
            AcceptedBy::BackupCode { .. } => Self::BackupCode,
        }
    }
}

/// The factors of a sign-in and their times, as the row of the sign-in has them.
///
/// When the user proves a factor again, change the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SignInFactors {
    /// The first factor, and when it was checked last.
    pub first: FirstFactor,
    /// The second factor.
    pub second: SecondFactorUse,
    /// When the second factor was checked last.
    pub second_at: Timestamp,
}
