//! Redis: a primary with two replicas, and three sentinels that choose a new primary.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use countersign::store::BoxStore;
use countersign_redis::RedisStore;
use countersign_store_testing::{Durability, RedisSentinel, StartError};
use redis::Client;

use crate::check::{CheckReport, check};
use crate::race::{Fault, Race};
use crate::settings::{NodeFault, RedisSettings, Timing};

/// A race on new servers. The first primary has the fault.
///
/// If the primary is paused or cut off, half of the clients stay on its side. The other half
/// follows the sentinels. A fault ends when another server is the primary. Then a killed primary is
/// started again.
///
/// # Errors
/// [`StartError`] if the servers do not start.
pub async fn race(
    settings: RedisSettings,
    fault: NodeFault,
    timing: Timing,
) -> Result<CheckReport, StartError> {
    let options: Vec<String> = match settings.max_lag {
        None => Vec::new(),
        Some(lag) => vec![
            "--min-replicas-to-write 1".to_owned(),
            format!("--min-replicas-max-lag {lag}"),
        ],
    };
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let servers = RedisSentinel::start(Durability::Durable, NETWORK_DELAY, &options)?;
    // Each client has connections of its own: a write that waits for replicas holds up the calls
    // behind it on its connection.
    let stores = (0..timing.clients).map(|client| match fault {
        NodeFault::Pause | NodeFault::Cut | NodeFault::CutWithReplica if client % 2 == 1 => {
            staying(&servers, settings)
        }
        _ => following(&servers, settings),
    });
    let stores = stores.collect();
    let after = following(&servers, settings);
    let servers = Arc::new(Mutex::new(servers));
    let race = Race {
        accounts: timing.accounts,
        clients: timing.clients,
        duration: timing.total(),
        stores,
        faults: faults(&servers, fault, timing),
    };
    let log = race.run().await;
    Ok(check(log, &[after]).await)
}

/// A store that follows the sentinels.
fn following(servers: &RedisSentinel, settings: RedisSettings) -> BoxStore {
    let sentinels = servers
        .sentinel_urls()
        .map(|url| Client::open(url).unwrap());
    let primary = format!("redis://{}/", RedisSentinel::PRIMARY);
    let primary = Client::open(primary).unwrap();
    with_settings(RedisStore::sentinel(sentinels, primary).unwrap(), settings)
}

/// A store on the side of the first primary.
fn staying(servers: &RedisSentinel, settings: RedisSettings) -> BoxStore {
    let first = format!("redis://{}/", servers.own_addresses()[0]);
    with_settings(RedisStore::new(Client::open(first).unwrap()), settings)
}

fn with_settings(store: RedisStore, settings: RedisSettings) -> BoxStore {
    let store = store.with_replicas(settings.wait_for);
    BoxStore::new(match settings.wait_for {
        ALL => store,
        _ => store.danger_accepted_codes_may_come_back(),
    })
}

fn faults(servers: &Arc<Mutex<RedisSentinel>>, fault: NodeFault, timing: Timing) -> Vec<Fault> {
    let at = |time: Duration, act: fn(&mut RedisSentinel)| {
        let servers = servers.clone();
        Fault::new(time, move || act(&mut servers.lock().unwrap()))
    };
    let (begin, end) = (timing.before, timing.before + timing.during);
    let after_failover = |act: fn(&mut RedisSentinel)| {
        let servers = servers.clone();
        Fault::new(end, move || {
            let mut servers = servers.lock().unwrap();
            await_failover(&servers);
            act(&mut servers);
        })
    };
    match fault {
        NodeFault::None => Vec::new(),
        NodeFault::Kill => vec![
            at(begin, |servers| servers.kill9(0).unwrap()),
            after_failover(|servers| servers.restart(0).unwrap()),
        ],
        NodeFault::Pause => vec![
            at(begin, |servers| servers.pause(0).unwrap()),
            after_failover(|servers| servers.resume(0).unwrap()),
        ],
        NodeFault::Cut => vec![
            at(begin, |servers| servers.cut(0, &[]).unwrap()),
            after_failover(|servers| servers.heal()),
        ],
        NodeFault::CutWithReplica => vec![
            at(begin, |servers| servers.cut(0, &[1]).unwrap()),
            after_failover(|servers| servers.heal()),
        ],
    }
}

/// On a busy computer, the sentinels need longer than the fault lasts.
fn await_failover(servers: &RedisSentinel) {
    let start = Instant::now();
    while servers.primary().is_none_or(|primary| primary == 0) {
        assert!(
            start.elapsed() < PATIENCE,
            "no other server became the primary"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The number of all replicas.
const ALL: u32 = 2;
/// Without a delay, a killed primary loses nothing: the kernel still sends.
const NETWORK_DELAY: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
