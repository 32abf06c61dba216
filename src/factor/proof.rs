use super::SecondFactor;
use super::authenticator::{IdError, parse_hex, write_hex};
use super::rate_limit::CLOCK_SKEW;
use crate::backup::BackupCodeSet;
use crate::otp::Code;
use crate::{AccountId, AuthenticatorId, Policy, Rejection, Timestamp};
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Why a change of the second factor may be made.
///
/// While an authenticator is active, a password alone is not enough: otherwise whoever steals the password
/// switches the second factor off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof<'a> {
    /// A passcode or backup code typed just now. It is throttled and used up like any attempt.
    Code(&'a str),
    /// A fresh password check, and the receipt of a login or a confirmed enrollment of the same account,
    /// both at most [`PolicyBuilder::proof_age`](crate::PolicyBuilder::proof_age) old and at most 10 s ahead
    /// of this server's clock.
    Reauthenticated {
        /// When the host last checked the password.
        password_checked_at: Timestamp,
        /// What [`Verifier::seal_receipt`](crate::Verifier::seal_receipt) made of the receipt.
        receipt: &'a SealedReceipt,
    },
    /// A fresh password check: enough to begin the first enrollment, and for nothing while an
    /// authenticator is active.
    Password {
        /// When the host last checked the password.
        checked_at: Timestamp,
    },
}

/// A proof whose text is parsed and whose receipt is authentic.
#[derive(Debug)]
pub(crate) enum Evidence {
    Code(Code),
    Reauthenticated {
        password_checked_at: Timestamp,
        receipt: Receipt,
    },
    Password {
        checked_at: Timestamp,
    },
}

impl Evidence {
    pub(crate) const fn is_code(&self) -> bool {
        matches!(self, Self::Code(_))
    }
}

impl SecondFactor {
    /// Whether a fresh password check and an authentic receipt are proof enough.
    pub(super) fn check_receipt(
        &self,
        account: &AccountId,
        password_checked_at: Timestamp,
        receipt: &Receipt,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        if receipt.account() != account {
            return Err(Rejection::ForeignReceipt);
        }
        fresh(password_checked_at, now, policy)?;
        fresh(receipt.at(), now, policy)?;
        let still_there = match receipt.accepted_by() {
            AcceptedBy::Authenticator { id } | AcceptedBy::Enrollment { id } => {
                self.check_authenticator(id).is_ok()
            }
            AcceptedBy::BackupCode { set, .. } => self.code_set.as_ref().map(set_id) == Some(set),
        };
        still_there.then_some(()).ok_or(Rejection::ProofExpired)
    }
}

/// The id of a set is its salt, which is drawn anew for each set.
pub(super) const fn set_id(ledger: &BackupCodeSet) -> BackupCodeSetId {
    BackupCodeSetId::from_bytes(*ledger.salt())
}

/// Whether a time is at most the policy's `proof_age` old, and no further ahead than clocks differ.
pub(super) fn fresh(time: Timestamp, now: Timestamp, policy: &Policy) -> Result<(), Rejection> {
    let too_old = now.saturating_since(time) > policy.proof_age().as_secs();
    let too_new = time.saturating_since(now) > CLOCK_SKEW.as_secs();
    if too_old || too_new {
        return Err(Rejection::ProofExpired);
    }
    Ok(())
}

/// Proof that this call accepted an attempt, and that the accepted code is stored as used.
///
/// Only a call that accepts a code makes a receipt, and nothing reads one back: let the person in only with
/// one in hand. To keep it in a session as half of the proof for a later change, seal it with
/// [`Verifier::seal_receipt`](crate::Verifier::seal_receipt).
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub const fn accepted_by(&self) -> AcceptedBy {
        self.by
    }
}

/// What an accepted attempt was accepted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptedBy {
    /// A passcode of an authenticator.
    Authenticator {
        /// Which one.
        id: AuthenticatorId,
    },
    /// A backup code. Tell the owner: somebody without the phone has signed in.
    BackupCode {
        /// The set that it belongs to.
        set: BackupCodeSetId,
        /// Its number in the set, from 1.
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

/// Names one issued set of backup codes: 128 random bits, 32 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BackupCodeSetId([u8; 16]);

impl BackupCodeSetId {
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for BackupCodeSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for BackupCodeSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackupCodeSetId({self})")
    }
}

impl FromStr for BackupCodeSetId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

/// A [`Receipt`] as text, for the session: half of the proof that a change asks for
/// ([`Proof::Reauthenticated`](crate::Proof::Reauthenticated)).
///
/// A message authentication code under the verifier's keyring covers the account, the namespace, the time and
/// the authenticator or the set of backup codes. So nobody without the keys can make one or change one, and
/// a receipt of another account, service or namespace proves nothing. It proves something only
///
/// - for [`Policy::proof_age`](crate::Policy::proof_age) after its time, and
/// - while the authenticator or the set that was used is still there: a replacement, a removal, a new set,
///   `disable` and `force_disable` all end it.
///
/// Within that time it can be used for any number of changes. It is no session: your application still
/// signs, ages and ends the session that holds it. Any text can be read back; whether it proves something
/// is decided where it is used.
///
/// ```
/// use countersign::SealedReceipt;
///
/// let session = String::from("AQAAAAE...");
/// let receipt = SealedReceipt::from(session);
/// assert_eq!(receipt.as_str(), "AQAAAAE...");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct SealedReceipt(String);

impl SealedReceipt {
    /// The text to store in the server's session: letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SealedReceipt {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<SealedReceipt> for String {
    fn from(receipt: SealedReceipt) -> Self {
        receipt.0
    }
}

impl fmt::Debug for SealedReceipt {
    /// Does not show the text, which is half of a proof.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedReceipt").finish_non_exhaustive()
    }
}
