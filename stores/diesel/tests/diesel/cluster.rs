//! A node of a Galera cluster must wait for the writes of the other nodes.

use std::time::Duration;

use countersign::store::{Store, WriteResult};
use countersign_diesel::Error;
use countersign_store_testing::{Durability, GaleraCluster, available};

use crate::kinds::{Bb8OnMariaDb, DeadpoolOnMariaDb, Kind, R2d2OnMariaDb, TestStore};
use crate::support::{account, create, on, overwrite, table};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_wait_is_refused() {
    let Some(cluster) = available(GaleraCluster::start(Durability::Fast, &[])) else {
        return;
    };
    let [url, ..] = cluster.urls();
    refuses_a_hasty_node::<R2d2OnMariaDb>(&url).await;
    refuses_a_hasty_node::<DeadpoolOnMariaDb>(&url).await;
    refuses_a_hasty_node::<Bb8OnMariaDb>(&url).await;
}

async fn refuses_a_hasty_node<K: Kind>(url: &str) {
    let (pool, table) = (K::open(url, 1).await, table());
    for level in [0, 1, 3] {
        let set = format!("SET SESSION wsrep_sync_wait = {level}");
        K::run(&pool, &set).await.unwrap();
        let store = on::<K>(&pool, &table);
        match store.create_table().await {
            Err(Error::UnsafeSetting { name, value, .. }) => {
                assert_eq!((name, value), ("wsrep_sync_wait", level.to_string()));
            }
            answer => panic!("{level}: {answer:?}"),
        }
    }
    K::run(&pool, "SET SESSION wsrep_sync_wait = 7")
        .await
        .unwrap();
    let store = on::<K>(&pool, &table).with_timeout(Duration::from_secs(60));
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert!(store.load(&account(1)).await.unwrap().is_some());
}
