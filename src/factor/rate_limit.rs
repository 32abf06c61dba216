//! How far the clocks of two servers may differ.

use crate::factor::RateLimitState;
use crate::{Policy, Timestamp};
use core::time::Duration;

/// The two limits on guesses: a wait that grows with consecutive failures, and a long-term budget that
/// success does not refill. All times are kept as they were, never as deadlines of another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Throttle {
    /// Consecutive failures.
    pub(crate) failures: u32,
    /// The time of the last failure.
    pub(crate) failed_at: Timestamp,
    /// Guesses left in the budget at `refilled_at`.
    pub(crate) level: u32,
    /// The time from which the next refill is counted.
    pub(crate) refilled_at: Timestamp,
}

/// What an unlocked account has at least.
const UNLOCKED_LEVEL: u32 = 5;

impl Throttle {
    pub(crate) const fn new(now: Timestamp, policy: &Policy) -> Self {
        Self {
            failures: 0,
            failed_at: Timestamp::UNIX_EPOCH,
            level: policy.budget_burst(),
            refilled_at: now,
        }
    }

    /// Whether an attempt may be looked at.
    pub(crate) fn hold(&self, now: Timestamp, policy: &Policy) -> RateLimitState {
        if self.failures >= policy.lock_after() {
            return RateLimitState::Locked;
        }
        // A stored time matters only where a limit depends on it.
        let wait = policy.wait_after(self.failures);
        if !wait.is_zero() {
            if is_clock_fault(self.failed_at, now) {
                return RateLimitState::ClockFault;
            }
            if let Some(retry_after) = remaining(self.failed_at, wait, now) {
                return RateLimitState::Waiting { retry_after };
            }
        }
        if self.level_at(now, policy) == 0 {
            if is_clock_fault(self.refilled_at, now) {
                return RateLimitState::ClockFault;
            }
            let retry_after =
                remaining(self.refilled_at, policy.budget_refill(), now).unwrap_or_default();
            return RateLimitState::BudgetSpent { retry_after };
        }
        RateLimitState::Free
    }

    /// Whether a stored time lies too far ahead: this server's clock is wrong, or another's was.
    pub(crate) fn has_clock_fault(&self, now: Timestamp) -> bool {
        is_clock_fault(self.failed_at, now) || is_clock_fault(self.refilled_at, now)
    }

    /// Sets the times that lie ahead of a clock that is right to its time.
    pub(crate) fn set_back(&mut self, now: Timestamp) {
        self.failed_at = self.failed_at.min(now);
        self.refilled_at = self.refilled_at.min(now);
    }

    /// Counts a failure.
    pub(crate) fn fail(&mut self, now: Timestamp, policy: &Policy) {
        self.refill(now, policy);
        self.level = self.level.saturating_sub(1);
        self.failures = self.failures.saturating_add(1);
        self.failed_at = self.failed_at.max(now);
    }

    /// An accepted attempt ends the row of failures. The budget stays as it is.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// An accepted attempt that was counted as a failure beforehand: its unit of the budget comes back.
    pub(crate) fn succeed_after_reserving(&mut self, policy: &Policy) {
        self.failures = 0;
        self.level = self.level.saturating_add(1).min(policy.budget_burst());
    }

    /// Ends the wait and the lock, and leaves at least a few guesses.
    pub(crate) fn unlock(&mut self, now: Timestamp, policy: &Policy) {
        self.failures = 0;
        self.refill(now, policy);
        self.level = self.level.max(UNLOCKED_LEVEL.min(policy.budget_burst()));
    }

    fn refill(&mut self, now: Timestamp, policy: &Policy) {
        let level = self.level_at(now, policy);
        if level >= policy.budget_burst() {
            self.refilled_at = self.refilled_at.max(now);
        } else {
            let gained = u64::from(level.saturating_sub(self.level));
            let seconds = gained.saturating_mul(policy.budget_refill().as_secs());
            self.refilled_at = self.refilled_at.saturating_add(seconds);
        }
        self.level = level;
    }

    fn level_at(&self, now: Timestamp, policy: &Policy) -> u32 {
        let elapsed = now.saturating_since(self.refilled_at);
        let gained = elapsed
            .checked_div(policy.budget_refill().as_secs())
            .unwrap_or_default();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        self.level.saturating_add(gained).min(policy.budget_burst())
    }
}

/// How far ahead of now the time of a proof may lie: clocks kept by NTP differ by less.
pub(super) const CLOCK_SKEW: Duration = Duration::from_secs(10);

