use std::time::Duration;

use tokio::time::Instant;

/// How long a call may take, and when that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    pub(crate) limit: Duration,
    pub(crate) deadline: Instant,
}

impl Time {
    pub(crate) fn new(limit: Duration) -> Self {
        let now = Instant::now();
        // The longest limit is still one that the clock can tell.
        let deadline = now.checked_add(limit.min(LONGEST)).unwrap_or(now);
        Self { limit, deadline }
    }

    /// When an attempt to connect that begins now is given up: after a third of the limit, so that there is time left to
    /// try elsewhere.
    pub(crate) fn to_connect(self) -> Instant {
        let third = self.limit.checked_div(3).unwrap_or(self.limit);
        let until = Instant::now().checked_add(third);
        until.map_or(self.deadline, |until| until.min(self.deadline))
    }
}

const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
