//! Servers, stores, and functions that the tests share.

use std::env;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_etcd::{Error, EtcdStore};
use countersign_store_testing::{Etcd, EtcdCluster, Proxy, available};

pub(crate) static SINGLE: LazyLock<Option<Etcd>> = LazyLock::new(|| available(Etcd::start()));

pub(crate) static CLUSTER: LazyLock<Option<EtcdCluster>> =
    LazyLock::new(|| available(EtcdCluster::start()));

/// Bytes that only the request of a load contains.
pub(crate) const LOAD: &str = "POST /v3/kv/range";

/// Bytes that only the request of a write or an erasure contains.
pub(crate) const WRITE: &str = "POST /v3/kv/txn";

/// A long time limit, because a computer that builds and tests is slow.
pub(crate) const PATIENT: Duration = Duration::from_secs(60);

/// How often a race repeats its fault: once, or as often as `COUNTERSIGN_CLUSTER_RACE` says.
pub(crate) fn repetitions() -> u32 {
    match env::var("COUNTERSIGN_CLUSTER_RACE") {
        Ok(repetitions) => repetitions.parse().unwrap(),
        Err(_) => 1,
    }
}

/// A prefix that no other test uses.
pub(crate) fn new_prefix() -> String {
    static PREFIXES: AtomicU32 = AtomicU32::new(0);
    format!("test-{}", PREFIXES.fetch_add(1, Ordering::SeqCst))
}

/// A store on some endpoints, with a key prefix of its own.
pub(crate) fn store<const N: usize>(urls: [String; N]) -> EtcdStore {
    EtcdStore::new(urls)
        .unwrap()
        .with_prefix(&new_prefix())
        .unwrap()
        .with_timeout(PATIENT)
}

pub(crate) fn store_behind(proxy: &Proxy, server: &Etcd) -> EtcdStore {
    store([server.url_at(proxy.address())])
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

pub(crate) async fn stored_revision(store: &EtcdStore) -> Option<i64> {
    let stored = store.load(&account(1)).await.unwrap();
    stored.map(|stored| stored.revision.as_i64())
}

/// Creates a record with revision 1.
pub(crate) async fn create(store: &EtcdStore, account: &AccountId) {
    let created = store.compare_and_swap(account, write(None, 1, b"record"));
    assert_eq!(created.await.unwrap(), WriteResult::Done);
}

pub(crate) async fn overwrite(
    store: &EtcdStore,
    expected: i64,
    new: i64,
) -> Result<WriteResult, Error> {
    let write = write(Some(expected), new, b"overwritten");
    store.compare_and_swap(&account(1), write).await
}
