use crate::{AccountId, Passcode, Policy, Receipt, Rejection, Timestamp};

/// Why a change of the second factor may be made, checked in the same swap as the change.
///
/// While an authenticator is active, a password alone is not enough: else whoever steals the password
/// switches the second factor off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Proof<'a> {
    /// A passcode or backup code typed just now. It is throttled and used up like any attempt.
    Passcode(&'a str),
    /// A fresh password check, and the receipt of a login or a confirmed enrollment of the same account,
    /// both at most [`PolicyBuilder::proof_age`](crate::PolicyBuilder::proof_age) old.
    Reauthenticated {
        /// When the host last checked the password.
        password_checked_at: Timestamp,
        /// What [`Verifier::verify`](crate::Verifier::verify) or
        /// [`Verifier::confirm_enrollment`](crate::Verifier::confirm_enrollment) gave.
        receipt: &'a Receipt,
    },
    /// A fresh password check: enough to begin the first enrollment, and for nothing while an
    /// authenticator is active.
    Password {
        /// When the host last checked the password.
        checked_at: Timestamp,
    },
}

/// A proof whose text is parsed.
#[derive(Clone, Debug)]
pub(crate) enum Evidence<'a> {
    Passcode(Passcode),
    Reauthenticated {
        password_checked_at: Timestamp,
        receipt: &'a Receipt,
    },
    Password {
        checked_at: Timestamp,
    },
}

impl<'a> Evidence<'a> {
    pub(crate) fn parse(proof: &Proof<'a>) -> Result<Self, Rejection> {
        match *proof {
            Proof::Passcode(text) => Passcode::parse(text)
                .map(Self::Passcode)
                .map_err(|_| Rejection::Malformed),
            Proof::Reauthenticated {
                password_checked_at,
                receipt,
            } => Ok(Self::Reauthenticated {
                password_checked_at,
                receipt,
            }),
            Proof::Password { checked_at } => Ok(Self::Password { checked_at }),
        }
    }
}

/// Whether a fresh password check and a receipt are proof enough.
pub(super) fn reauthenticated(
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
    fresh(receipt.at(), now, policy)
}

/// Whether a time is at most the policy's `proof_age` old, and not in the future.
pub(super) fn fresh(time: Timestamp, now: Timestamp, policy: &Policy) -> Result<(), Rejection> {
    if time > now || now.saturating_since(time) > policy.proof_age().as_secs() {
        return Err(Rejection::ProofExpired);
    }
    Ok(())
}
