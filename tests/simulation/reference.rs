//! The reference model: the state of an account, computed from the kinds of the landed writes
//! alone.

use crate::devices::Device;
use crate::rules::{
    BEGINNINGS, BURST, CLOCK_FAULT, CODES, ENROLLMENT_AGE, FIRST_WAIT, FREE_FAILURES, ISSUES,
    LOCK_AFTER, LONGEST_WAIT, REFILL, RIGHT_AGE,
};
use countersign::factor::RateLimitState;
use countersign::store::Summary;
use countersign::{AuthenticatorId, Timestamp};
use std::time::Duration;

/// One account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) throttle: Option<Throttle>,
    pub(crate) authenticators: usize,
    /// The operation that issued the code set, and how many codes are unused.
    pub(crate) codes: Option<(usize, u32)>,
    /// The operation that issued the pending set.
    pub(crate) pending_codes: Option<usize>,
    pub(crate) pending: Option<Pending>,
    /// The right to store codes.
    pub(crate) right: Option<Right>,
    pub(crate) devices: Vec<Device>,
    /// When enrollments began, and when rights were granted, in seconds.
    beginnings: Vec<u64>,
    issues: Vec<u64>,
}

/// A pending enrollment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    /// The operation that began it.
    pub(crate) begun_by: usize,
    pub(crate) replaces: Option<AuthenticatorId>,
    begun_at: u64,
    pub(crate) wrong: u8,
}

impl Pending {
    pub(crate) fn is_expired(&self, at: Timestamp) -> bool {
        let now = at.as_unix();
        now > self.begun_at + ENROLLMENT_AGE || self.begun_at > now + CLOCK_FAULT
    }
}

/// The right of an operation whose proof was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    by: usize,
    granted_at: u64,
}

impl Right {
    fn is_expired(self, now: u64) -> bool {
        now > self.granted_at + RIGHT_AGE || self.granted_at > now + CLOCK_FAULT
    }
}

impl Reference {
    pub(crate) fn clear(&mut self) {
        self.authenticators = 0;
        self.codes = None;
        self.pending_codes = None;
        self.pending = None;
        self.right = None;
        self.devices.clear();
    }

    /// The record was erased.
    pub(crate) fn erase(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn begin(
        &mut self,
        by: usize,
        replaces: Option<AuthenticatorId>,
        at: Timestamp,
    ) -> Result<(), String> {
        within(BEGINNINGS, &self.beginnings, at).map_err(|what| format!("beginnings: {what}"))?;
        self.beginnings.push(at.as_unix());
        self.pending = Some(Pending {
            begun_by: by,
            replaces,
            begun_at: at.as_unix(),
            wrong: 0,
        });
        Ok(())
    }

    pub(crate) fn enroll(&mut self) {
        self.pending = None;
        self.beginnings.clear();
    }

    pub(crate) fn grant(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        within(ISSUES, &self.issues, at).map_err(|what| format!("sets of codes: {what}"))?;
        let granted_at = at.as_unix();
        self.issues.push(granted_at);
        self.right = Some(Right { by, granted_at });
        Ok(())
    }

    /// Storing codes uses up a right whose proof was accepted. The set is pending if there is a
    /// current one.
    pub(crate) fn issue(
        &mut self,
        by: usize,
        is_pending: bool,
        at: Timestamp,
    ) -> Result<(), String> {
        let right = self.right.take();
        if !right.is_some_and(|right| right.by == by && !right.is_expired(at.as_unix())) {
            return Err(format!("the right is {right:?}"));
        }
        match (self.codes, is_pending) {
            (Some(_), true) => self.pending_codes = Some(by),
            // A set that has a code in common with the current one replaces it at once.
            (_, false) => (self.codes, self.pending_codes) = (Some((by, CODES)), None),
            (None, true) => return Err("there is no current set".into()),
        }
        Ok(())
    }

    /// The pending set of this operation ends the current one.
    pub(crate) fn replace_codes(&mut self, of: usize) -> Result<(), String> {
        self.take_pending_codes(of)?;
        self.codes = Some((of, CODES));
        Ok(())
    }

    pub(crate) fn take_pending_codes(&mut self, of: usize) -> Result<(), String> {
        let pending = self.pending_codes.take_if(|pending| *pending == of);
        pending
            .map(|_| ())
            .ok_or_else(|| "the set is not pending".into())
    }

    pub(crate) fn has_clock_fault(&self, at: Timestamp) -> bool {
        let is_ahead = |time: &u64| *time > at.as_unix() + CLOCK_FAULT;
        self.throttle
            .as_ref()
            .is_some_and(|it| it.has_clock_fault(at))
            || self.beginnings.iter().any(is_ahead)
            || self.issues.iter().any(is_ahead)
    }

    /// A confirmed clock is right, so this sets future times to now.
    pub(crate) fn reset_future_times(&mut self, at: Timestamp) {
        let now = at.as_unix();
        for time in self.beginnings.iter_mut().chain(&mut self.issues) {
            *time = now.min(*time);
        }
        if let Some(throttle) = &mut self.throttle {
            throttle.reset_future_times(now);
        }
        Device::reset_future_times(&mut self.devices, now);
    }

    /// A write drops expired entries. The record of a pending enrollment always keeps the time at
    /// which that enrollment began.
    pub(crate) fn drop_expired(&mut self, at: Timestamp) {
        let now = at.as_unix();
        self.beginnings.retain(|time| time + BEGINNINGS.1 > now);
        self.issues.retain(|time| time + ISSUES.1 > now);
        self.right.take_if(|right| right.is_expired(now));
        if let (true, Some(pending)) = (self.beginnings.is_empty(), self.pending) {
            self.beginnings.push(pending.begun_at);
        }
    }

    /// Compares with the summary of the last write.
    pub(crate) fn agrees(&self, summary: Summary) -> Result<(), String> {
        let codes_left = self.codes.map_or(0, |(_, left)| left);
        if (summary.enabled, summary.codes_left) == (self.authenticators > 0, codes_left) {
            return Ok(());
        }
        Err(format!(
            "the summary is {summary:?}, but the writes result in {self:?}"
        ))
    }
}

/// The rate limit. All times are in seconds.
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

