//! MariaDB Galera: three nodes, and clients on all of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::store::BoxStore;
use countersign_sqlx::MySqlStore;
use countersign_store_testing::{Durability, GaleraCluster, StartError};

use crate::check::{CheckReport, check};
use crate::race::{Fault, Race};
use crate::settings::{NodeFault, Timing};

/// A race on a new cluster. The node 2 has the fault.
///
/// # Errors
/// [`StartError`] if the cluster does not start.
pub async fn race(
    sync_wait: u8,
    fault: NodeFault,
    timing: Timing,
) -> Result<CheckReport, StartError> {
    let sync_wait = format!("--wsrep-sync-wait={sync_wait}");
    let cluster = GaleraCluster::start(Durability::Durable, &[&sync_wait])?;
    let stores = stores(&cluster, timing.clients).await;
    let cluster = Arc::new(Mutex::new(cluster));
    let race = Race {
        accounts: timing.accounts,
        clients: timing.clients,
        duration: timing.total(),
        stores: stores.clone(),
        faults: faults(&cluster, fault, timing),
    };
    let log = race.run().await;
    let nodes = match fault {
        NodeFault::Kill => &stores[..NODE],
        _ => &stores[..],
    };
    cluster.lock().unwrap().wait_until_complete()?;
    Ok(check(log, nodes).await)
}

/// A store on each node, with a pool of its own. Creates the table.
pub async fn stores(cluster: &GaleraCluster, connections: usize) -> Vec<BoxStore> {
    let mut stores = Vec::new();
    for url in cluster.urls() {
        let pool = MySqlStore::pool_options().max_connections(connections.try_into().unwrap());
        let store = MySqlStore::new(pool.connect_lazy(&url).unwrap());
        store.create_table().await.unwrap();
        stores.push(BoxStore::new(store));
    }
    stores
}

fn faults(cluster: &Arc<Mutex<GaleraCluster>>, fault: NodeFault, timing: Timing) -> Vec<Fault> {
    let at = |time: Duration, act: fn(&mut GaleraCluster)| {
        let cluster = cluster.clone();
        Fault::new(time, move || act(&mut cluster.lock().unwrap()))
    };
    let (begin, end) = (timing.before, timing.before + timing.during);
    match fault {
        NodeFault::None => Vec::new(),
        NodeFault::Kill => vec![at(begin, |cluster| cluster.kill9(NODE).unwrap())],
        NodeFault::Pause => vec![
            at(begin, |cluster| cluster.pause(NODE).unwrap()),
            at(end, |cluster| cluster.resume(NODE).unwrap()),
        ],
        NodeFault::Cut | NodeFault::CutWithReplica => vec![
            at(begin, |cluster| cluster.cut(NODE).unwrap()),
            at(end, |cluster| cluster.heal(NODE).unwrap()),
        ],
    }
}

/// The node that has the fault.
const NODE: usize = 2;
