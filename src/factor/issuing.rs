//! Issuing backup codes takes two writes: the first takes the proof and grants a right, the second needs
//! that very right and stores the codes. The digests are computed in between, so nobody who has no proof
//! makes the server compute them.

use super::clocks::is_clock_fault;
use super::recent::Recent;
use crate::{Rejection, Timestamp};

/// At most three sets within 24 hours.
pub(crate) type Issues = Recent<3, 86_400>;

/// How long a right is good for, in seconds.
const RIGHT_AGE: u64 = 60;

/// The right to store one set of backup codes. A later right takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IssueRight {
    pub(crate) id: IssueRightId,
    pub(crate) granted_at: Timestamp,
}

/// 64 random bits.
pub(crate) type IssueRightId = [u8; 8];

/// The limit on sets of backup codes, and the right that is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Issuing {
    pub(crate) issues: Issues,
    pub(crate) right: Option<IssueRight>,
}

impl Issuing {
    pub(crate) const fn new() -> Self {
        Self {
            issues: Issues::new(),
            right: None,
        }
    }

    /// Whether a set may be issued now.
    pub(super) fn admit(&self, now: Timestamp) -> Result<(), Rejection> {
        self.issues
            .admit(now, |retry_after| Rejection::TooManyIssues { retry_after })
    }

    pub(super) fn grant(&mut self, id: IssueRightId, now: Timestamp) {
        self.issues.add(now);
        self.right = Some(IssueRight {
            id,
            granted_at: now,
        });
    }

    /// Uses the right up, if it is the one that is granted and still good.
    pub(super) fn redeem(&mut self, id: IssueRightId, now: Timestamp) -> Result<(), Rejection> {
        self.right
            .take_if(|right| right.id == id && !right.is_over(now))
            .map(|_| ())
            .ok_or(Rejection::IssueExpired)
    }

    /// Drops what no longer counts.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.issues.forget(now);
        self.right.take_if(|right| right.is_over(now));
    }

    pub(super) fn set_back(&mut self, now: Timestamp) {
        self.issues.set_back(now);
    }
}

impl IssueRight {
    fn is_over(&self, now: Timestamp) -> bool {
        now.saturating_since(self.granted_at) > RIGHT_AGE || is_clock_fault(self.granted_at, now)
    }
}
