//! The two limits on guesses, and how far the clocks of two servers may differ.

use crate::{DeviceId, Policy, Rejection, Timestamp};
use core::time::Duration;

/// Whether the verifier would check a code of the account now, and if not, the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum RateLimitState {
    /// The verifier would check a code.
    Free,
    /// Back-off after consecutive failures.
    Waiting {
        /// The time to wait, in whole seconds.
        retry_after: Duration,
    },
    /// No guess is left in the budget.
    BudgetSpent {
        /// The time until the budget gains a guess, in whole seconds.
        retry_after: Duration,
    },
    /// Locked until [`Verifier::unlock`](crate::Verifier::unlock).
    Locked,
    /// A stored time is more than an hour ahead of this server's clock, so one of two clocks is
    /// wrong. This state ends when the stored time is at most an hour ahead. It also ends if you
    /// call [`Verifier::unlock`](crate::Verifier::unlock) with
    /// [`ServerClock::Confirmed`](crate::ServerClock::Confirmed).
    ClockFault,
}

/// What an attempt took that is counted before its hash is computed. An accepted code gives it
/// back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// A guess of the budget.
    Budget,
    /// A failure of a device. `None` if the call that joined did not send the token.
    Device(Option<DeviceId>),
}

impl RateLimitState {
    /// Returns the rejection that any code would get now, or `None` if a code would be checked.
    #[must_use]
    pub const fn rejection(self) -> Option<Rejection> {
        match self {
            Self::Free => None,
            Self::Waiting { retry_after } => Some(Rejection::Waiting { retry_after }),
            Self::BudgetSpent { retry_after } => Some(Rejection::BudgetSpent { retry_after }),
            Self::Locked => Some(Rejection::Locked),
            Self::ClockFault => Some(Rejection::ClockFault),
        }
    }
}

/// The limits on guesses of one account: back-off and budget. The back-off grows with consecutive
/// failures. The budget is a token bucket that a success does not refill.
///
/// It stores the times of events instead of deadlines. A deadline from a server whose clock is fast
/// would block the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Consecutive failures.
    pub(crate) failures: u32,
    /// The time of the last failure.
    pub(crate) failed_at: Timestamp,
    /// Guesses left in the budget at `refilled_at`.
    pub(crate) guesses_left: u32,
    /// The time from which the next refill is counted.
    pub(crate) refilled_at: Timestamp,
}

/// The guesses that an account has at least after an unlock.
const UNLOCKED_GUESSES: u32 = 5;

impl RateLimit {
    pub(crate) const fn new(now: Timestamp, policy: &Policy) -> Self {
        Self {
            failures: 0,
            failed_at: Timestamp::UNIX_EPOCH,
            guesses_left: policy.budget_burst(),
            refilled_at: now,
        }
    }

    /// Whether a code may be checked now.
    pub(crate) fn state(&self, now: Timestamp, policy: &Policy) -> RateLimitState {
        if self.failures >= policy.lock_after() {
            return RateLimitState::Locked;
        }
        // Checks a stored time only if a limit depends on this time.
        let wait = policy.wait_after(self.failures);
        if !wait.is_zero() {
            if is_clock_fault(self.failed_at, now) {
                return RateLimitState::ClockFault;
            }
            if let Some(retry_after) = remaining(self.failed_at, wait, now) {
                return RateLimitState::Waiting { retry_after };
            }
        }
        if self.guesses_left_at(now, policy) == 0 {
            if is_clock_fault(self.refilled_at, now) {
                return RateLimitState::ClockFault;
            }
            let retry_after =
                remaining(self.refilled_at, policy.budget_refill(), now).unwrap_or_default();
            return RateLimitState::BudgetSpent { retry_after };
        }
        RateLimitState::Free
    }

    /// Whether a stored time is too far ahead: this server's clock is wrong, or the clock of
    /// another server was wrong.
    pub(crate) fn has_clock_fault(&self, now: Timestamp) -> bool {
        is_clock_fault(self.failed_at, now) || is_clock_fault(self.refilled_at, now)
    }

