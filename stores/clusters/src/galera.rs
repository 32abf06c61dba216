//! MariaDB Galera: three nodes, and clients on all of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::store::BoxStore;
use countersign_sqlx::MySqlStore;
use countersign_store_testing::{Durability, GaleraCluster, StartError};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPoolOptions;

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
    let cluster = GaleraCluster::start(Durability::Durable, &[])?;
    let stores = stores(&cluster, sync_wait, timing.clients).await;
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

/// A store on each node, with a pool of its own and this `wsrep_sync_wait`. Creates the table.
pub async fn stores(cluster: &GaleraCluster, sync_wait: u8, connections: usize) -> Vec<BoxStore> {
    let mut stores = Vec::new();
    for url in cluster.urls() {
        let mut store = store(&url, sync_wait, connections);
        if sync_wait != SYNC_WAIT {
            store = store.danger_without_server_check();
        }
        store.create_table().await.unwrap();
        stores.push(BoxStore::new(store));
    }
    stores
}

/// A store on a node, with a pool of its own and this `wsrep_sync_wait`.
#[must_use]
pub fn store(url: &str, sync_wait: u8, connections: usize) -> MySqlStore {
    let pool = MySqlPoolOptions::new()
        .max_connections(connections.try_into().unwrap())
        .after_connect(move |connection, _| {
            let set = format!("SET SESSION wsrep_sync_wait = {sync_wait}");
            let set = sqlx::raw_sql(AssertSqlSafe(set)).execute(connection);
            Box::pin(async move { set.await.map(|_| ()) })
        });
    MySqlStore::new(pool.connect_lazy(url).unwrap())
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

/// `wsrep_sync_wait` for `SELECT` (1), `UPDATE` and `DELETE` (2), and `INSERT` (4).
pub const SYNC_WAIT: u8 = 7;
/// The node that has the fault.
const NODE: usize = 2;
