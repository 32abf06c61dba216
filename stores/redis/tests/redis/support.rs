//! Servers, stores and short words for what the tests do with them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_redis::{Error, RedisStore};
use countersign_store_testing::{Durability, Fault, Proxy, Redis, RedisCluster, available};
use redis::{Client, FromRedisValue};
use tokio::time::sleep;

pub(crate) static SINGLE: LazyLock<Option<Redis>> =
    LazyLock::new(|| available(Redis::start(Durability::Fast)));

pub(crate) static CLUSTER: LazyLock<Option<RedisCluster>> =
    LazyLock::new(|| available(RedisCluster::start(Durability::Fast)));

/// What is in the request of a load, and of no other.
pub(crate) fn read() -> String {
    digest(include_str!("../../src/load.lua"))
}

/// What is in the request of a write or an erasure, and of no other.
pub(crate) fn write() -> String {
    digest(include_str!("../../src/swap.lua"))
}

fn digest(script: &str) -> String {
    redis::Script::new(script).get_hash().to_owned()
}

/// Machines that build and test at once are slow.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

pub(crate) fn client(url: &str) -> Client {
    Client::open(url).unwrap()
}

/// A store on a server, under keys of its own.
pub(crate) fn store(url: &str) -> RedisStore {
    static STORES: AtomicU32 = AtomicU32::new(0);
    let number = STORES.fetch_add(1, Ordering::SeqCst);
    RedisStore::new(client(url))
        .with_prefix(&format!("store-{number}:"))
        .unwrap()
        .with_timeout(PATIENT)
}

/// A store behind a proxy, on a server that knows the scripts: then a call is one request.
pub(crate) async fn behind(proxy: &Proxy, server: &Redis) -> RedisStore {
    teach(&store(&server.url())).await;
    store(&server.url_at(proxy.address()))
}

pub(crate) fn in_cluster(cluster: &RedisCluster) -> RedisStore {
    let nodes = cluster.urls();
    RedisStore::cluster(nodes.iter().map(|url| client(url)))
        .unwrap()
        .with_timeout(PATIENT)
}

/// Lets the server know both scripts.
pub(crate) async fn teach(store: &RedisStore) {
    let account = AccountId::new("to teach the scripts").unwrap();
    store.load(&account).await.unwrap();
    _ = store.compare_and_swap(&account, erase(1, 2)).await.unwrap();
}

/// Runs a command, and gives its answer.
pub(crate) async fn run<T: FromRedisValue>(url: &str, command: &str) -> T {
    try_run(url, command).await.unwrap()
}

pub(crate) async fn try_run<T: FromRedisValue>(url: &str, command: &str) -> redis::RedisResult<T> {
    let mut connection = client(url).get_multiplexed_async_connection().await?;
    let mut words = command.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    command.arg(words.collect::<Vec<_>>());
    command.query_async(&mut connection).await
}

pub(crate) fn account(id: u32) -> AccountId {
    AccountId::from(id)
}

pub(crate) fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

pub(crate) fn swap(expected: Option<i64>, new: i64, record: &[u8]) -> ConditionalWrite<'_> {
    let summary = Summary::new(true, u32::MAX, KeyId::new(u32::MAX));
    let kind = WriteKind::Enrolled;
    ConditionalWrite::put(expected.map(revision), revision(new), record, kind, summary)
}

pub(crate) fn erase(expected: i64, new: i64) -> ConditionalWrite<'static> {
    let summary = Summary::new(false, 0, KeyId::new(1));
    ConditionalWrite::erase(revision(expected), revision(new), summary)
}

/// Writes the first record, under the revision 1.
pub(crate) async fn create(store: &RedisStore, account: &AccountId) {
    let swapped = store.compare_and_swap(account, swap(None, 1, b"record"));
    assert_eq!(swapped.await.unwrap(), WriteResult::Done);
}

/// Writes over a revision of the account 1.
pub(crate) async fn swapped(store: &RedisStore, old: i64, new: i64) -> Result<WriteResult, Error> {
    store
        .compare_and_swap(&account(1), swap(Some(old), new, b"new"))
        .await
}

/// The revision of the account 1.
pub(crate) async fn held(store: &RedisStore) -> Option<i64> {
    let stored = store.load(&account(1)).await.unwrap();
    stored.map(|stored| stored.revision.as_i64())
}

/// A store behind proxies: on one server, or on a cluster with one before each node.
pub(crate) struct Network {
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) store: RedisStore,
    /// Ends with the network.
    pub(crate) cluster: Option<RedisCluster>,
}

impl Network {
    pub(crate) async fn single(server: &Redis) -> Self {
        let proxy = Proxy::start(server.address()).unwrap();
        Self {
            store: behind(&proxy, server).await,
            proxies: vec![proxy],
            cluster: None,
        }
    }

    /// The nodes of the cluster tell the addresses of their proxies from now on.
    pub(crate) async fn cluster(cluster: RedisCluster) -> Self {
        let mut proxies = Vec::new();
        for (address, url) in cluster.addresses().into_iter().zip(cluster.urls()) {
            let proxy = Proxy::start(address).unwrap();
            let port = proxy.address().port();
            let set = format!("CONFIG SET cluster-announce-port {port}");
            let _: String = run(&url, &set).await;
            for script in [
                include_str!("../../src/load.lua"),
                include_str!("../../src/swap.lua"),
            ] {
                let mut connection = client(&url)
                    .get_multiplexed_async_connection()
                    .await
                    .unwrap();
                let script = redis::Script::new(script);
                script.load_async(&mut connection).await.unwrap();
            }
            proxies.push(proxy);
        }
        let ports: Vec<_> = proxies.iter().map(|proxy| proxy.address().port()).collect();
        for url in cluster.urls() {
            let told = async || {
                let nodes: String = run(&url, "CLUSTER NODES").await;
                ports
                    .iter()
                    .all(|port| nodes.contains(&format!(":{port}@")))
            };
            let begun = Instant::now();
            while !told().await {
                assert!(begun.elapsed() < PATIENT);
                sleep(Duration::from_millis(50)).await;
            }
        }
        let urls = proxies
            .iter()
            .map(|proxy| format!("redis://{}/", proxy.address()));
        let store = RedisStore::cluster(urls.map(|url| client(&url))).unwrap();
        Self {
            store: store.with_timeout(PATIENT),
            proxies,
            cluster: Some(cluster),
        }
    }

    /// Strikes the next request with these bytes in it, behind each proxy.
    pub(crate) fn strike(&self, bytes: &str, fault: Fault) {
        for proxy in &self.proxies {
            proxy.strike(bytes, fault);
        }
    }

    pub(crate) fn strike_all(&self, fault: Fault) {
        for proxy in &self.proxies {
            proxy.strike_all(fault);
        }
    }

    pub(crate) fn heal(&self) {
        self.proxies.iter().for_each(Proxy::heal);
    }

    pub(crate) fn struck(&self) -> usize {
        self.proxies.iter().map(Proxy::struck).sum()
    }

    pub(crate) fn requests(&self) -> usize {
        self.proxies.iter().map(Proxy::requests).sum()
    }
}