    /// Sets times that lie in the future to now. Call this only if the clock is correct.
    pub(crate) fn reset_future_times(&mut self, now: Timestamp) {
        self.failed_at = self.failed_at.min(now);
        self.refilled_at = self.refilled_at.min(now);
    }

    /// Counts a failure.
    pub(crate) fn fail(&mut self, now: Timestamp, policy: &Policy) {
        self.refill(now, policy);
        self.guesses_left = self.guesses_left.saturating_sub(1);
        self.fail_on_known_device(now);
    }

    /// Counts a failure of a known device: for the lock-out, but not in the budget.
    pub(super) fn fail_on_known_device(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.failed_at = self.failed_at.max(now);
    }

    /// Resets consecutive failures after an accepted attempt. The budget stays as it is.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Like [`succeed`](Self::succeed), for an attempt that was counted as a failure first. Refunds
    /// the guess of the attempt.
    pub(crate) fn succeed_after_counting(&mut self, policy: &Policy) {
        self.failures = 0;
        self.guesses_left = self
            .guesses_left
            .saturating_add(1)
            .min(policy.budget_burst());
    }

    /// Ends back-off and lock-out, and leaves at least a few guesses.
    pub(crate) fn unlock(&mut self, now: Timestamp, policy: &Policy) {
        self.failures = 0;
        self.refill(now, policy);
        self.guesses_left = self
            .guesses_left
            .max(UNLOCKED_GUESSES.min(policy.budget_burst()));
    }

    fn refill(&mut self, now: Timestamp, policy: &Policy) {
        let guesses_left = self.guesses_left_at(now, policy);
        if guesses_left >= policy.budget_burst() {
            self.refilled_at = self.refilled_at.max(now);
        } else {
            let gained = u64::from(guesses_left.saturating_sub(self.guesses_left));
            let seconds = gained.saturating_mul(policy.budget_refill().as_secs());
            self.refilled_at = self.refilled_at.saturating_add(seconds);
        }
        self.guesses_left = guesses_left;
    }

    fn guesses_left_at(&self, now: Timestamp, policy: &Policy) -> u32 {
        let elapsed = now.saturating_since(self.refilled_at);
        let gained = elapsed
            .checked_div(policy.budget_refill().as_secs())
            .unwrap_or_default();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        self.guesses_left
            .saturating_add(gained)
            .min(policy.budget_burst())
    }
}

/// The most that the time of a proof may lie ahead of now: clocks that NTP synchronizes differ by
/// less.
const CLOCK_SKEW: Duration = Duration::from_secs(10);

/// Whether a time is at most so many seconds old, and not further ahead than the clocks of two
/// servers differ.
pub(crate) const fn is_recent(at: Timestamp, now: Timestamp, max_age: u64) -> bool {
    now.saturating_since(at) <= max_age && at.saturating_since(now) <= CLOCK_SKEW.as_secs()
}

/// The most that a stored time may lie ahead of now.
const CLOCK_FAULT: Duration = Duration::from_secs(3600);

/// Whether a stored time is further ahead than the clocks of working servers differ.
pub(super) fn is_clock_fault(stored: Timestamp, now: Timestamp) -> bool {
    stored > now.saturating_add(CLOCK_FAULT.as_secs())
}

/// The rest of a duration that began at `since`, as of `now`; `None` if the duration is over.
pub(super) fn remaining(since: Timestamp, duration: Duration, now: Timestamp) -> Option<Duration> {
    let left = since
        .saturating_add(duration.as_secs())
        .saturating_since(now);
    (left > 0).then(|| Duration::from_secs(left))
}

