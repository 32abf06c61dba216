//! Limits on how often something may be done within a span of time (DESIGN, "Changes and proofs").

use super::throttle::HOUR;
use std::time::Duration;

/// When something was done, as far as the record still knows.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    most: usize,
    span: u64,
    times: Vec<u64>,
}

/// Why it may not be done now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotNow {
    TooMany { retry_after: Duration },
    ClockFault,
}

impl Recent {
    pub(crate) const fn new(most: usize, span: u64) -> Self {
        let times = Vec::new();
        Self { most, span, times }
    }

    /// As many as are allowed, and no more, count for the whole span.
    pub(crate) fn admit(&self, now: u64) -> Result<(), NotNow> {
        if self.has_clock_fault(now) {
            return Err(NotNow::ClockFault);
        }
        let mut ends: Vec<u64> = self.times.iter().map(|time| time + self.span).collect();
        ends.retain(|end| *end > now);
        ends.sort_unstable_by(|one, other| other.cmp(one));
        match ends.get(self.most - 1) {
            None => Ok(()),
            Some(end) => Err(NotNow::TooMany {
                retry_after: Duration::from_secs(end - now),
            }),
        }
    }

    pub(crate) fn add(&mut self, now: u64) {
        self.times.push(now);
    }

    /// A time more than an hour ahead.
    pub(crate) fn has_clock_fault(&self, now: u64) -> bool {
        self.times.iter().any(|time| *time > now + HOUR)
    }

    pub(crate) fn set_back(&mut self, now: u64) {
        for time in &mut self.times {
            *time = now.min(*time);
        }
    }

    /// A write drops what no longer counts.
    pub(crate) fn drop_what_is_over(&mut self, now: u64) {
        self.times.retain(|time| time + self.span > now);
    }

    pub(crate) fn clear(&mut self) {
        self.times.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// When the earliest of them no longer counts.
    pub(crate) fn ends_at(&self) -> Option<u64> {
        self.times.iter().min().map(|time| time + self.span)
    }
}
