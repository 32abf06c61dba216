//! The rate limits of the reference model, computed each time from all events.

use super::rules::Rules;
use countersign::factor::RateLimitState;
use std::time::Duration;

/// An event that changes the rate limit, with the time on the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The record was created.
    Created { at: u64 },
    /// An attempt was counted as a failure.
    Failed { at: u64 },
    /// An attempt on a known device was counted as a failure.
    FailedOnDevice { at: u64 },
    /// The last counted attempt was right. It no longer counts.
    Refunded,
    /// The count of consecutive failures was reset.
    FailuresReset,
    /// Consecutive passcodes were accepted.
    Row { at: u64 },
    /// The account was unlocked.
    Unlocked { at: u64 },
    /// Future times were set to now, by a clock that is confirmed to be right.
    ClockConfirmed { at: u64 },
}

/// All events of one account that change the rate limit.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    rules: Rules,
    events: Vec<Event>,
}

/// The state that follows from the events.
struct Bucket {
    failures: u32,
    failed_at: u64,
    guesses_left: u32,
    refilled_at: u64,
}

/// A stored time that is further ahead than this is a clock fault.
pub(crate) const HOUR: u64 = 3600;

impl Throttle {
    pub(crate) fn new(rules: &Rules, at: u64) -> Self {
        Self {
            rules: rules.clone(),
            events: vec![Event::Created { at }],
        }
    }

    pub(crate) fn add(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Whether a time is more than an hour ahead, even if no limit depends on that time now.
    pub(crate) fn has_clock_fault(&self, now: u64) -> bool {
        let bucket = self.bucket();
        bucket.failed_at > now + HOUR || bucket.refilled_at > now + HOUR
    }

    /// The checks are lock-out, back-off and budget, in this order. Back-off and budget depend on a
    /// time, which may be a clock fault.
    pub(crate) fn rate_limit(&self, now: u64) -> RateLimitState {
        let mut bucket = self.bucket();
        if bucket.failures >= self.rules.lock_after {
            return RateLimitState::Locked;
        }
        let wait = self.backoff_after(bucket.failures);
        let free_at = bucket.failed_at + wait;
        if wait > 0 && bucket.failed_at > now + HOUR {
            return RateLimitState::ClockFault;
        }
        if wait > 0 && now < free_at {
            return RateLimitState::Waiting {
                retry_after: Duration::from_secs(free_at - now),
            };
        }
        self.refill(&mut bucket, now);
        if bucket.guesses_left == 0 && bucket.refilled_at > now + HOUR {
            return RateLimitState::ClockFault;
        }
        if bucket.guesses_left == 0 {
            return RateLimitState::BudgetSpent {
                retry_after: Duration::from_secs(bucket.refilled_at + self.rules.budget.1 - now),
            };
        }
        RateLimitState::Free
    }

    /// Zero for the free failures, then the first back-off. Each further failure doubles the
    /// back-off, up to the longest.
    fn backoff_after(&self, failures: u32) -> u64 {
        let (free, first, longest) = self.rules.backoff;
        if failures < free {
            return 0;
        }
        let mut wait = first;
        for _ in free..failures {
            wait = (wait * 2).min(longest);
        }
        wait
    }

    fn bucket(&self) -> Bucket {
        let burst = self.rules.budget.0;
        let mut bucket = Bucket {
            failures: 0,
            failed_at: 0,
            guesses_left: burst,
            refilled_at: 0,
        };
        for event in &self.events {
            match *event {
                Event::Created { at } => bucket.refilled_at = at,
                Event::Failed { at } => {
                    self.refill(&mut bucket, at);
                    bucket.guesses_left -= 1;
                    bucket.failures += 1;
                    bucket.failed_at = bucket.failed_at.max(at);
                }
                Event::FailedOnDevice { at } => {
                    bucket.failures += 1;
                    bucket.failed_at = bucket.failed_at.max(at);
                }
                Event::Refunded => {
                    bucket.guesses_left = burst.min(bucket.guesses_left + 1);
                    bucket.failures = 0;
                }
                Event::FailuresReset => bucket.failures = 0,
                Event::Row { at } => {
                    bucket.failures = 0;
                    bucket.failed_at = bucket.failed_at.min(at);
                }
                Event::Unlocked { at } => {
                    self.refill(&mut bucket, at);
                    bucket.guesses_left = bucket.guesses_left.max(burst.min(5));
                    bucket.failures = 0;
                }
                Event::ClockConfirmed { at } => {
                    bucket.failed_at = bucket.failed_at.min(at);
                    bucket.refilled_at = bucket.refilled_at.min(at);
                }
            }
        }
        bucket
    }

    /// Adds one guess after the other up to the burst. While the budget is full, time adds no
    /// guess.
    fn refill(&self, bucket: &mut Bucket, now: u64) {
        let (burst, refill) = self.rules.budget;
        while bucket.guesses_left < burst && now >= bucket.refilled_at + refill {
            bucket.guesses_left += 1;
            bucket.refilled_at += refill;
        }
        if bucket.guesses_left == burst {
            bucket.refilled_at = bucket.refilled_at.max(now);
        }
    }
}

/// The times of limited actions, as far as the record still has them.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    most: usize,
    span: u64,
    times: Vec<u64>,
}

/// Why an action is not allowed now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LimitError {
    TooMany { retry_after: Duration },
    ClockFault,
}

impl Recent {
    pub(crate) const fn new(most: usize, span: u64) -> Self {
        let times = Vec::new();
        Self { most, span, times }
    }

    /// Allows at most `most` actions within `span` seconds.
    pub(crate) fn admit(&self, now: u64) -> Result<(), LimitError> {
        if self.has_clock_fault(now) {
            return Err(LimitError::ClockFault);
        }
        let mut ends: Vec<u64> = self.times.iter().map(|time| time + self.span).collect();
        ends.retain(|end| *end > now);
        ends.sort_unstable_by(|one, other| other.cmp(one));
        match ends.get(self.most - 1) {
            None => Ok(()),
            Some(end) => Err(LimitError::TooMany {
                retry_after: Duration::from_secs(end - now),
            }),
        }
    }

    pub(crate) fn add(&mut self, now: u64) {
        self.times.push(now);
    }

    /// Whether a time is more than an hour ahead.
    pub(crate) fn has_clock_fault(&self, now: u64) -> bool {
        self.times.iter().any(|time| *time > now + HOUR)
    }

    pub(crate) fn reset_future_times(&mut self, now: u64) {
        for time in &mut self.times {
            *time = now.min(*time);
        }
    }

    /// A write drops the times that no longer count.
    pub(crate) fn drop_expired(&mut self, now: u64) {
        self.times.retain(|time| time + self.span > now);
    }

    pub(crate) fn clear(&mut self) {
        self.times.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// When the earliest time no longer counts.
    pub(crate) fn ends_at(&self) -> Option<u64> {
        self.times.iter().min().map(|time| time + self.span)
    }
}
