//! A cluster: who keeps what, slots that move, nodes that fail.

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_redis::{Error, RedisStore};
use countersign_store_testing::{Durability, Fault, RedisCluster};
use std::time::{Duration, Instant};

use crate::support::*;

/// The node that has the account's slot.
async fn owner(cluster: &RedisCluster, account: &AccountId) -> usize {
    for (url, node) in cluster.urls().iter().zip(0..) {
        let key = format!("EXISTS countersign:{{{account}}}");
        if try_run::<i64>(url, &key).await.is_ok() {
            return node;
        }
    }
    panic!("nobody has it")
}

#[tokio::test]
async fn each_call_is_sent_once_and_a_redirected_one_once_more() {
    let network = Network::cluster(available!(RedisCluster::start(Durability::Fast))).await;
    let store = &network.store;
    for id in 0..30 {
        let before = network.requests();
        assert_eq!(store.load(&account(id)).await.unwrap(), None);
        let sent = network.requests() - before;
        assert!(sent <= 4, "with connecting: {sent}");
    }
    // Now all nodes are connected to, and it is known who has what.
    for id in 0..30 {
        let before = network.requests();
        create(store, &account(id)).await;
        assert_eq!(network.requests() - before, 1);
    }
    // Each account's answer is lost once; nobody sends it again but us.
    for id in 0..30 {
        network.strike(&write(), Fault::DropReply);
        let (struck, account) = (network.struck(), account(id));
        let write = swap(Some(1), 2, b"new");
        let answer = store.compare_and_swap(&account, write).await;
        assert!(matches!(answer, Err(Error::Disconnected(_))), "{answer:?}");
        assert_eq!(network.struck(), struck + 1);
        network.heal();
        let stored = store.load(&account).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision(2));
        let answer = store.compare_and_swap(&account, write).await;
        assert_eq!(answer.unwrap(), WriteResult::Done);
    }
}

#[tokio::test]
async fn a_silent_node_holds_up_its_own_accounts_only() {
    let network = Network::cluster(available!(RedisCluster::start(Durability::Fast))).await;
    let cluster = network.cluster.as_ref().unwrap();
    let mut owners = Vec::new();
    for id in 0..12 {
        create(&network.store, &account(id)).await;
        owners.push(owner(cluster, &account(id)).await);
    }
    let silent = owners[0];
    let hasty = network.store.clone().with_timeout(Duration::from_secs(1));
    network.proxies[silent].strike_all(Fault::BlackHole);
    for round in 0..2 {
        for (id, owner) in (0..12).zip(&owners) {
            let begun = Instant::now();
            let answer = hasty.load(&account(id)).await;
            if *owner == silent {
                assert!(answer.is_err(), "round {round}");
            } else {
                assert!(answer.unwrap().is_some());
            }
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
    }
    network.heal();
    for id in 0..12 {
        assert!(network.store.load(&account(id)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_followed() {
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

    // The slot is on its way, the key is not: it is served where it was.
    let importing = format!("CLUSTER SETSLOT {slot} IMPORTING {source_id}");
    let _: String = run(target, &importing).await;
    let migrating = format!("CLUSTER SETSLOT {slot} MIGRATING {target_id}");
    let _: String = run(source, &migrating).await;
    assert_eq!(swapped(&store, 1, 2).await.unwrap(), WriteResult::Done);

    // The key has gone ahead: the source says ASK.
    let port = cluster.addresses()[to].port();
    let migrate = format!("MIGRATE 127.0.0.1 {port} countersign:{{1}} 0 5000");
    let _: String = run(source, &migrate).await;
    for store in [&store, &in_cluster(&cluster)] {
        let revision = held(store).await.unwrap();
        let new = revision + 1;
        assert_eq!(
            swapped(store, revision, new).await.unwrap(),
            WriteResult::Done
        );
        assert_eq!(
            swapped(store, revision, new + 1).await.unwrap(),
            WriteResult::Stale
        );
        assert_eq!(held(store).await, Some(new));
    }

    // Many calls at once on one connection, each with its own ASKING.
    let loads: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { held(&store).await })
        })
        .collect();
    for load in loads {
        assert_eq!(load.await.unwrap(), Some(4));
    }

    // The slot has arrived: the source says MOVED.
    for url in [target, source] {
        let arrived = format!("CLUSTER SETSLOT {slot} NODE {target_id}");
        let _: String = run(url, &arrived).await;
    }
    assert_eq!(owner(&cluster, &account).await, to);
    assert_eq!(swapped(&store, 4, 5).await.unwrap(), WriteResult::Done);
    assert_eq!(held(&in_cluster(&cluster)).await, Some(5));
}

#[tokio::test]
async fn an_account_that_moved_is_found_when_its_old_node_is_gone() {
    let mut cluster = available!(RedisCluster::start(Durability::Fast));
    for url in cluster.urls() {
        let set = "CONFIG SET cluster-require-full-coverage no";
        let _: String = run(&url, set).await;
    }
    let store = in_cluster(&cluster);
    create(&store, &account(1)).await;
    let from = owner(&cluster, &account(1)).await;
    move_slot(&cluster, from, (from + 1) % 3).await;
    // Not asked in between, so the store does not know yet.
    cluster.kill9(from).unwrap();
    assert_eq!(held(&store).await, Some(1));
    assert_eq!(swapped(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(held(&in_cluster(&cluster)).await, Some(2));
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
async fn a_node_that_is_killed_fails_its_own_accounts_and_forgets_nothing() {
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
    // One store that knows who has what, and one that does not.
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
        let swap = swap(Some(1), 2, b"new");
        let swapped = store.compare_and_swap(&account(id), swap).await;
        assert_eq!(swapped.unwrap(), WriteResult::Done);
    }
}

#[tokio::test]
async fn a_cluster_that_is_not_whole_is_named() {
    let mut cluster = available!(RedisCluster::start(Durability::Fast));
    let store = in_cluster(&cluster);
    create(&store, &account(1)).await;
    let owner = owner(&cluster, &account(1)).await;
    cluster.kill9((owner + 1) % 3).unwrap();
    // The others notice after the node's time-out.
    let begun = Instant::now();
    let error = loop {
        match store.load(&account(1)).await {
            Ok(stored) => assert!(stored.is_some()),
            Err(error) => break error,
        }
        assert!(begun.elapsed() < PATIENT);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(matches!(error, Error::ClusterDown(_)), "{error:?}");
}

#[tokio::test]
async fn one_seed_is_enough_while_it_lives_and_the_learned_nodes_are_afterwards() {
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
    // An account that was never asked for, whose slot nobody knows yet.
    let mut answered = 0;
    for id in 100..130 {
        answered += usize::from(store.load(&account(id)).await.is_ok());
    }
    assert!(answered > 0);
}
