//! The clusters start, lose a node, fail over, and come back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use countersign_store_testing::{
    Durability, GaleraCluster, PgBouncer, Postgres, PostgresPair, RedisSentinel,
    ReplicatedRedisCluster, available,
};

fn is_up(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// Runs commands on one connection to a Redis server. Returns the last answer, or nothing if the
/// server closes the connection.
fn redis<const N: usize>(address: SocketAddr, commands: [&str; N]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    for command in commands {
        write!(stream, "{command}\r\n").unwrap();
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).unwrap_or_default();
        answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
    }
    answer
}

/// Whether a Redis server gives no answer for two seconds.
fn is_silent(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    let time = Some(Duration::from_secs(2));
    stream.set_read_timeout(time).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    stream
        .read(&mut [0])
        .is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

fn wait_until(reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(50));
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_galera_node_leaves_and_comes_back() {
    let started = GaleraCluster::start(Durability::Fast, &["--wsrep-sync-wait=1"]);
    let Some(mut cluster) = available(started) else {
        return;
    };
    assert!(cluster.addresses().into_iter().all(is_up));
    cluster.kill9(2).unwrap();
    assert!(!is_up(cluster.addresses()[2]));
    cluster.restart(2).unwrap();
    cluster.pause(1).unwrap();
    cluster.resume(1).unwrap();
    cluster.cut(0).unwrap();
    cluster.heal(0).unwrap();
    cluster.wait_until_complete().unwrap();
    assert!(cluster.addresses().into_iter().all(is_up));
    assert!(cluster.kill9(3).is_err());
}

#[test]
fn a_postgres_standby_takes_over() {
    let delay = Duration::from_millis(30);
    let started = PostgresPair::start(Durability::Fast, delay, "on");
    let Some(mut pair) = available(started) else {
        return;
    };
    pair.pause_primary().unwrap();
    pair.resume_primary().unwrap();
    pair.kill9_primary().unwrap();
    pair.fail_over().unwrap();
    assert!(is_up(pair.address_of_standby()));
}

#[test]
fn a_pooler_starts_in_front_of_its_server() {
    let Some(server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    if let Some(pooler) = available(PgBouncer::start(&server, 4)) {
        assert!(is_up(pooler.address()));
        assert_ne!(pooler.url(), server.url());
    }
}

#[test]
fn sentinels_replace_a_primary_that_is_cut_off() {
    let started = RedisSentinel::start(Durability::Fast, Duration::ZERO, &[]);
    let Some(servers) = available(started) else {
        return;
    };
    assert_eq!(servers.primary(), Some(0));
    let own = |server: usize| servers.own_addresses()[server];
    assert_eq!(redis(own(0), ["SET before 1", "WAIT 2 0"]), ":2\r\n");
    // Server 1 stays with the primary, and still gets its writes.
    servers.cut(0, &[1]).unwrap();
    assert!(is_silent(servers.addresses()[0]));
    assert_eq!(redis(own(0), ["SET during 1", "WAIT 1 0"]), ":1\r\n");
    wait_until(|| servers.primary() == Some(2));
    assert_eq!(redis(own(1), ["GET during"]), "$1\r\n1\r\n");
    assert_eq!(redis(own(2), ["GET during"]), "$-1\r\n");
    servers.heal();
    wait_until(|| redis(own(0), ["ROLE"]).contains("slave"));
    wait_until(|| redis(own(1), ["GET during"]) == "$-1\r\n");
}

#[test]
fn a_killed_redis_primary_is_replaced() {
    let started = RedisSentinel::start(Durability::Fast, Duration::from_millis(20), &[]);
    let Some(mut servers) = available(started) else {
        return;
    };
    servers.pause(1).unwrap();
    servers.resume(1).unwrap();
    servers.kill9(0).unwrap();
    wait_until(|| servers.primary().is_some_and(|primary| primary != 0));
    servers.restart(0).unwrap();
    wait_until(|| redis(servers.own_addresses()[0], ["ROLE"]).contains("slave"));
    assert!(servers.kill9(3).is_err());
}

#[test]
fn a_replica_of_a_redis_cluster_takes_over() {
    let started = ReplicatedRedisCluster::start(Durability::Fast, Duration::ZERO);
    let Some(mut cluster) = available(started) else {
        return;
    };
    let first = cluster.primary().unwrap();
    let addresses = cluster.own_addresses();
    let primaries = || {
        let roles = addresses.iter().map(|address| redis(*address, ["ROLE"]));
        roles.filter(|role| role.contains("master")).count()
    };
    assert_eq!(primaries(), 3);
    // The node that is cut off does not know that it has been replaced.
    cluster.cut(first).unwrap();
    wait_until(|| primaries() == 4);
    cluster.heal();
    wait_until(|| redis(addresses[first], ["ROLE"]).contains("slave"));
    let second = cluster.primary().unwrap();
    cluster.pause(second).unwrap();
    cluster.resume(second).unwrap();
    cluster.kill9(second).unwrap();
    cluster.restart(second).unwrap();
    assert!(cluster.kill9(6).is_err());
}
