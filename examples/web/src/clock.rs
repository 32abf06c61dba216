use std::fmt;
use std::sync::Arc;

use countersign::Timestamp;
use countersign::runtime::Clock;

/// The clock of the service: the system clock, or a test clock.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    /// Shares a clock.
    pub fn new(clock: impl Clock + 'static) -> Self {
        Self(Arc::new(clock))
    }

    /// The time in seconds, for a database column.
    pub(crate) fn seconds(&self) -> i64 {
        i64::try_from(self.now().as_unix()).unwrap_or(i64::MAX)
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedClock").finish_non_exhaustive()
    }
}
