//! How far the clocks of two servers may differ.

use crate::Timestamp;
use core::time::Duration;

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
