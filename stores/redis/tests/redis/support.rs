//! Servers, stores, and functions that the tests share.

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

pub(crate) static VALKEY: LazyLock<Option<Redis>> =
    LazyLock::new(|| available(Redis::start_valkey(Durability::Fast)));

pub(crate) static CLUSTER: LazyLock<Option<RedisCluster>> =
    LazyLock::new(|| available(RedisCluster::start(Durability::Fast)));

/// Bytes that only the request of a load contains.
pub(crate) fn load_script() -> String {
    digest(include_str!("../../src/load.lua"))
}

/// Bytes that only the request of a write or an erasure contains.
pub(crate) fn write_script() -> String {
    digest(include_str!("../../src/write.lua"))
}

/// Bytes that only a call of the vigilance contains.
pub(crate) fn observe_script() -> String {
    digest(include_str!("../../src/observe.lua"))
}

/// Bytes that only the beginning of a day contains.
pub(crate) fn new_day_script() -> String {
    digest(include_str!("../../src/new_day.lua"))
}

fn digest(script: &str) -> String {
    redis::Script::new(script).get_hash().to_owned()
}

/// A long time limit, because a computer that builds and tests is slow.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

pub(crate) fn client(url: &str) -> Client {
    Client::open(url).unwrap()
}

/// A store on a server, with a key prefix of its own.
pub(crate) fn store(url: &str) -> RedisStore {
    static STORES: AtomicU32 = AtomicU32::new(0);
    let number = STORES.fetch_add(1, Ordering::SeqCst);
    RedisStore::new(client(url))
        .with_prefix(&format!("store-{number}:"))
        .unwrap()
        .with_timeout(PATIENT)
}

/// A store behind a proxy. The server knows the scripts already, so a call is one request.
pub(crate) async fn store_behind(proxy: &Proxy, server: &Redis) -> RedisStore {
    load_scripts(&store(&server.url())).await;
    store(&server.url_at(proxy.address()))
}

pub(crate) fn in_cluster(cluster: &RedisCluster) -> RedisStore {
    let nodes = cluster.urls();
    RedisStore::cluster(nodes.iter().map(|url| client(url)))
        .unwrap()
        .with_timeout(PATIENT)
}

/// Makes both scripts known to the server.
pub(crate) async fn load_scripts(store: &RedisStore) {
    let account = AccountId::new("to load the scripts").unwrap();
    store.load(&account).await.unwrap();
    _ = store.compare_and_swap(&account, erase(1, 2)).await.unwrap();
}

/// Runs a command, and returns its answer.
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

pub(crate) fn write(expected: Option<i64>, new: i64, record: &[u8]) -> ConditionalWrite<'_> {
    let summary = Summary::new(true, u32::MAX, KeyId::new(u32::MAX));
    let kind = WriteKind::Enrolled;
    ConditionalWrite::put(expected.map(revision), revision(new), record, kind, summary)
}

pub(crate) fn erase(expected: i64, new: i64) -> ConditionalWrite<'static> {
    let summary = Summary::new(false, 0, KeyId::new(1));
    ConditionalWrite::erase(revision(expected), revision(new), summary)
}

/// Writes the first record, with the revision 1.
pub(crate) async fn create(store: &RedisStore, account: &AccountId) {
    let result = store.compare_and_swap(account, write(None, 1, b"record"));
    assert_eq!(result.await.unwrap(), WriteResult::Done);
}

/// Replaces a revision of the account 1.
pub(crate) async fn overwrite(
    store: &RedisStore,
    old: i64,
    new: i64,
) -> Result<WriteResult, Error> {
    store
        .compare_and_swap(&account(1), write(Some(old), new, b"new"))
        .await
}

/// The stored revision of the account 1.
pub(crate) async fn stored_revision(store: &RedisStore) -> Option<i64> {
    let stored = store.load(&account(1)).await.unwrap();
    stored.map(|stored| stored.revision.as_i64())
}

/// A store behind proxies: one for a server, or one for each node of a cluster.
pub(crate) struct Network {
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) store: RedisStore,
    /// Keeps the cluster running as long as the network.
    pub(crate) cluster: Option<RedisCluster>,
}

impl Network {
    pub(crate) async fn single(server: &Redis) -> Self {
        let proxy = Proxy::start(server.address()).unwrap();
        Self {
            store: store_behind(&proxy, server).await,
            proxies: vec![proxy],
            cluster: None,
        }
    }

    /// From now on, the nodes of the cluster announce the addresses of their proxies.
    pub(crate) async fn cluster(cluster: RedisCluster) -> Self {
        let mut proxies = Vec::new();
        for (address, url) in cluster.addresses().into_iter().zip(cluster.urls()) {
            let proxy = Proxy::start(address).unwrap();
            let port = proxy.address().port();
            let set = format!("CONFIG SET cluster-announce-port {port}");
            let _: String = run(&url, &set).await;
            for script in [
                include_str!("../../src/load.lua"),
                include_str!("../../src/write.lua"),
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
            let announced = async || {
                let nodes: String = run(&url, "CLUSTER NODES").await;
                ports
                    .iter()
                    .all(|port| nodes.contains(&format!(":{port}@")))
            };
            let start = Instant::now();
            while !announced().await {
                assert!(start.elapsed() < PATIENT);
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

    /// Injects a fault into the next request with these bytes, at each proxy.
    pub(crate) fn inject(&self, bytes: &str, fault: Fault) {
        for proxy in &self.proxies {
            proxy.inject(bytes, fault);
        }
    }

    pub(crate) fn inject_always(&self, fault: Fault) {
        for proxy in &self.proxies {
            proxy.inject_always(fault);
        }
    }

    pub(crate) fn stop_faults(&self) {
        self.proxies.iter().for_each(Proxy::stop_faults);
    }

    pub(crate) fn injected(&self) -> usize {
        self.proxies.iter().map(Proxy::injected).sum()
    }

    pub(crate) fn requests(&self) -> usize {
        self.proxies.iter().map(Proxy::requests).sum()
    }
}