/// What you know about this server's clock when you call
/// [`Verifier::unlock`](crate::Verifier::unlock).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerClock {
    /// You know nothing about this server's clock. If a stored time is more than an hour ahead of
    /// this server's clock, the call returns [`Rejection::ClockFault`]: one of the two clocks is
    /// wrong.
    Unconfirmed,
    /// You compared this server's clock with another source of time, and the clock is correct. The
    /// call sets stored times that lie in the future to now. It ends the known devices that were
    /// remembered more than an hour in the future.
    ///
    /// First correct the clock that was fast. While that clock is fast, each such call gives an
    /// attacker the refills of the time difference again. If this server's clock is in fact slow,
    /// the call gives guesses back.
    Confirmed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use std::vec::Vec;

    const DAY: u64 = 86_400;
    /// By default, the budget holds ten guesses, and gains one in three days.
    const REFILL: u64 = 3 * DAY;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000).saturating_add(seconds)
    }

    fn failed(times: u32, now: Timestamp) -> (RateLimit, Policy) {
        let policy = Policy::default();
        let mut limit = RateLimit::new(now, &policy);
        for _ in 0..times {
            limit.fail(now, &policy);
        }
        (limit, policy)
    }

    #[test]
    fn the_waits_of_the_design() {
        let seconds = |failures| {
            let (limit, policy) = failed(failures, at(0));
            match limit.state(at(0), &policy) {
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
        let (limit, policy) = failed(5, at(0));
        assert_eq!(
            limit.state(at(29), &policy),
            RateLimitState::Waiting {
                retry_after: Duration::from_secs(1)
            }
        );
        assert_eq!(limit.state(at(30), &policy), RateLimitState::Free);
    }

    #[test]
    fn success_does_not_refill_the_budget() {
        let policy = Policy::default();
        let mut limit = RateLimit::new(at(0), &policy);
        for _ in 0..10 {
            limit.fail(at(100), &policy);
            limit.succeed();
        }
        let spent = |left| RateLimitState::BudgetSpent {
            retry_after: Duration::from_secs(left),
        };
        assert_eq!(limit.state(at(100), &policy), spent(REFILL));
        assert_eq!(limit.state(at(100 + REFILL - 1), &policy), spent(1));
        assert_eq!(limit.state(at(100 + REFILL), &policy), RateLimitState::Free);
        limit.fail(at(100 + REFILL + 10), &policy);
        assert_eq!(
            limit.state(at(100 + REFILL + 10), &policy),
            spent(REFILL - 10)
        );
        assert_eq!(limit.guesses_left_at(at(100 + 4 * REFILL), &policy), 3);
        assert_eq!(limit.guesses_left_at(at(100 + 400 * REFILL), &policy), 10);
    }

    #[test]
    fn at_a_hundred_failures_it_is_locked_until_unlocked() {
        let policy = Policy::default();
        let mut limit = RateLimit::new(at(0), &policy);
        for n in 0..100 {
            assert_ne!(
                limit.state(at(n * REFILL), &policy),
                RateLimitState::Locked,
                "after {n}"
            );
            limit.fail(at(n * REFILL), &policy);
        }
        assert_eq!(
            limit.state(at(10_000 * REFILL), &policy),
            RateLimitState::Locked
        );
        limit.unlock(at(100 * REFILL), &policy);
        assert_eq!(limit.state(at(100 * REFILL), &policy), RateLimitState::Free);
    }

    #[test]
    fn unlocking_raises_a_spent_budget_to_five() {
        let (mut limit, policy) = failed(10, at(0));
        limit.unlock(at(10), &policy);
        assert_eq!(limit.guesses_left_at(at(10), &policy), 5);
        let (mut limit, policy) = failed(2, at(0));
        limit.unlock(at(10), &policy);
        assert_eq!(limit.guesses_left_at(at(10), &policy), 8);
    }

    #[test]
    fn a_clock_that_runs_back_gains_nothing() {
        let (mut limit, policy) = failed(5, at(3000));
        assert!(!limit.has_clock_fault(at(0)));
        assert_eq!(
            limit.state(at(0), &policy),
            RateLimitState::Waiting {
                retry_after: Duration::from_secs(3030)
            }
        );
        limit.fail(at(0), &policy);
        assert_eq!(limit.failed_at, at(3000), "times only rise");
    }

    #[test]
    fn a_failure_far_ahead_is_a_clock_fault_where_a_wait_depends_on_it() {
        let (limit, policy) = failed(7, at(10 * DAY));
        assert_eq!(limit.state(at(0), &policy), RateLimitState::ClockFault);
        let (limit, policy) = failed(4, at(10 * DAY));
        assert_eq!(limit.state(at(0), &policy), RateLimitState::Free);
        assert!(limit.has_clock_fault(at(0)));
    }

    #[test]
    fn a_spent_budget_far_ahead_is_a_clock_fault() {
        let (mut limit, policy) = failed(10, at(10 * DAY));
        limit.succeed();
        assert_eq!(limit.state(at(0), &policy), RateLimitState::ClockFault);
        limit.reset_future_times(at(0));
        let spent = RateLimitState::BudgetSpent {
            retry_after: Duration::from_secs(REFILL),
        };
        assert_eq!(limit.state(at(0), &policy), spent);
    }

    #[test]
    fn setting_times_back_gives_no_guess() {
        let (mut limit, policy) = failed(7, at(10 * DAY));
        limit.reset_future_times(at(0));
        assert!(!limit.has_clock_fault(at(0)));
        assert_eq!(limit.guesses_left_at(at(0), &policy), 3);
        let waiting = RateLimitState::Waiting {
            retry_after: Duration::from_secs(120),
        };
        assert_eq!(limit.state(at(0), &policy), waiting);
    }

    #[test]
    fn a_clock_that_is_ahead_gains_its_guesses_once() {
        let (mut limit, policy) = failed(10, at(0));
        let mut admitted = 0;
        for turn in 0..10 {
            for now in [at(3 * REFILL + turn), at(turn)] {
                limit.succeed();
                while limit.state(now, &policy) == RateLimitState::Free {
                    limit.fail(now, &policy);
                    admitted += 1;
                }
            }
        }
        assert_eq!(admitted, 3);
        assert_eq!(limit.guesses_left_at(at(4 * REFILL - 1), &policy), 0);
        assert_eq!(limit.guesses_left_at(at(4 * REFILL), &policy), 1);
    }

    #[test]
    fn a_clock_that_is_behind_gains_no_guess() {
        let (mut limit, policy) = failed(10, at(DAY));
        for behind in [7200, 1800, 60, 1] {
            limit.unlock(at(DAY), &policy);
            let left = limit.guesses_left_at(at(DAY), &policy);
            limit.unlock(at(DAY - behind), &policy);
            assert_eq!(limit.guesses_left_at(at(DAY), &policy), left, "{behind} s");
        }
    }

    #[test]
    fn a_budget_whose_times_were_reset_future_times_gains_from_now_on() {
        let (mut limit, policy) = failed(1, at(1000 * DAY));
        limit.reset_future_times(at(0));
        limit.fail(at(0), &policy);
        assert_eq!(limit.guesses_left_at(at(0), &policy), 8);
        assert_eq!(limit.guesses_left_at(at(REFILL), &policy), 9);
    }

    #[test]
    fn a_reserved_unit_comes_back_once() {
        let (mut limit, policy) = failed(3, at(0));
        limit.succeed_after_counting(&policy);
        assert_eq!((limit.failures, limit.guesses_left), (0, 8));
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        let policy = Policy::default();
        let end = Timestamp::from_unix(u64::MAX);
        let mut limit = RateLimit {
            failures: u32::MAX,
            failed_at: end,
            guesses_left: u32::MAX,
            refilled_at: end,
        };
        assert_eq!(limit.state(end, &policy), RateLimitState::Locked);
        limit.fail(end, &policy);
        limit.unlock(end, &policy);
        assert_eq!(limit.state(end, &policy), RateLimitState::Free);
        assert!(!limit.has_clock_fault(end));
    }
}
