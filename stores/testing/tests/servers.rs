//! The servers start, keep their data, restart, and leave nothing behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use countersign_store_testing::{
    Durability, Etcd, EtcdCluster, MariaDb, Postgres, Redis, RedisCluster, available,
};

fn redis(address: SocketAddr, command: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(format!("{command}\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn is_up(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// The number of temporary directories of a process.
fn directories_of(process: u32) -> usize {
    let prefix = format!("countersign-test-{process}-");
    fs::read_dir(env::temp_dir())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        .count()
}

/// Locked by tests that count directories.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_server_restarts_and_leaves_nothing_behind() {
    let _alone = ALONE.lock();
    if let Some(mut server) = available(Redis::start(Durability::Durable)) {
        assert_eq!(redis(server.address(), "SET a kept"), "+OK\r\n");
        server.kill9().unwrap();
        assert!(!is_up(server.address()));
        server.restart().unwrap();
        assert_eq!(redis(server.address(), "GET a"), "$4\r\nkept\r\n");
        server.stop().unwrap();
        assert!(!is_up(server.address()));
        assert_eq!(directories_of(process::id()), 1);
    }
    if let Some(mut server) = available(Postgres::start(Durability::Fast)) {
        server.kill9().unwrap();
        server.restart().unwrap();
        assert!(is_up(server.address()));
        let another = available(Postgres::start(Durability::Fast)).unwrap();
        assert_ne!(server.url(), another.url());
    }
    if let Some(mut server) = available(MariaDb::start(Durability::Fast)) {
        server.kill9().unwrap();
        server.restart().unwrap();
        assert!(is_up(server.address()));
    }
    if let Some(mut cluster) = available(RedisCluster::start(Durability::Fast)) {
        cluster.kill9(1).unwrap();
        cluster.restart(1).unwrap();
        assert!(cluster.addresses().into_iter().all(is_up));
        assert!(cluster.kill9(3).is_err());
    }
    if let Some(mut server) = available(Etcd::start()) {
        server.kill9().unwrap();
        assert!(!is_up(server.address()));
        server.restart().unwrap();
        let version = server.ask("/version", "").unwrap();
        assert!(version.contains("etcdserver"), "{version}");
    }
    if let Some(mut cluster) = available(EtcdCluster::start()) {
        let leader = cluster.leader().unwrap();
        cluster.pause(leader).unwrap();
        cluster.kill9(leader).unwrap();
        assert!(cluster.resume(leader).is_err());
        assert_ne!(cluster.leader().unwrap(), leader);
        cluster.restart().unwrap();
        assert!(cluster.addresses().into_iter().all(is_up));
        assert!(cluster.kill9(3).is_err());
    }
    assert_eq!(directories_of(process::id()), 0);
}

#[test]
fn a_server_ends_with_its_killed_process() {
    // This test runs itself again, as the process that is killed.
    const CHILD: &str = "COUNTERSIGN_TEST_CHILD";
    if let Ok(port) = env::var(CHILD) {
        let server = available(Redis::start(Durability::Fast)).unwrap();
        let mut parent = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
        write!(parent, "{}", server.address()).unwrap();
        drop(parent);
        thread::sleep(Duration::from_secs(600));
    }
    let _alone = ALONE.lock();
    if available(Redis::start(Durability::Fast)).is_none() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_server_ends_with_its_killed_process"])
        .env(CHILD, listener.local_addr().unwrap().port().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut address = String::new();
    listener
        .accept()
        .unwrap()
        .0
        .read_to_string(&mut address)
        .unwrap();
    let address: SocketAddr = address.parse().unwrap();
    assert!(is_up(address));
    child.kill().unwrap();
    child.wait().unwrap();
    let start = Instant::now();
    while is_up(address) || directories_of(child.id()) > 0 {
        assert!(start.elapsed() < Duration::from_secs(30));
        thread::sleep(Duration::from_millis(10));
    }
}
