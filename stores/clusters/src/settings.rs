//! What a race is made of: the fault, its times, and the settings of Redis.

use std::time::Duration;

/// What happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeFault {
    /// Nothing.
    None,
    /// The node is killed.
    Kill,
    /// The node is paused, like a virtual machine, and goes on later.
    Pause,
    /// The node is cut off from the other nodes, and comes back later.
    Cut,
    /// The node and one of its replicas are cut off together.
    CutWithReplica,
}

/// How many clients a race has, and how long its parts take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The number of accounts.
    pub accounts: usize,
    /// The number of clients.
    pub clients: usize,
    /// The time before the fault.
    pub before: Duration,
    /// The time from the fault until its end.
    pub during: Duration,
    /// The time after that.
    pub after: Duration,
}

impl Timing {
    /// Short races, for each run of the tests.
    pub const SHORT: Self = Self {
        accounts: 32,
        clients: 16,
        before: Duration::from_secs(2),
        during: Duration::from_secs(8),
        after: Duration::from_secs(2),
    };

    /// Long races, for the documentation.
    pub const LONG: Self = Self {
        accounts: 64,
        clients: 32,
        before: Duration::from_secs(5),
        during: Duration::from_secs(12),
        after: Duration::from_secs(15),
    };

    /// The time of the whole race.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.before + self.during + self.after
    }
}

/// The settings of Redis with replicas.
#[derive(Debug, Clone, Copy)]
pub struct RedisSettings {
    /// How many replicas a write waits for (`WAIT`).
    pub wait_for: u32,
    /// `min-replicas-max-lag` in seconds, with `min-replicas-to-write 1`. `None` without both.
    pub max_lag: Option<u32>,
}
