//! Redis Cluster: three primaries with one replica each.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use countersign::store::BoxStore;
use countersign_redis::RedisStore;
use countersign_store_testing::{Durability, ReplicatedRedisCluster, StartError};
use redis::Client;

use crate::check::{CheckReport, check};
use crate::race::{Fault, Race};
use crate::settings::{NodeFault, Timing};

/// A race on a new cluster. One primary has the fault, and its replica takes over.
///
/// Clients reach every node, also a node that is cut off from the others. A fault ends when the
/// replica has taken over. Then a killed primary is started again.
///
/// # Errors
/// [`StartError`] if the cluster does not start.
pub async fn race(
    wait_for: u32,
    fault: NodeFault,
    timing: Timing,
) -> Result<CheckReport, StartError> {
    let cluster = ReplicatedRedisCluster::start(Durability::Durable, NETWORK_DELAY)?;
    let node = cluster.primary()?;
    // Each client has connections of its own: a write that waits for replicas holds up the calls
    // behind it on its connection.
    let stores = (0..timing.clients)
        .map(|_| store(&cluster, wait_for))
        .collect();
    let after = store(&cluster, wait_for);
    let cluster = Arc::new(Mutex::new(cluster));
    let race = Race {
        accounts: timing.accounts,
        clients: timing.clients,
        duration: timing.total(),
        stores,
        faults: faults(&cluster, fault, node, timing),
    };
    let log = race.run().await;
    if fault != NodeFault::None {
        let cluster = cluster.lock().unwrap();
        wait_until("the old primary is no replica", || cluster.is_replica(node));
    }
    Ok(check(log, &[after]).await)
}

fn store(cluster: &ReplicatedRedisCluster, wait_for: u32) -> BoxStore {
    let nodes = cluster
        .urls()
        .into_iter()
        .map(|url| Client::open(url).unwrap());
    let store = RedisStore::cluster(nodes).unwrap().with_replicas(wait_for);
    BoxStore::new(match wait_for {
        ALL => store,
        _ => store.danger_accepted_codes_may_come_back(),
    })
}

fn faults(
    cluster: &Arc<Mutex<ReplicatedRedisCluster>>,
    fault: NodeFault,
    node: usize,
    timing: Timing,
) -> Vec<Fault> {
    let at = |time: Duration, act: fn(&mut ReplicatedRedisCluster, usize)| {
        let cluster = cluster.clone();
        Fault::new(time, move || act(&mut cluster.lock().unwrap(), node))
    };
    let (begin, end) = (timing.before, timing.before + timing.during);
    let after_failover = |act: fn(&mut ReplicatedRedisCluster, usize)| {
        let cluster = cluster.clone();
        Fault::new(end, move || {
            let mut cluster = cluster.lock().unwrap();
            // On a busy computer, the replica needs longer than the fault lasts.
            wait_until("no replica took over", || cluster.has_failed_over(node));
            act(&mut cluster, node);
        })
    };
    match fault {
        NodeFault::None => Vec::new(),
        NodeFault::Kill => vec![
            at(begin, |cluster, node| cluster.kill9(node).unwrap()),
            after_failover(|cluster, node| cluster.restart(node).unwrap()),
        ],
        NodeFault::Pause => vec![
            at(begin, |cluster, node| cluster.pause(node).unwrap()),
            after_failover(|cluster, node| cluster.resume(node).unwrap()),
        ],
        NodeFault::Cut | NodeFault::CutWithReplica => vec![
            at(begin, |cluster, node| cluster.cut(node).unwrap()),
            after_failover(|cluster, _| cluster.heal()),
        ],
    }
}

/// Fails with this message if the condition does not become true.
fn wait_until(message: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{message}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// The number of all replicas of a primary.
const ALL: u32 = 1;
/// Without a delay, a killed primary loses nothing: the kernel still sends.
const NETWORK_DELAY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
