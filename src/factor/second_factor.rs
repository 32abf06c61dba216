use super::{Authenticator, Pending, Throttle};
use crate::{AuthenticatorStatus, BackupCodesStatus, Enabled, Ledger, Policy, Status, Timestamp};
use alloc::vec::Vec;

/// The state of one account's second factor.
#[derive(Clone, Debug)]
pub(crate) struct SecondFactor {
    pub(crate) authenticators: Vec<Authenticator>,
    pub(crate) pending: Option<Pending>,
    pub(crate) ledger: Option<Ledger>,
    pub(crate) throttle: Throttle,
}

impl SecondFactor {
    pub(crate) const fn new(now: Timestamp, policy: &Policy) -> Self {
        Self {
            authenticators: Vec::new(),
            pending: None,
            ledger: None,
            throttle: Throttle::new(now, policy),
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

    /// Ends everything that belongs to a second factor. The throttle lives on.
    pub(super) fn clear(&mut self) {
        self.authenticators.clear();
        self.pending = None;
        self.ledger = None;
    }
}
