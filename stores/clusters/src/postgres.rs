//! PostgreSQL: a primary and a synchronous standby that takes over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign::store::BoxStore;
use countersign_sqlx::PostgresStore;
use countersign_store_testing::{Durability, PostgresPair, StartError};

use crate::check::{CheckReport, check};
use crate::race::{Fault, Race};
use crate::settings::{NodeFault, Timing};

/// A race on a new pair. The primary has the fault, and the standby takes over at once.
///
/// If the primary is killed, all clients follow to the standby. If the primary is paused or cut
/// off, half of the clients stay on its side.
///
/// # Errors
/// [`StartError`] if the servers do not start.
pub async fn race(
    synchronous_commit: &str,
    fault: NodeFault,
    timing: Timing,
) -> Result<CheckReport, StartError> {
    let pair = PostgresPair::start(Durability::Durable, NETWORK_DELAY, synchronous_commit)?;
    let following = store(&pair.url(), synchronous_commit, timing.clients).await;
    let first = pair.url_of_first_primary();
    let staying = store(&first, synchronous_commit, timing.clients).await;
    let stores = match fault {
        NodeFault::None | NodeFault::Kill => vec![following.clone()],
        _ => vec![following.clone(), staying],
    };
    let pair = Arc::new(Mutex::new(pair));
    let race = Race {
        accounts: timing.accounts,
        clients: timing.clients,
        duration: timing.total(),
        stores,
        faults: faults(&pair, fault, timing),
    };
    Ok(check(race.run().await, &[following]).await)
}

/// A store with a pool of its own. Creates the table.
async fn store(url: &str, synchronous_commit: &str, connections: usize) -> BoxStore {
    let pool = PostgresStore::pool_options().max_connections(connections.try_into().unwrap());
    let mut store = PostgresStore::new(pool.connect_lazy(url).unwrap());
    if synchronous_commit == "local" {
        store = store.danger_without_server_check();
    }
    store.create_table().await.unwrap();
    BoxStore::new(store)
}

fn faults(pair: &Arc<Mutex<PostgresPair>>, fault: NodeFault, timing: Timing) -> Vec<Fault> {
    let at = |time: Duration, act: fn(&mut PostgresPair)| {
        let pair = pair.clone();
        Fault::new(time, move || act(&mut pair.lock().unwrap()))
    };
    let (begin, end) = (timing.before, timing.before + timing.during);
    let fail_over = at(begin, |pair| pair.fail_over().unwrap());
    match fault {
        NodeFault::None => Vec::new(),
        NodeFault::Kill => vec![at(begin, |pair| pair.kill9_primary().unwrap()), fail_over],
        NodeFault::Pause => vec![
            at(begin, |pair| pair.pause_primary().unwrap()),
            fail_over,
            at(end, |pair| pair.resume_primary().unwrap()),
        ],
        NodeFault::Cut | NodeFault::CutWithReplica => vec![at(begin, |pair| pair.cut()), fail_over],
    }
}

/// Without a delay, a killed primary loses nothing: the kernel still sends.
const NETWORK_DELAY: Duration = Duration::from_millis(30);
