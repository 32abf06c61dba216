//! The reference: what an account must be after the writes that landed, told from their kinds alone.

use crate::rules::{
    BURST, CLOCK_FAULT, CODES, FIRST_WAIT, FREE_FAILURES, LOCK_AFTER, LONGEST_WAIT, REFILL,
};
use countersign::{Hold, Summary, Timestamp};
use std::time::Duration;

/// One account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) throttle: Option<Throttle>,
    pub(crate) authenticators: usize,
    /// The set of codes, by the operation that issued it, and how many are unused.
    pub(crate) codes: Option<(usize, u32)>,
    /// The operation that began the pending enrollment.
    pub(crate) pending: Option<usize>,
}

impl Mirror {
    pub(crate) fn clear(&mut self) {
        self.authenticators = 0;
        self.codes = None;
        self.pending = None;
    }

    pub(crate) fn issue(&mut self, by: usize) {
        self.codes = Some((by, CODES));
    }

    /// What the summary of the last write must say.
    pub(crate) fn agrees(&self, summary: Summary) -> Result<(), String> {
        let codes_left = self.codes.map_or(0, |(_, left)| left);
        if (summary.enabled, summary.codes_left) == (self.authenticators > 0, codes_left) {
            return Ok(());
        }
        Err(format!(
            "the record says {summary:?}, the writes before it come to {self:?}"
        ))
    }
}

/// The throttle, with everything in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    failures: u32,
    failed_at: u64,
    budget: u32,
    counted_from: u64,
}

impl Throttle {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            failures: 0,
            failed_at: 0,
            budget: BURST,
            counted_from: at.as_unix(),
        }
    }

    /// What stands in the way of an attempt.
    pub(crate) fn hold(&self, at: Timestamp) -> Hold {
        let now = at.as_unix();
        let open_at = self.failed_at + self.wait();
        let mut later = self.clone();
        later.refill(now);
        if self.failures >= LOCK_AFTER {
            Hold::Locked
        } else if self.wait() > 0 && now < open_at {
            let retry_after = Duration::from_secs(open_at - now);
            Hold::Waiting { retry_after }
        } else if later.budget == 0 {
            let left = (self.counted_from + REFILL).saturating_sub(now);
            let retry_after = Duration::from_secs(left);
            Hold::BudgetSpent { retry_after }
        } else {
            Hold::Free
        }
    }

    pub(crate) fn has_clock_fault(&self, at: Timestamp) -> bool {
        self.failed_at > at.as_unix() + CLOCK_FAULT
    }

    pub(crate) fn mend_clock(&mut self, at: Timestamp) {
        self.failed_at = self.failed_at.min(at.as_unix());
    }

    pub(crate) fn fail(&mut self, at: Timestamp) {
        self.refill(at.as_unix());
        self.budget = self.budget.saturating_sub(1);
        self.failures += 1;
        self.failed_at = self.failed_at.max(at.as_unix());
    }

    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// A backup code that was counted as a failure turned out to be right.
    pub(crate) fn succeed_after_all(&mut self) {
        self.failures = 0;
        self.budget = BURST.min(self.budget + 1);
    }

    pub(crate) fn unlock(&mut self, at: Timestamp) {
        self.failures = 0;
        self.refill(at.as_unix());
        self.counted_from = self.counted_from.min(at.as_unix());
        self.budget = self.budget.max(5);
    }

    fn wait(&self) -> u64 {
        match self.failures.checked_sub(FREE_FAILURES) {
            None => 0,
            Some(doublings) => LONGEST_WAIT.min(FIRST_WAIT << doublings.min(20)),
        }
    }

    fn refill(&mut self, now: u64) {
        while self.budget < BURST && self.counted_from + REFILL <= now {
            self.budget += 1;
            self.counted_from += REFILL;
        }
        if self.budget == BURST {
            self.counted_from = self.counted_from.max(now);
        }
    }
}
