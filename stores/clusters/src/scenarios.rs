//! All races of `docs/clusters.md`.

use countersign_store_testing::StartError;

use crate::check::CheckReport;
use crate::settings::{NodeFault, RedisSettings, Timing};
use crate::{galera, postgres, redis_cluster, sentinel};

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

impl Scenario {
    /// All races of the documentation.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use Cluster::{Galera, Postgres, RedisCluster};
        use NodeFault::{Cut, CutWithReplica, Kill, None, Pause};
        use Promise::{Nothing, Writes, WritesAndLoads};
        let lists = [
            (
                Galera(galera::SYNC_WAIT),
                WritesAndLoads,
                &[None, Kill, Pause, Cut][..],
            ),
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
