//! Limits on actions other than guesses: how often an enrollment may begin, and how often backup
//! codes may be issued.
//!
//! Issuing takes two writes. The first write checks the proof and grants a right. The second write
//! uses the right and stores the codes. The hashes are computed in between, so only a caller with a
//! proof can make the server compute hashes.

use super::rate_limit::{is_clock_fault, remaining};
use crate::{Rejection, Timestamp};
use alloc::vec::Vec;
use core::time::Duration;

/// The times of an action that is allowed `MOST` times within `SPAN` seconds, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recent<const MOST: usize, const SPAN: u64>(Vec<Timestamp>);

impl<const MOST: usize, const SPAN: u64> Recent<MOST, SPAN> {
    /// The largest number of times in the list.
    pub(crate) const MOST: usize = MOST;

    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes the times from a record.
    pub(crate) const fn from_times(times: Vec<Timestamp>) -> Self {
        Self(times)
    }

    pub(crate) fn times(&self) -> &[Timestamp] {
        &self.0
    }

    /// Whether the action is allowed now. If not, `too_often` makes the rejection from the time to
    /// wait.
    pub(super) fn admit(
        &self,
        now: Timestamp,
        too_often: impl FnOnce(Duration) -> Rejection,
    ) -> Result<(), Rejection> {
        if self.has_clock_fault(now) {
            return Err(Rejection::ClockFault);
        }
        let within = || self.0.iter().filter(|time| !is_over::<SPAN>(**time, now));
        if within().count() < MOST {
            return Ok(());
        }
        let first = within().min().copied().unwrap_or(now);
        let span = Duration::from_secs(SPAN);
        Err(too_often(remaining(first, span, now).unwrap_or_default()))
    }

    /// Adds an action that happens now.
    pub(super) fn add(&mut self, now: Timestamp) {
        self.forget(now);
        // A record has room for `MOST` times only, whatever was allowed.
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(now);
    }

    /// Drops times that no longer count.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0.retain(|time| !is_over::<SPAN>(*time, now));
    }

    pub(super) fn has_clock_fault(&self, now: Timestamp) -> bool {
        self.0.iter().any(|time| is_clock_fault(*time, now))
    }

    /// Sets times that lie in the future to now. Call this only if the clock is correct.
    pub(super) fn reset_future_times(&mut self, now: Timestamp) {
        for time in &mut self.0 {
            *time = (*time).min(now);
        }
    }
}

fn is_over<const SPAN: u64>(time: Timestamp, now: Timestamp) -> bool {
    now.saturating_since(time) >= SPAN
}

/// At most three sets within 24 hours.
pub(crate) type Issues = Recent<3, 86_400>;

/// The time for which a right is valid, in seconds.
const RIGHT_AGE: u64 = 60;

/// The right to store one set of backup codes. A later right replaces it.
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

    /// Uses up the right, if it is the one that was granted and is still valid.
    pub(super) fn redeem(&mut self, id: IssueRightId, now: Timestamp) -> Result<(), Rejection> {
        self.right
            .take_if(|right| right.id == id && !right.is_over(now))
            .map(|_| ())
            .ok_or(Rejection::IssueExpired)
    }

    /// Drops times and rights that no longer count.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.issues.forget(now);
        self.right.take_if(|right| right.is_over(now));
    }

    pub(super) fn reset_future_times(&mut self, now: Timestamp) {
        self.issues.reset_future_times(now);
    }
}

impl IssueRight {
    fn is_over(&self, now: Timestamp) -> bool {
        now.saturating_since(self.granted_at) > RIGHT_AGE || is_clock_fault(self.granted_at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TwoAMinute = Recent<2, 60>;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000).saturating_add(seconds)
    }

    fn admit(recent: &TwoAMinute, now: Timestamp) -> Result<(), Rejection> {
        recent.admit(now, |retry_after| Rejection::TooManyIssues { retry_after })
    }

    fn after(times: &[u64]) -> TwoAMinute {
        let mut recent = TwoAMinute::new();
        for time in times {
            recent.add(at(*time));
        }
        recent
    }

    #[test]
    fn the_limit_holds_within_any_span() {
        let recent = after(&[0, 40]);
        let retry_after = |seconds| {
            let retry_after = Duration::from_secs(seconds);
            Err(Rejection::TooManyIssues { retry_after })
        };
        assert_eq!(admit(&recent, at(40)), retry_after(20));
        assert_eq!(admit(&recent, at(59)), retry_after(1));
        assert_eq!(admit(&recent, at(60)), Ok(()));
        assert_eq!(admit(&after(&[0, 40, 60]), at(60)), retry_after(40));
    }

    #[test]
    fn times_that_no_longer_count_are_dropped() {
        let mut recent = after(&[0, 40]);
        recent.forget(at(60));
        assert_eq!(recent.times(), [at(40)]);
        recent.forget(at(100));
        assert_eq!(recent, TwoAMinute::new());
    }

    #[test]
    fn a_time_far_ahead_is_a_clock_fault_until_it_is_reset_future_times() {
        let mut recent = after(&[7200]);
        assert_eq!(admit(&recent, at(0)), Err(Rejection::ClockFault));
        recent.reset_future_times(at(0));
        assert_eq!(admit(&recent, at(0)), Ok(()));
        assert_eq!(recent.times(), [at(0)]);
    }
}
