//! An authenticator app, as its owner knows it.

use crate::rules::PERIOD;
use countersign::testing::Phone;
use countersign::{AuthenticatorId, EnrollmentId, Timestamp};

/// An authenticator app, as its owner knows it.
#[derive(Clone)]
pub(crate) struct KnownPhone {
    pub(crate) enrollment: EnrollmentId,
    pub(crate) phone: Phone,
    pub(crate) id: Option<AuthenticatorId>,
    pub(crate) active: bool,
    pub(crate) begun_by: usize,
    pub(crate) last_step: Option<u64>,
}

impl KnownPhone {
    /// Whether the app shows this around now.
    pub(crate) fn shows(&self, typed: &str, at: Timestamp) -> bool {
        self.step_of(typed, at).is_some()
    }

    /// The latest step of the window at which the app shows this.
    pub(crate) fn step_of(&self, typed: &str, at: Timestamp) -> Option<u64> {
        let step = at.as_unix() / PERIOD;
        let shows = |step: &u64| self.phone.passcode(Timestamp::from_unix(step * PERIOD)) == typed;
        (step - 1..=step + 1).rev().find(shows)
    }
}
