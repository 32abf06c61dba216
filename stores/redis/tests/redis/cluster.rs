//! A cluster: owners of slots, moving slots, failing nodes.

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_redis::{Error, RedisStore};
use countersign_store_testing::{Durability, Fault, RedisCluster};
use std::time::{Duration, Instant};

use crate::support::*;

/// The node that owns the slot of the account.
async fn owner(cluster: &RedisCluster, account: &AccountId) -> usize {
    for (url, node) in cluster.urls().iter().zip(0..) {
        let key = format!("EXISTS countersign:{{{account}}}");
        if try_run::<i64>(url, &key).await.is_ok() {
            return node;
        }
    }
    panic!("no node owns the slot")
}

#[tokio::test]
async fn a_cluster_call_is_sent_once() {
    let network = Network::cluster(available!(RedisCluster::start(Durability::Fast))).await;
    let store = &network.store;
    for id in 0..30 {
        let before = network.requests();
        assert_eq!(store.load(&account(id)).await.unwrap(), None);
        let sent = network.requests() - before;
        assert!(sent <= 6, "with connecting: {sent}");
    }
    // Now the store is connected to all nodes, and knows all owners.
    for id in 0..30 {
        let before = network.requests();
        create(store, &account(id)).await;
        assert_eq!(network.requests() - before, 1);
    }
    // One answer per account is lost. Only this test sends the write again.
    for id in 0..30 {
        network.inject(&write_script(), Fault::DropReply);
        let (injected, account) = (network.injected(), account(id));
        let write = write(Some(1), 2, b"new");
        let answer = store.compare_and_swap(&account, write).await;
        assert!(matches!(answer, Err(Error::Disconnected(_))), "{answer:?}");
        assert_eq!(network.injected(), injected + 1);
        network.stop_faults();
        let stored = store.load(&account).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision(2));
        let answer = store.compare_and_swap(&account, write).await;
        assert_eq!(answer.unwrap(), WriteResult::Done);
    }
}

#[tokio::test]
async fn a_silent_node_delays_only_its_accounts() {
    let network = Network::cluster(available!(RedisCluster::start(Durability::Fast))).await;
    let cluster = network.cluster.as_ref().unwrap();
    let mut owners = Vec::new();
    for id in 0..12 {
        create(&network.store, &account(id)).await;
        owners.push(owner(cluster, &account(id)).await);
    }
    let silent = owners[0];
    let hasty = network.store.clone().with_timeout(Duration::from_secs(1));
    network.proxies[silent].inject_always(Fault::BlackHole);
    for round in 0..2 {
        for (id, owner) in (0..12).zip(&owners) {
            let start = Instant::now();
            let answer = hasty.load(&account(id)).await;
            if *owner == silent {
                assert!(answer.is_err(), "round {round}");
            } else {
                assert!(answer.unwrap().is_some());
            }
            assert!(start.elapsed() < Duration::from_secs(20));
        }
    }
    network.stop_faults();
    for id in 0..12 {
        assert!(network.store.load(&account(id)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_store_follows_a_moving_slot() {
    let cluster = available!(RedisCluster::start(Durability::Fast));
    let (store, account) = (in_cluster(&cluster), account(1));
    create(&store, &account).await;
    let from = owner(&cluster, &account).await;
    let to = (from + 1) % 3;
    let urls = cluster.urls();
    let (source, target) = (&urls[from], &urls[to]);
    let slot: u16 = run(source, "CLUSTER KEYSLOT countersign:{1}").await;
    let source_id: String = run(source, "CLUSTER MYID").await;
    let target_id: String = run(target, "CLUSTER MYID").await;

    // The slot moves, but not the key: the source still serves it.
    let importing = format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}");
    let _: String = run(target, &importing).await;
    let migrating = format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}");
    let _: String = run(source, &migrating).await;
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);

    // The key has moved before the slot: the source answers ASK.
    let port = cluster.addresses()[to].port();
    let migrate = format!("MIGRATE 127.0.0.1 {port} countersign:{{1}} 0 5000");
    let _: String = run(source, &migrate).await;
    for store in [&store, &in_cluster(&cluster)] {
        let revision = stored_revision(store).await.unwrap();
        let new = revision + 1;
        assert_eq!(
            overwrite(store, revision, new).await.unwrap(),
            WriteResult::Done
        );
        assert_eq!(
            overwrite(store, revision, new + 1).await.unwrap(),
            WriteResult::Stale
        );
        assert_eq!(stored_revision(store).await, Some(new));
    }

    // Many concurrent calls on one connection, each with its own ASKING.
    let loads: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { stored_revision(&store).await })
        })
        .collect();
    for load in loads {
        assert_eq!(load.await.unwrap(), Some(4));
    }

    // The slot has arrived: the source answers MOVED.
    for url in [target, source] {
        let arrived = format!("CLUSTER SETSLOT {slot} NODE {target_id}");
        let _: String = run(url, &arrived).await;
    }
    assert_eq!(owner(&cluster, &account).await, to);
    assert_eq!(overwrite(&store, 4, 5).await.unwrap(), WriteResult::Done);
    assert_eq!(stored_revision(&in_cluster(&cluster)).await, Some(5));
}