    /// The limit that stops an attempt at this time, if any.
    pub(crate) fn rate_limit(&self, at: Timestamp) -> RateLimitState {
        let now = at.as_unix();
        let is_ahead = |time: u64| time > now + CLOCK_FAULT;
        let open_at = self.failed_at + self.wait();
        let mut later = self.clone();
        later.refill(now);
        if self.failures >= LOCK_AFTER {
            RateLimitState::Locked
        } else if self.wait() > 0 && is_ahead(self.failed_at) {
            RateLimitState::ClockFault
        } else if self.wait() > 0 && now < open_at {
            let retry_after = Duration::from_secs(open_at - now);
            RateLimitState::Waiting { retry_after }
        } else if later.budget == 0 && is_ahead(later.counted_from) {
            RateLimitState::ClockFault
        } else if later.budget == 0 {
            let left = (self.counted_from + REFILL).saturating_sub(now);
            let retry_after = Duration::from_secs(left);
            RateLimitState::BudgetSpent { retry_after }
        } else {
            RateLimitState::Free
        }
    }

    fn has_clock_fault(&self, at: Timestamp) -> bool {
        let latest = self.failed_at.max(self.counted_from);
        latest > at.as_unix() + CLOCK_FAULT
    }

    fn reset_future_times(&mut self, now: u64) {
        self.failed_at = self.failed_at.min(now);
        self.counted_from = self.counted_from.min(now);
    }

    pub(crate) fn fail(&mut self, at: Timestamp) {
        self.refill(at.as_unix());
        self.budget = self.budget.saturating_sub(1);
        self.failures += 1;
        self.failed_at = self.failed_at.max(at.as_unix());
    }

    /// A failure of a known device takes no guess.
    pub(crate) fn fail_on_device(&mut self, at: Timestamp) {
        self.failures += 1;
        self.failed_at = self.failed_at.max(at.as_unix());
    }

    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn succeed_with_row(&mut self, at: Timestamp) {
        self.failures = 0;
        self.failed_at = self.failed_at.min(at.as_unix());
    }

    /// A backup code that was counted as a failure was right.
    pub(crate) fn refund(&mut self) {
        self.failures = 0;
        self.budget = BURST.min(self.budget + 1);
    }

    pub(crate) fn unlock(&mut self, at: Timestamp) {
        self.failures = 0;
        self.refill(at.as_unix());
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

/// Whether one more action is allowed at this time: at most `most` within `span` seconds.
fn within((most, span): (usize, u64), times: &[u64], at: Timestamp) -> Result<(), String> {
    let now = at.as_unix();
    if times.iter().any(|time| *time > now + CLOCK_FAULT) {
        return Err("there is a clock fault".into());
    }
    let counted = times.iter().filter(|time| **time + span > now).count();
    if counted < most {
        return Ok(());
    }
    Err(format!("{counted} within {span} s"))
}
