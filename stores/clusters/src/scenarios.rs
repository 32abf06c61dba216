//! All races of `docs/clusters.md`.

use std::time::Duration;

use countersign_store_testing::StartError;

use crate::check::CheckReport;
use crate::{galera, postgres, redis_cluster, sentinel};

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

/// A race of the documentation.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// The cluster.
    pub cluster: Cluster,
    /// The fault.
    pub fault: NodeFault,
    /// What the settings promise.
    pub promise: Promise,
}

/// What the settings of a cluster promise during a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Writes are kept, and loads show them.
    WritesAndLoads,
    /// Writes are kept. A node that was cut off or paused may still answer loads with old rows.
    Writes,
    /// Nothing: these are not the settings that the documentation requires.
    Nothing,
}

impl Promise {
    /// Whether a race kept the promise.
    #[must_use]
    pub fn is_kept(self, report: &CheckReport) -> bool {
        match self {
            Self::WritesAndLoads => report.keeps_writes() && report.old == 0,
            Self::Writes => report.keeps_writes(),
            Self::Nothing => true,
        }
    }
}

/// A cluster and its settings.
#[derive(Debug, Clone, Copy)]
pub enum Cluster {
    /// MariaDB Galera with this `wsrep_sync_wait`.
    Galera(u8),
    /// PostgreSQL with a synchronous standby and this `synchronous_commit`.
    Postgres(&'static str),
    /// Redis with two replicas and three sentinels.
    Sentinel(RedisSettings),
    /// Redis Cluster with one replica of each primary. A write waits for so many replicas.
    RedisCluster(u32),
}

/// The settings of Redis with replicas.
#[derive(Debug, Clone, Copy)]
pub struct RedisSettings {
    /// How many replicas a write waits for (`WAIT`).
    pub wait_for: u32,
    /// `min-replicas-max-lag` in seconds, with `min-replicas-to-write 1`. `None` without both.
    pub max_lag: Option<u32>,
}

impl Scenario {
    /// All races of the documentation.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use Cluster::{Galera, Postgres, RedisCluster};
        use NodeFault::{Cut, CutWithReplica, Kill, None, Pause};
        use Promise::{Nothing, Writes, WritesAndLoads};
        let lists = [
            (Galera(1), WritesAndLoads, &[None, Kill, Pause, Cut][..]),
            (Postgres("on"), WritesAndLoads, &[Kill]),
            (Postgres("on"), Writes, &[Pause, Cut]),
            (Postgres("remote_apply"), WritesAndLoads, &[Kill]),
            (
                sentinel(2, Option::None),
                Writes,
                &[Kill, Pause, Cut, CutWithReplica],
            ),
            (RedisCluster(1), Writes, &[Kill, Pause, Cut]),
            (Galera(0), Nothing, &[None, Kill, Pause, Cut]),
            (Postgres("local"), Nothing, &[Kill, Cut]),
            (sentinel(0, Option::None), Nothing, &[Kill, Cut]),
            (sentinel(0, Some(10)), Nothing, &[Kill, Cut]),
            (sentinel(0, Some(2)), Nothing, &[Cut]),
            (sentinel(1, Option::None), Nothing, &[CutWithReplica]),
            (sentinel(1, Some(2)), Nothing, &[CutWithReplica]),
            (RedisCluster(0), Nothing, &[Kill, Cut]),
        ];
        let races = lists.into_iter().flat_map(|(cluster, promise, faults)| {
            faults.iter().map(move |fault| Self {
                cluster,
                fault: *fault,
                promise,
            })
        });
        races.collect()
    }

    /// Starts the cluster and runs the race.
    ///
    /// # Errors
    /// [`StartError`] if the cluster does not start.
    pub async fn run(&self, timing: Timing) -> Result<CheckReport, StartError> {
        match self.cluster {
            Cluster::Galera(sync_wait) => galera::race(sync_wait, self.fault, timing).await,
            Cluster::Postgres(commit) => postgres::race(commit, self.fault, timing).await,
            Cluster::Sentinel(settings) => sentinel::race(settings, self.fault, timing).await,
            Cluster::RedisCluster(wait_for) => {
                redis_cluster::race(wait_for, self.fault, timing).await
            }
        }
    }
}

fn sentinel(wait_for: u32, max_lag: Option<u32>) -> Cluster {
    Cluster::Sentinel(RedisSettings { wait_for, max_lag })
}
