use super::issuing::Issuing;
use super::recent::Recent;
use super::{Authenticator, Pending, Throttle};
use crate::{
    AuthenticatorStatus, BackupCodesStatus, Enabled, Ledger, Policy, Rejection, ServerClock,
    Status, Timestamp,
};
use alloc::vec::Vec;

/// At most ten enrollments begun within ten minutes.
pub(crate) type Beginnings = Recent<10, 600>;

/// The state of one account's second factor.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactor {
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) pending: Option<Pending>,
    pub(crate) ledger: Option<Ledger>,
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
        self.ledger.as_ref().map_or(0, Ledger::remaining)
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
        Status::Enabled(Enabled {
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