/// How far ahead of now a stored time may lie.
const CLOCK_FAULT: Duration = Duration::from_secs(3600);

/// Whether a stored time lies further ahead than the clocks of working servers differ.
pub(super) fn is_clock_fault(stored: Timestamp, now: Timestamp) -> bool {
    stored > now.saturating_add(CLOCK_FAULT.as_secs())
}

/// What is left at `now` of a duration that began at `since`; `None` when it is over.
pub(super) fn remaining(since: Timestamp, duration: Duration, now: Timestamp) -> Option<Duration> {
    let left = since
        .saturating_add(duration.as_secs())
        .saturating_since(now);
    (left > 0).then(|| Duration::from_secs(left))
}

/// What the caller of [`Verifier::unlock`](crate::Verifier::unlock) knows about this server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerClock {
    /// Nothing. If a stored time lies more than an hour ahead of this server's clock, one of the two
    /// clocks is wrong, and the call is refused with
    /// [`Rejection::ClockFault`](crate::Rejection::ClockFault).
    Unconfirmed,
    /// It is right: somebody has compared it with another source of time. Stored times that lie ahead
    /// are set to now. Correct the clock that was ahead first: while it stays ahead, each such call gives
    /// an attacker the refills of that time again. If this clock is in fact behind, it gives guesses back.
    Confirmed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use std::vec::Vec;

    const DAY: u64 = 86_400;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000).saturating_add(seconds)
    }

    fn failed(times: u32, now: Timestamp) -> (Throttle, Policy) {
        let policy = Policy::default();
        let mut throttle = Throttle::new(now, &policy);
        for _ in 0..times {
            throttle.fail(now, &policy);
        }
        (throttle, policy)
    }

    #[test]
    fn the_waits_of_the_design() {
        let seconds = |failures| {
            let (throttle, policy) = failed(failures, at(0));
            match throttle.hold(at(0), &policy) {
                RateLimitState::Free => 0,
                RateLimitState::Waiting { retry_after } => retry_after.as_secs(),
                other => panic!("{other:?}"),
            }
        };
        let waits: Vec<u64> = (0..15).map(seconds).collect();
        assert_eq!(
            waits,
            [
                0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600
            ]
        );
    }

    #[test]
    fn a_wait_ends_to_the_second() {
        let (throttle, policy) = failed(5, at(0));
        assert_eq!(
            throttle.hold(at(29), &policy),
            RateLimitState::Waiting {
                retry_after: Duration::from_secs(1)
            }
        );
        assert_eq!(throttle.hold(at(30), &policy), RateLimitState::Free);
    }

    #[test]
    fn the_budget_refills_one_a_day_and_success_does_not_refill_it() {
        let policy = Policy::default();
        let mut throttle = Throttle::new(at(0), &policy);
        for _ in 0..20 {
            throttle.fail(at(100), &policy);
            throttle.succeed();
        }
        let spent = |left| RateLimitState::BudgetSpent {
            retry_after: Duration::from_secs(left),
        };
        assert_eq!(throttle.hold(at(100), &policy), spent(DAY));
        assert_eq!(throttle.hold(at(100 + DAY - 1), &policy), spent(1));
        assert_eq!(throttle.hold(at(100 + DAY), &policy), RateLimitState::Free);
        throttle.fail(at(100 + DAY + 10), &policy);
        assert_eq!(throttle.hold(at(100 + DAY + 10), &policy), spent(DAY - 10));
        assert_eq!(throttle.level_at(at(100 + 4 * DAY), &policy), 3);
        assert_eq!(throttle.level_at(at(100 + 400 * DAY), &policy), 20);
    }

    #[test]
    fn at_a_hundred_failures_it_is_locked_until_unlocked() {
        let policy = Policy::default();
        let mut throttle = Throttle::new(at(0), &policy);
        for n in 0..100 {
            assert_ne!(
                throttle.hold(at(n * DAY), &policy),
                RateLimitState::Locked,
                "after {n}"
            );
            throttle.fail(at(n * DAY), &policy);
        }
        assert_eq!(
            throttle.hold(at(10_000 * DAY), &policy),
            RateLimitState::Locked
        );
        throttle.unlock(at(100 * DAY), &policy);
        assert_eq!(throttle.hold(at(100 * DAY), &policy), RateLimitState::Free);
    }

    #[test]
    fn unlocking_raises_a_spent_budget_to_five() {
        let (mut throttle, policy) = failed(20, at(0));
        throttle.unlock(at(10), &policy);
        assert_eq!(throttle.level_at(at(10), &policy), 5);
        let (mut throttle, policy) = failed(2, at(0));
        throttle.unlock(at(10), &policy);
        assert_eq!(throttle.level_at(at(10), &policy), 18);
    }

    #[test]
    fn a_clock_that_runs_back_gains_nothing() {
        let (mut throttle, policy) = failed(5, at(3000));
        assert!(!throttle.has_clock_fault(at(0)));
        assert_eq!(
            throttle.hold(at(0), &policy),
            RateLimitState::Waiting {
                retry_after: Duration::from_secs(3030)
            }
        );
        throttle.fail(at(0), &policy);
        assert_eq!(throttle.failed_at, at(3000), "times only rise");
    }

    #[test]
    fn a_failure_far_ahead_is_a_clock_fault_where_a_wait_depends_on_it() {
        let (throttle, policy) = failed(7, at(10 * DAY));
        assert_eq!(throttle.hold(at(0), &policy), RateLimitState::ClockFault);
        let (throttle, policy) = failed(4, at(10 * DAY));
        assert_eq!(throttle.hold(at(0), &policy), RateLimitState::Free);
        assert!(throttle.has_clock_fault(at(0)));
    }

    #[test]
    fn a_spent_budget_far_ahead_is_a_clock_fault() {
        let (mut throttle, policy) = failed(20, at(10 * DAY));
        throttle.succeed();
        assert_eq!(throttle.hold(at(0), &policy), RateLimitState::ClockFault);
        throttle.set_back(at(0));
        let spent = RateLimitState::BudgetSpent {
            retry_after: Duration::from_secs(DAY),
        };
        assert_eq!(throttle.hold(at(0), &policy), spent);
    }

    #[test]
    fn setting_times_back_gives_no_guess() {
        let (mut throttle, policy) = failed(7, at(10 * DAY));
        throttle.set_back(at(0));
        assert!(!throttle.has_clock_fault(at(0)));
        assert_eq!(throttle.level_at(at(0), &policy), 13);
        let waiting = RateLimitState::Waiting {
            retry_after: Duration::from_secs(120),
        };
        assert_eq!(throttle.hold(at(0), &policy), waiting);
    }

    #[test]
    fn a_clock_that_is_ahead_gains_its_guesses_once() {
        let (mut throttle, policy) = failed(20, at(0));
        let mut admitted = 0;
        for turn in 0..10 {
            for now in [at(3 * DAY + turn), at(turn)] {
                throttle.succeed();
                while throttle.hold(now, &policy) == RateLimitState::Free {
                    throttle.fail(now, &policy);
                    admitted += 1;
                }
            }
        }
        assert_eq!(admitted, 3);
        assert_eq!(throttle.level_at(at(4 * DAY - 1), &policy), 0);
        assert_eq!(throttle.level_at(at(4 * DAY), &policy), 1);
    }

    #[test]
    fn a_clock_that_is_behind_gains_no_guess() {
        let (mut throttle, policy) = failed(20, at(DAY));
        for behind in [7200, 1800, 60, 1] {
            throttle.unlock(at(DAY), &policy);
            let left = throttle.level_at(at(DAY), &policy);
            throttle.unlock(at(DAY - behind), &policy);
            assert_eq!(throttle.level_at(at(DAY), &policy), left, "{behind} s");
        }
    }

    #[test]
    fn a_budget_whose_times_were_set_back_gains_from_now_on() {
        let (mut throttle, policy) = failed(1, at(1000 * DAY));
        throttle.set_back(at(0));
        throttle.fail(at(0), &policy);
        assert_eq!(throttle.level_at(at(0), &policy), 18);
        assert_eq!(throttle.level_at(at(DAY), &policy), 19);
    }

    #[test]
    fn a_reserved_unit_comes_back_once() {
        let (mut throttle, policy) = failed(3, at(0));
        throttle.succeed_after_reserving(&policy);
        assert_eq!((throttle.failures, throttle.level), (0, 18));
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        let policy = Policy::default();
        let end = Timestamp::from_unix(u64::MAX);
        let mut throttle = Throttle {
            failures: u32::MAX,
            failed_at: end,
            level: u32::MAX,
            refilled_at: end,
        };
        assert_eq!(throttle.hold(end, &policy), RateLimitState::Locked);
        throttle.fail(end, &policy);
        throttle.unlock(end, &policy);
        assert_eq!(throttle.hold(end, &policy), RateLimitState::Free);
        assert!(!throttle.has_clock_fault(end));
    }
}
