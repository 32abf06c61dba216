//! How far the clock of a phone is off, as a passcode shows it. The verifier never applies this
//! offset: it only reports the offset.
//!
//! A window around a learnt offset would double the passcodes that a guess can match, and would
//! reject the phone as soon as its clock is set right.

use super::authenticator::Authenticator;
use super::moving_factor::MovingFactor;
use super::second_factor::{Accepted, SecondFactor};
use crate::otp::{Period, TimeStep};
use crate::{AcceptedBy, Policy, Rejection, Timestamp};
use core::time::Duration;

impl SecondFactor {
    /// The answer to a code that was just accepted. An authenticator in it has moved already.
    pub(crate) fn accepted(&self, by: AcceptedBy, at: Timestamp) -> Accepted {
        let clock_offset = match by {
            AcceptedBy::Authenticator { id } | AcceptedBy::Enrollment { id } => {
                let mut active = self.authenticators.iter();
                let active = active.find(|active| active.id == id);
                active.and_then(|active| active.moving.clock_offset(at))
            }
            AcceptedBy::BackupCode { .. } => None,
        };
        Accepted {
            by,
            at,
            clock_offset,
        }
    }
}

impl Authenticator {
    /// The rejection of a used passcode.
    pub(super) fn replayed(&self, now: Timestamp, policy: &Policy) -> Rejection {
        match self.moving.used_for(now, policy) {
            Some(retry_after) => Rejection::ReplayedAhead { retry_after },
            None => Rejection::Replayed,
        }
    }
}

impl MovingFactor {
    /// How far the clock of the phone was off that showed the last accepted passcode at `now`.
    fn clock_offset(self, now: Timestamp) -> Option<i32> {
        match self {
            Self::Time {
                period,
                t0,
                last_step: Some(step),
            } => Some(seconds_ahead(step, period, t0, now)),
            Self::Time { .. } | Self::Counter { .. } => None,
        }
    }

    /// How long every passcode of the window stays used, if the last accepted time step lies beyond
    /// the window: the time until a phone whose clock is right shows an unused passcode.
    fn used_for(self, now: Timestamp, policy: &Policy) -> Option<Duration> {
        let Self::Time {
            period,
            t0,
            last_step: Some(last),
        } = self
        else {
            return None;
        };
        let begin = |step: u64| t0.saturating_add(step.saturating_mul(period.as_secs()));
        let latest = last.get().saturating_sub(policy.window().after.into());
        let unused = begin(last.get().saturating_add(1));
        let is_beyond = begin(latest) > now;
        let seconds = unused.saturating_since(now);
        is_beyond.then_some(Duration::from_secs(seconds))
    }
}

/// The seconds by which a clock is ahead, at least, that shows this time step at `now`. Negative if
/// the clock is behind. Zero within the step.
pub(super) fn seconds_ahead(step: TimeStep, period: Period, t0: Timestamp, now: Timestamp) -> i32 {
    let begin = t0.saturating_add(step.get().saturating_mul(period.as_secs()));
    let last = begin.saturating_add(period.as_secs().saturating_sub(1));
    let seconds = |since: u64| i32::try_from(since).unwrap_or(i32::MAX);
    let ahead = seconds(begin.saturating_since(now));
    ahead.saturating_sub(seconds(now.saturating_since(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Window;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_015);
    /// The time step of `NOW`, which began 15 s ago.
    const STEP: u64 = 60_000_000;

    const fn time(t0: Timestamp, last_step: u64) -> MovingFactor {
        MovingFactor::Time {
            period: Period::THIRTY_SECONDS,
            t0,
            last_step: Some(TimeStep::new(last_step)),
        }
    }

    fn used(last_step: u64) -> MovingFactor {
        time(Timestamp::UNIX_EPOCH, last_step)
    }

    #[test]
    fn an_offset_is_the_distance_to_the_step() {
        for (step, seconds) in [
            (STEP - 20, -586),
            (STEP - 2, -46),
            (STEP - 1, -16),
            (STEP, 0),
            (STEP + 1, 15),
            (STEP + 2, 45),
            (STEP + 20, 585),
        ] {
            assert_eq!(used(step).clock_offset(NOW), Some(seconds), "{step}");
        }
        let at = |second: u64| Timestamp::from_unix(1_800_000_000 + second);
        let seconds = [0, 29, 30, 31].map(|second| used(STEP).clock_offset(at(second)));
        assert_eq!(seconds, [Some(0), Some(0), Some(-1), Some(-2)]);
        let hour_later = time(NOW.saturating_add(3600), 0);
        assert_eq!(hour_later.clock_offset(NOW), Some(3600));
        assert_eq!(MovingFactor::Counter { next: 7 }.clock_offset(NOW), None);
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let end = Timestamp::from_unix(u64::MAX);
        for step in [0, STEP, u64::MAX] {
            for now in [Timestamp::UNIX_EPOCH, NOW, end] {
                for t0 in [Timestamp::UNIX_EPOCH, end] {
                    let offset = time(t0, step).clock_offset(now).unwrap();
                    assert!(offset.unsigned_abs() <= i32::MAX.unsigned_abs());
                    let wait = time(t0, step).used_for(now, &Policy::default());
                    assert!(wait.is_none_or(|wait| !wait.is_zero()));
                }
            }
        }
    }

    #[test]
    fn a_step_beyond_the_window_has_a_wait() {
        for (after, last, seconds) in [
            (1, STEP, None),
            (1, STEP + 1, None),
            (1, STEP + 2, Some(75)),
            (1, STEP + 20, Some(615)),
            (0, STEP, None),
            (0, STEP + 1, Some(45)),
            (10, STEP + 10, None),
            (10, STEP + 11, Some(345)),
        ] {
            let window = Window { before: 1, after };
            let policy = Policy::builder().window(window).build().unwrap();
            let wait = used(last).used_for(NOW, &policy);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{after} {last}");
        }
        let counter = MovingFactor::Counter { next: u64::MAX };
        assert_eq!(counter.used_for(NOW, &Policy::default()), None);
    }
}
