use std::time::Duration;

use tokio::time::Instant;

/// The time limit of a call, and the moment at which it ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) limit: Duration,
    pub(crate) at: Instant,
}

impl Deadline {
    pub(crate) fn new(limit: Duration) -> Self {
        let now = Instant::now();
        // A cap on the limit, so that the sum fits the clock.
        let at = now.checked_add(limit.min(LONGEST)).unwrap_or(now);
        Self { limit, at }
    }

    /// The moment to give up an attempt to connect: after a third of the limit, so that there is
    /// time to try another node.
    pub(crate) fn to_connect(self) -> Instant {
        let third = self.limit.checked_div(3).unwrap_or(self.limit);
        let until = Instant::now().checked_add(third);
        until.map_or(self.at, |until| until.min(self.at))
    }
}

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
