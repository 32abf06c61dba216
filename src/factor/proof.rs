use super::SecondFactor;
use super::clocks::CLOCK_SKEW;
use crate::{
    AcceptedBy, AccountId, BackupCodeSetId, Ledger, Passcode, Policy, Receipt, Rejection,
    SealedReceipt, Timestamp,
};

/// Why a change of the second factor may be made.
///
/// While an authenticator is active, a password alone is not enough: otherwise whoever steals the password
/// switches the second factor off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof<'a> {
    /// A passcode or backup code typed just now. It is throttled and used up like any attempt.
    Passcode(&'a str),
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
    Passcode(Passcode),
    Reauthenticated {
        password_checked_at: Timestamp,
        receipt: Receipt,
    },
    Password {
        checked_at: Timestamp,
    },
}

impl SecondFactor {
    /// Whether a fresh password check and an authentic receipt are proof enough.
    pub(super) fn reauthenticate(
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
        let still_there = match receipt.by() {
            AcceptedBy::Authenticator { id } | AcceptedBy::Enrollment { id } => {
                self.has(id).is_ok()
            }
            AcceptedBy::BackupCode { set, .. } => self.ledger.as_ref().map(set_id) == Some(set),
        };
        still_there.then_some(()).ok_or(Rejection::ProofExpired)
    }
}

/// The id of a set is its salt, which is drawn anew for each set.
pub(super) const fn set_id(ledger: &Ledger) -> BackupCodeSetId {
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
