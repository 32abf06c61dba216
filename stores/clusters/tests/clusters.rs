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

use std::time::{Duration, Instant};

use countersign::conformance::{Effort, Harness, Rotation, run_cases};
use countersign::store::{BoxStore, Store};
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
};
use countersign_clusters::galera::SYNC_WAIT;
use countersign_clusters::report::Line;
use countersign_clusters::scenarios::{Cluster, Promise, Scenario};
use countersign_clusters::settings::{NodeFault, RedisSettings, Timing};
use countersign_clusters::{CheckReport, galera};
use countersign_sqlx::Error;
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

/// A race can keep its promise by chance, but not 10 times.
fn is_broken(cluster: Cluster, fault: NodeFault, during: u64, by: fn(&CheckReport) -> bool) {
    let is_seen = |_| race(cluster, fault, during).is_none_or(|report| by(&report));
    assert!((0..10).any(is_seen), "no race found damage");
}

const fn sentinel(wait_for: u32) -> Cluster {
    let max_lag = None;
    Cluster::Sentinel(RedisSettings { wait_for, max_lag })
}

#[test]
fn galera_keeps_writes_when_a_node_dies() {
    is_kept(
        Promise::WritesAndLoads,
        Cluster::Galera(SYNC_WAIT),
        NodeFault::Kill,
        8,
    );
}

#[test]
fn galera_keeps_writes_when_a_node_is_cut_off() {
    is_kept(
        Promise::WritesAndLoads,
        Cluster::Galera(SYNC_WAIT),
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
    is_broken(Cluster::Postgres("local"), NodeFault::Kill, 2, |report| {
        report.lost > 0
    });
}

#[test]
fn sentinels_keep_writes_that_all_replicas_have() {
    is_kept(Promise::Writes, sentinel(2), NodeFault::CutWithReplica, 8);
}

#[test]
fn sentinels_lose_writes_that_no_replica_has() {
    is_broken(sentinel(0), NodeFault::Cut, 8, |report| {
        report.lost > 0 && report.twice > 0
    });
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

    fn effort(&self) -> Effort {
        Effort::default().one_in(100)
    }
}

impl Nodes {
    /// A store on each node, with this `wsrep_sync_wait` in each connection.
    fn new(cluster: &GaleraCluster, sync_wait: u8) -> Self {
        let runtime = Runtime::new().unwrap();
        let stores = runtime.block_on(galera::stores(cluster, sync_wait, 16));
        let mut stores = stores.into_iter();
        let rotation = Rotation::new(stores.next().unwrap(), stores);
        Self { runtime, rotation }
    }
}

/// The conformance suite, when each call goes to the next node. If the nodes wait for loads only, a
/// write on a node that is behind does not find the row, and is `Stale` although it expects the
/// latest revision. So the store refuses such nodes.
#[test]
fn galera_nodes_pass_the_suite_if_they_wait() {
    let Some(cluster) = available(GaleraCluster::start(Durability::Fast, &[])) else {
        return;
    };
    let report = run_cases(&Nodes::new(&cluster, SYNC_WAIT), |_| true);
    assert!(report.is_ok(), "{report}");
    let cases = [
        "two_handles_see_each_other_at_once",
        "every_kind_is_written",
    ];
    // A busy node is sometimes in time by chance, but not 20 times.
    let finds_stale_loads = || {
        !run_cases(&Nodes::new(&cluster, 0), |case| {
            cases.contains(&case.name())
        })
        .is_ok()
    };
    assert!((0..20).any(|_| finds_stale_loads()));
    let runtime = Runtime::new().unwrap();
    let _runtime = runtime.enter();
    for sync_wait in [0, 1] {
        let store = galera::store(&cluster.urls()[0], sync_wait, 1);
        match runtime.block_on(store.load(&AccountId::from(1_u32))) {
            Err(Error::UnsafeSetting { name, value, .. }) => {
                assert_eq!((name, value), ("wsrep_sync_wait", sync_wait.to_string()));
            }
            other => panic!("{sync_wait}: {other:?}"),
        }
    }
}

/// The other nodes write nothing for seconds when a node dies, and a call waits that long.
#[test]
fn a_sign_in_survives_the_death_of_a_galera_node() {
    let Some(mut cluster) = available(GaleraCluster::start(Durability::Fast, &[])) else {
        return;
    };
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let store = galera::store(&cluster.urls()[0], SYNC_WAIT, 4);
        store.create_table().await.unwrap();
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
        let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
        let verifier = Verifier::builder(store, keyring, "Example").clock(clock.clone());
        let verifier = verifier.build().unwrap();
        let alice = AccountId::from(1_u32);
        let proof = Proof::Password {
            checked_at: clock.now(),
        };
        let request = EnrollmentRequest::new("alice");
        let enrollment = verifier.begin_enrollment(&alice, request, proof).await;
        let enrollment = enrollment.unwrap();
        let uri = enrollment.key_uri().to_secret_text();
        let phone = Phone::scan(uri.expose()).unwrap();
        let code = phone.passcode(clock.now());
        let confirmed = verifier.confirm_enrollment(&alice, enrollment.id(), &code);
        let enrolled = confirmed.await.unwrap();
        assert_eq!(enrolled.account(), &alice);
        clock.advance(Duration::from_secs(30));

        cluster.kill9(2).unwrap();
        let begun = Instant::now();
        let code = phone.passcode(clock.now());
        let receipt = verifier.verify(&alice, &code).await.unwrap();
        assert_eq!(receipt.account(), &alice);
        println!("signed in after {:.1?}", begun.elapsed());
    });
}
