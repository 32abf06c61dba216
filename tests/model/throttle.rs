//! The throttle of DESIGN, "Rate limit and risk", computed anew from all that ever happened.

use super::rules::Rules;
use countersign::factor::RateLimitState;
use std::time::Duration;

/// What changes the throttle, at the time that the clock showed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The record was created.
    Created { at: u64 },
    /// An attempt was counted as a failure.
    Failed { at: u64 },
    /// The attempt counted last was right after all: it counts no more.
    Refunded,
    /// Something ended the row of failures.
    RowEnded,
    /// The host's staff unlocked the account.
    Unlocked { at: u64 },
    /// Times that lay ahead were set to now, by a clock that is known to be right.
    SetBack { at: u64 },
}

/// All that ever happened to the throttle of one account.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    rules: Rules,
    events: Vec<Event>,
}

/// What follows from the events.
struct Meter {
    row: u32,
    failed_at: u64,
    level: u32,
    refilled_at: u64,
}

/// A stored time further ahead is a clock fault.
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

    /// A time more than an hour ahead, whether a limit depends on it now or not.
    pub(crate) fn has_clock_fault(&self, now: u64) -> bool {
        let meter = self.meter();
        meter.failed_at > now + HOUR || meter.refilled_at > now + HOUR
    }

    /// Locked, waiting, out of budget, in this order. A wait and a spent budget depend on a time, which may be a
    /// clock fault.
    pub(crate) fn hold(&self, now: u64) -> RateLimitState {
        let mut meter = self.meter();
        if meter.row >= self.rules.lock_after {
            return RateLimitState::Locked;
        }
        let wait = self.wait_after(meter.row);
        let free_at = meter.failed_at + wait;
        if wait > 0 && meter.failed_at > now + HOUR {
            return RateLimitState::ClockFault;
        }
        if wait > 0 && now < free_at {
            return RateLimitState::Waiting {
                retry_after: Duration::from_secs(free_at - now),
            };
        }
        self.refill(&mut meter, now);
        if meter.level == 0 && meter.refilled_at > now + HOUR {
            return RateLimitState::ClockFault;
        }
        if meter.level == 0 {
            return RateLimitState::BudgetSpent {
                retry_after: Duration::from_secs(meter.refilled_at + self.rules.budget.1 - now),
            };
        }
        RateLimitState::Free
    }

    /// Nothing for the free failures, then the first wait, doubled by each failure more, up to the longest.
    fn wait_after(&self, row: u32) -> u64 {
        let (free, first, longest) = self.rules.waits;
        if row < free {
            return 0;
        }
        let mut wait = first;
        for _ in free..row {
            wait = (wait * 2).min(longest);
        }
        wait
    }

    fn meter(&self) -> Meter {
        let burst = self.rules.budget.0;
        let mut meter = Meter {
            row: 0,
            failed_at: 0,
            level: burst,
            refilled_at: 0,
        };
        for event in &self.events {
            match *event {
                Event::Created { at } => meter.refilled_at = at,
                Event::Failed { at } => {
                    self.refill(&mut meter, at);
                    meter.level -= 1;
                    meter.row += 1;
                    meter.failed_at = meter.failed_at.max(at);
                }
                Event::Refunded => {
                    meter.level = burst.min(meter.level + 1);
                    meter.row = 0;
                }
                Event::RowEnded => meter.row = 0,
                Event::Unlocked { at } => {
                    self.refill(&mut meter, at);
                    meter.level = meter.level.max(burst.min(5));
                    meter.row = 0;
                }
                Event::SetBack { at } => {
                    meter.failed_at = meter.failed_at.min(at);
                    meter.refilled_at = meter.refilled_at.min(at);
                }
            }
        }
        meter
    }

    /// One unit after the other, as long as there is room; a full budget does not save up time.
    fn refill(&self, meter: &mut Meter, now: u64) {
        let (burst, refill) = self.rules.budget;
        while meter.level < burst && now >= meter.refilled_at + refill {
            meter.level += 1;
            meter.refilled_at += refill;
        }
        if meter.level == burst {
            meter.refilled_at = meter.refilled_at.max(now);
        }
    }
}