#[tokio::test]
async fn a_moved_account_survives_its_old_node() {
    let mut cluster = available!(RedisCluster::start(Durability::Fast));
    for url in cluster.urls() {
        let set = "CONFIG SET cluster-require-full-coverage no";
        let _: String = run(&url, set).await;
    }
    let store = in_cluster(&cluster);
    create(&store, &account(1)).await;
    let from = owner(&cluster, &account(1)).await;
    move_slot(&cluster, from, (from + 1) % 3).await;
    // The store has made no call in between, so it does not know the new owner.
    cluster.kill9(from).unwrap();
    assert_eq!(stored_revision(&store).await, Some(1));
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored_revision(&in_cluster(&cluster)).await, Some(2));
}

/// Moves the slot of the account 1, with the account in it.
async fn move_slot(cluster: &RedisCluster, from: usize, to: usize) {
    let urls = cluster.urls();
    let slot: u16 = run(&urls[from], "CLUSTER KEYSLOT countersign:{1}").await;
    let from_id: String = run(&urls[from], "CLUSTER MYID").await;
    let to_id: String = run(&urls[to], "CLUSTER MYID").await;
    let import = format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}");
    let _: String = run(&urls[to], &import).await;
    let migrate = format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}");
    let _: String = run(&urls[from], &migrate).await;
    let port = cluster.addresses()[to].port();
    let migrate = format!("MIGRATE 127.0.0.1 {port} countersign:{{1}} 0 5000");
    let _: String = run(&urls[from], &migrate).await;
    for node in [to, from, 3 - from - to] {
        let arrived = format!("CLUSTER SETSLOT {slot} NODE {to_id}");
        let _: String = run(&urls[node], &arrived).await;
    }
}

#[tokio::test]
async fn a_killed_node_affects_only_its_own_accounts() {
    let mut cluster = available!(RedisCluster::start(Durability::Durable));
    for url in cluster.urls() {
        let set = "CONFIG SET cluster-require-full-coverage no";
        let _: String = run(&url, set).await;
    }
    let store = in_cluster(&cluster);
    let mut owners = Vec::new();
    for id in 0..12 {
        create(&store, &account(id)).await;
        owners.push(owner(&cluster, &account(id)).await);
    }
    let killed = owners[0];
    cluster.kill9(killed).unwrap();
    // One store that knows the owners, and one that does not.
    for store in [store.clone(), in_cluster(&cluster)] {
        for (id, owner) in (0..12).zip(&owners) {
            let answer = store.load(&account(id)).await;
            if *owner == killed {
                let error = answer.unwrap_err();
                assert!(
                    matches!(error, Error::Unreachable { .. } | Error::ClusterDown(_)),
                    "{error:?}"
                );
            } else {
                assert!(answer.unwrap().is_some());
            }
        }
    }
    cluster.restart(killed).unwrap();
    for id in 0..12 {
        let write = write(Some(1), 2, b"new");
        let result = store.compare_and_swap(&account(id), write).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
    }
}

#[tokio::test]
async fn the_error_names_an_incomplete_cluster() {
    let mut cluster = available!(RedisCluster::start(Durability::Fast));
    let store = in_cluster(&cluster);
    create(&store, &account(1)).await;
    let owner = owner(&cluster, &account(1)).await;
    cluster.kill9((owner + 1) % 3).unwrap();
    // The other nodes notice the failure after their node time-out.
    let start = Instant::now();
    let error = loop {
        match store.load(&account(1)).await {
            Ok(stored) => assert!(stored.is_some()),
            Err(error) => break error,
        }
        assert!(start.elapsed() < PATIENT);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(matches!(error, Error::ClusterDown(_)), "{error:?}");
}

#[tokio::test]
async fn the_store_outlives_its_only_seed() {
    let mut cluster = available!(RedisCluster::start(Durability::Fast));
    for url in cluster.urls() {
        let set = "CONFIG SET cluster-require-full-coverage no";
        let _: String = run(&url, set).await;
    }
    let store = RedisStore::cluster([client(&cluster.urls()[0])]).unwrap();
    let mut elsewhere = Vec::new();
    for id in 0..30 {
        create(&store, &account(id)).await;
        if owner(&cluster, &account(id)).await != 0 {
            elsewhere.push(account(id));
        }
    }
    cluster.kill9(0).unwrap();
    for account in elsewhere {
        assert!(store.load(&account).await.unwrap().is_some());
    }
    // No call has asked for these accounts, so the store knows no owner of their slots.
    let mut answered = 0;
    for id in 100..130 {
        answered += usize::from(store.load(&account(id)).await.is_ok());
    }
    assert!(answered > 0);
}
