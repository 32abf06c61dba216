//! A cluster: members that are down, and loads on every member.

use std::time::Duration;

use countersign::store::{Store, WriteResult};
use countersign_etcd::{Error, EtcdStore};
use countersign_store_testing::{EtcdCluster, Fault, Proxy};

use crate::support::*;

/// Every member gives the latest record.
#[tokio::test]
async fn each_member_shows_a_done_write_at_once() {
    let urls = shared!(CLUSTER).urls();
    let prefix = new_prefix();
    let open = |url: &String| {
        let store = EtcdStore::new([url]).unwrap().with_prefix(&prefix).unwrap();
        store.with_timeout(PATIENT)
    };
    let members = [open(&urls[0]), open(&urls[1]), open(&urls[2])];
    create(&members[0], &account(1)).await;
    for old in 1..300 {
        let number = usize::try_from(old).unwrap();
        let [writer, reader] = [number % 3, (number + 1) % 3];
        let written = overwrite(&members[writer], old, old + 1).await.unwrap();
        assert_eq!(written, WriteResult::Done);
        assert_eq!(stored_revision(&members[reader]).await, Some(old + 1));
    }
}

#[tokio::test]
async fn a_killed_member_causes_no_error() {
    let mut cluster = available!(EtcdCluster::start());
    let leader = cluster.leader().unwrap();
    let mut urls = cluster.urls();
    urls.rotate_left((leader + 1) % 3);
    let store = store(urls);
    create(&store, &account(1)).await;
    for old in 1..3 {
        // The first member that the store knows, and then the next one.
        let member = (leader + usize::try_from(old).unwrap()) % 3;
        cluster.kill9(member).unwrap();
        assert_eq!(stored_revision(&store).await, Some(old));
        let written = overwrite(&store, old, old + 1).await.unwrap();
        assert_eq!(written, WriteResult::Done);
        cluster.restart().unwrap();
    }
}

#[tokio::test]
async fn a_load_on_a_silent_member_goes_to_the_next() {
    let cluster = shared!(CLUSTER);
    let [first, second, third] = cluster.addresses();
    let proxy = Proxy::start(first).unwrap();
    let urls = [proxy.address(), second, third].map(|address| format!("http://{address}"));
    let store = store(urls).with_timeout(Duration::from_secs(15));
    create(&store, &account(1)).await;
    proxy.inject_always(Fault::BlackHole);
    assert_eq!(stored_revision(&store).await, Some(1));
    let requests = proxy.requests();
    // From now on, calls begin with the next member.
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored_revision(&store).await, Some(2));
    assert_eq!(proxy.requests(), requests);
}

#[tokio::test]
async fn a_write_with_a_lost_answer_goes_to_one_member() {
    let cluster = shared!(CLUSTER);
    let [first, second, third] = cluster.addresses();
    let lossy = Proxy::start(first).unwrap();
    let next = Proxy::start(second).unwrap();
    let urls = [lossy.address(), next.address(), third];
    let store = store(urls.map(|address| format!("http://{address}")));
    create(&store, &account(1)).await;
    lossy.inject(WRITE, Fault::DropReply);
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_eq!(next.requests(), 0);
    // The same write again goes to the next member, and finds the first copy.
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Stale);
    assert_eq!(next.requests(), 1);
    assert_eq!(stored_revision(&store).await, Some(2));
}

#[tokio::test]
async fn a_minority_answers_nothing() {
    let mut cluster = available!(EtcdCluster::start());
    let store = store(cluster.urls());
    create(&store, &account(1)).await;
    let leader = cluster.leader().unwrap();
    for member in [leader, (leader + 1) % 3] {
        cluster.kill9(member).unwrap();
    }
    let hasty = store.clone().with_timeout(Duration::from_secs(1));
    let error = hasty.load(&account(1)).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout { .. } | Error::Unreachable { .. }),
        "{error:?}"
    );
    // etcd itself gives up a write after 7 seconds.
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::NoLeader { .. }), "{error:?}");
    cluster.restart().unwrap();
    let revision = stored_revision(&store).await.unwrap();
    assert!([1, 2].contains(&revision), "the effect is unknown");
}
