use super::action_limits::{Issuing, Recent};
use super::{Authenticator, Pending, Throttle};
use crate::backup::BackupCodeSet;
use crate::otp::Algorithm;
use crate::{AuthenticatorId, AuthenticatorName, Policy, Rejection, ServerClock, Timestamp};
use alloc::vec::Vec;
use core::time::Duration;

/// At most ten enrollments begun within ten minutes.
pub(crate) type Beginnings = Recent<10, 600>;

/// The state of one account's second factor.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactor {
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) pending: Option<Pending>,
    pub(crate) ledger: Option<BackupCodeSet>,
    pub(crate) throttle: Throttle,
    pub(crate) beginnings: Beginnings,
    pub(crate) issuing: Issuing,
}

impl SecondFactor {
    pub(crate) const fn new(now: Timestamp, policy: &Policy) -> Self {
        Self {
            authenticators: Vec::new(),
            pending: None,
            ledger: None,
            throttle: Throttle::new(now, policy),
            beginnings: Beginnings::new(),
            issuing: Issuing::new(),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        !self.authenticators.is_empty()
    }

    pub(crate) fn codes_left(&self) -> usize {
        self.ledger.as_ref().map_or(0, BackupCodeSet::remaining)
    }

    pub(crate) fn status(&self, now: Timestamp, policy: &Policy) -> Status {
        if !self.is_enabled() {
            return Status::Disabled;
        }
        let authenticator = |active: &Authenticator| AuthenticatorStatus {
            id: active.id,
            name: active.name.clone(),
            algorithm: active.parameters.algorithm,
            digits: active.parameters.digits.get(),
            period: active.parameters.period.as_secs(),
            added_at: active.added_at,
            last_used_at: active.last_used_at,
        };
        Status::Enabled(EnabledStatus {
            authenticators: self.authenticators.iter().map(authenticator).collect(),
            backup_codes: self.ledger.as_ref().map(|ledger| BackupCodesStatus {
                issued_at: ledger.issued_at(),
                remaining: ledger.remaining(),
                used_at: ledger.status().map(|code| code.used_at).collect(),
            }),
            hold: self.throttle.hold(now, policy),
        })
    }

    /// Ends everything that belongs to a second factor. The limits live on.
    pub(super) fn clear(&mut self) {
        self.authenticators.clear();
        self.pending = None;
        self.ledger = None;
        self.issuing.right = None;
    }

    /// Drops the times and rights that no longer count, before a write.
    pub(crate) fn forget_what_is_over(&mut self, now: Timestamp) {
        self.beginnings.forget(now);
        self.issuing.forget(now);
    }

    /// Ends a wait, a lock and a spent budget without a proof.
    pub(crate) fn unlock(
        &mut self,
        now: Timestamp,
        clock: ServerClock,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        match clock {
            ServerClock::Confirmed => {
                self.throttle.set_back(now);
                self.beginnings.set_back(now);
                self.issuing.set_back(now);
            }
            ServerClock::Unconfirmed => {
                let clock_fault = self.throttle.has_clock_fault(now)
                    || self.beginnings.has_clock_fault(now)
                    || self.issuing.issues.has_clock_fault(now);
                if clock_fault {
                    return Err(Rejection::ClockFault);
                }
            }
        }
        self.throttle.unlock(now, policy);
        Ok(())
    }

    /// Removes all authenticators without a proof.
    pub(crate) fn force_disable(&mut self) {
        self.clear();
        self.throttle.succeed();
    }
}

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
    Enabled(EnabledStatus),
}

/// An account with an active second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EnabledStatus {
    /// The active authenticators, in the order in which they were added, a replacement in the place of the
    /// one that it replaced; at least one.
    pub authenticators: Vec<AuthenticatorStatus>,
    /// The backup codes, if a set was issued.
    pub backup_codes: Option<BackupCodesStatus>,
    /// Whether attempts are held off.
    pub hold: RateLimitState,
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
pub enum RateLimitState {
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
