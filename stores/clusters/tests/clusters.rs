//! The stores satisfy the contract on clusters whose nodes fail, with the required settings. Without
//! these settings, the same races find the damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::time::Duration;

use countersign::conformance::{Harness, Rotation, run_cases};
use countersign::store::BoxStore;
use countersign_clusters::report::Line;
use countersign_clusters::scenarios::{Cluster, Promise, Scenario};
use countersign_clusters::settings::{NodeFault, RedisSettings, Timing};
use countersign_clusters::{CheckReport, galera};
use countersign_store_testing::{Durability, GaleraCluster, available};
use tokio::runtime::Runtime;

/// The report of a short race, or `None` without the servers.
fn race(cluster: Cluster, fault: NodeFault, during: u64) -> Option<CheckReport> {
    let scenario = Scenario {
        cluster,
        fault,
        promise: Promise::Nothing,
    };
    let timing = Timing {
        during: Duration::from_secs(during),
        ..Timing::SHORT
    };
    let runtime = Runtime::new().unwrap();
    let report = available(runtime.block_on(scenario.run(timing)))?;
    println!("{}\n{:#?}", Line(&scenario, &report), report.errors);
    assert!(report.done > 0, "{report:?}");
    Some(report)
}

fn is_kept(promise: Promise, cluster: Cluster, fault: NodeFault, during: u64) {
    if let Some(report) = race(cluster, fault, during) {
        assert!(promise.is_kept(&report), "{report:?}");
    }
}

const fn sentinel(wait_for: u32) -> Cluster {
    let max_lag = None;
    Cluster::Sentinel(RedisSettings { wait_for, max_lag })
}

#[test]
fn galera_keeps_writes_when_a_node_dies() {
    is_kept(
        Promise::WritesAndLoads,
        Cluster::Galera(LOADS_AND_WRITES),
        NodeFault::Kill,
        8,
    );
}

#[test]
fn galera_keeps_writes_when_a_node_is_cut_off() {
    is_kept(
        Promise::WritesAndLoads,
        Cluster::Galera(LOADS_AND_WRITES),
        NodeFault::Cut,
        8,
    );
}

#[test]
fn a_postgres_standby_has_every_write() {
    let cluster = Cluster::Postgres("on");
    is_kept(Promise::WritesAndLoads, cluster, NodeFault::Kill, 2);
}

#[test]
fn a_postgres_primary_writes_nothing_alone() {
    is_kept(Promise::Writes, Cluster::Postgres("on"), NodeFault::Cut, 2);
}

#[test]
fn a_local_postgres_commit_is_lost() {
    if let Some(report) = race(Cluster::Postgres("local"), NodeFault::Kill, 2) {
        assert!(report.lost > 0, "{report:?}");
    }
}

#[test]
fn sentinels_keep_writes_that_all_replicas_have() {
    is_kept(Promise::Writes, sentinel(2), NodeFault::CutWithReplica, 8);
}

#[test]
fn sentinels_lose_writes_that_no_replica_has() {
    if let Some(report) = race(sentinel(0), NodeFault::Cut, 8) {
        assert!(report.lost > 0 && report.twice > 0, "{report:?}");
    }
}

#[test]
fn a_redis_cluster_keeps_writes_that_the_replica_has() {
    is_kept(Promise::Writes, Cluster::RedisCluster(1), NodeFault::Cut, 8);
}

struct Nodes {
    runtime: Runtime,
    rotation: Rotation<BoxStore>,
}

impl Harness for Nodes {
    type Store = Rotation<BoxStore>;

    fn open(&self) -> Self::Store {
        self.rotation.clone()
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// `wsrep_sync_wait` for `SELECT` (1), `UPDATE` and `DELETE` (2), and `INSERT` (4).
const LOADS_AND_WRITES: u8 = 7;

/// The names of the failed cases of the suite, when each call goes to the next node.
fn failed_cases(sync_wait: u8) -> Option<Vec<&'static str>> {
    let option = format!("--wsrep-sync-wait={sync_wait}");
    let started = GaleraCluster::start(Durability::Fast, &[&option]);
    let cluster = available(started)?;
    let runtime = Runtime::new().unwrap();
    let mut stores = runtime.block_on(galera::stores(&cluster, 16)).into_iter();
    let rotation = Rotation::new(stores.next().unwrap(), stores);
    let nodes = Nodes { runtime, rotation };
    let report = run_cases(&nodes, |_| true);
    println!("{report}");
    Some(report.failures().map(|failure| failure.case()).collect())
}

/// With 1, only loads wait. A write on a node that is behind does not find the row, and is `Stale`
/// although it expects the latest revision.
#[test]
fn all_galera_nodes_together_pass_the_suite() {
    if let Some(failed) = failed_cases(LOADS_AND_WRITES) {
        assert_eq!(failed, [""; 0]);
    }
}

#[test]
fn galera_nodes_that_do_not_wait_fail_the_suite() {
    if let Some(failed) = failed_cases(0) {
        assert!(!failed.is_empty());
    }
}
