//! Replicas: writes can wait for them, and loads are refused on them.

use std::time::{Duration, Instant};

use countersign::store::{Store, WriteResult};
use countersign_redis::{Error, RedisStore};
use countersign_store_testing::{Durability, Redis, StartError};
use tokio::time::sleep;

use crate::support::*;

/// Makes `replica` follow `primary`, and waits until it is up to date.
pub(crate) async fn follow(replica: &Redis, primary: &Redis) {
    let port = primary.address().port();
    let _: String = run(&replica.url(), &format!("REPLICAOF 127.0.0.1 {port}")).await;
    let start = Instant::now();
    let online = format!("port={},state=online", replica.address().port());
    let in_step = async || {
        let info: String = run(&replica.url(), "INFO replication").await;
        let listed: String = run(&primary.url(), "INFO replication").await;
        info.contains("master_link_status:up") && listed.contains(&online)
    };
    while !in_step().await {
        assert!(start.elapsed() < PATIENT);
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_replica_refuses_loads_too() {
    let primary = available!(Redis::start(Durability::Fast));
    let replica = available!(Redis::start(Durability::Fast));
    let writer = RedisStore::new(client(&primary.url()));
    create(&writer, &account(1)).await;
    let reader = RedisStore::new(client(&replica.url())).with_timeout(PATIENT);
    assert_eq!(stored_revision(&reader).await, None);
    follow(&replica, &primary).await;
    // The connection was opened before the server became a replica.
    for account in [account(1), account(2)] {
        let error = reader.load(&account).await.unwrap_err();
        assert!(matches!(error, Error::Replica(_)), "{error:?}");
    }
    let error = overwrite(&reader, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Replica(_)), "{error:?}");
    // The replica becomes the primary.
    let _: String = run(&replica.url(), "REPLICAOF NO ONE").await;
    assert_eq!(stored_revision(&reader).await, Some(1));
    assert_eq!(overwrite(&reader, 1, 2).await.unwrap(), WriteResult::Done);
}

#[tokio::test]
async fn a_primary_without_replicas_refuses_loads_too() {
    let server = available!(Redis::start(Durability::Fast));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    let _: String = run(&server.url(), "CONFIG SET min-replicas-to-write 1").await;
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::TooFewReplicas(_)), "{error:?}");
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::TooFewReplicas(_)), "{error:?}");
    let _: String = run(&server.url(), "CONFIG SET min-replicas-to-write 0").await;
    assert_eq!(stored_revision(&store).await, Some(1));
}

#[tokio::test]
async fn a_write_can_wait_for_replicas() {
    let primary = available!(Redis::start(Durability::Fast));
    let mut replica = available!(Redis::start(Durability::Fast));
    follow(&replica, &primary).await;
    let url = primary.url();
    let store = RedisStore::new(client(&url))
        .with_timeout(PATIENT)
        .with_replicas(1);
    create(&store, &account(1)).await;
    let copied: String = run(&replica.url(), "HGET countersign:{1} revision").await;
    assert_eq!(copied, "1");

    // Without the replica the call fails, although the primary has made the write. The store
    // recognizes the same write again, and still waits for the replica.
    replica.kill9().unwrap();
    let hasty = store.clone().with_timeout(HASTY);
    for _ in 0..2 {
        let error = overwrite(&hasty, 1, 2).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "0 replicas confirmed instead of 1; check the replicas"
        );
    }
    let copied: String = run(&url, "HGET countersign:{1} revision").await;
    assert_eq!(copied, "2");
    replica.restart().unwrap();
    follow(&replica, &primary).await;
    // This connection is not the one that wrote.
    let other = RedisStore::new(client(&url))
        .with_timeout(PATIENT)
        .with_replicas(1);
    assert_eq!(overwrite(&other, 1, 2).await.unwrap(), WriteResult::Done);
    let copied: String = run(&replica.url(), "HGET countersign:{1} revision").await;
    assert_eq!(copied, "2");
    // A stale write writes nothing, so the store waits for no replica.
    assert_eq!(overwrite(&other, 1, 3).await.unwrap(), WriteResult::Stale);
    let two = other.with_replicas(2).with_timeout(HASTY);
    let error = overwrite(&two, 2, 3).await.unwrap_err();
    let Error::NotReplicated {
        acknowledged: 1,
        wanted: 2,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
}

/// A replica that is away lacks the first write. So nothing may say that the write is done: not
/// the same write on a new connection, and no load. From Redis 7.2 and in Valkey, `WAIT` alone waits
/// for the changes of its own connection only.
async fn every_answer_waits(start: fn(Durability) -> Result<Redis, StartError>) {
    let primary = available!(start(Durability::Fast));
    let replica = available!(start(Durability::Fast));
    follow(&replica, &primary).await;
    let store = || RedisStore::new(client(&primary.url())).with_replicas(1);
    let patient = store().with_timeout(PATIENT);
    // A call whose script the server does not know waits twice.
    load_scripts(&patient).await;
    create(&patient, &account(1)).await;
    create(&patient, &account(2)).await;
    let erased = async |store: &RedisStore| {
        let erasure = erase(1, 3);
        store.compare_and_swap(&account(2), erasure).await
    };
    replica.pause().unwrap();
    let awaited = |answer: Result<String, Error>| match answer {
        Err(Error::NotReplicated { acknowledged, .. }) => assert_eq!(acknowledged, 0),
        answer => panic!("{answer:?}"),
    };
    let debug = |loaded| format!("{loaded:?}");
    let hasty = || store().with_timeout(HASTY);
    awaited(
        overwrite(&hasty(), 1, 2)
            .await
            .map(|done| format!("{done:?}")),
    );
    awaited(
        overwrite(&hasty(), 1, 2)
            .await
            .map(|done| format!("{done:?}")),
    );
    awaited(hasty().load(&account(1)).await.map(debug));
    awaited(erased(&hasty()).await.map(|done| format!("{done:?}")));
    awaited(hasty().load(&account(2)).await.map(debug));
    replica.resume().unwrap();
    assert_eq!(stored_revision(&patient).await, Some(2));
    assert_eq!(patient.load(&account(2)).await.unwrap(), None);
    let keys: i64 = run(&primary.url(), "DBSIZE").await;
    assert_eq!(keys, 1);
}

#[tokio::test]
async fn every_answer_of_redis_waits_for_replicas() {
    every_answer_waits(Redis::start).await;
}

#[tokio::test]
async fn every_answer_of_valkey_waits_for_replicas() {
    every_answer_waits(Redis::start_valkey).await;
}

#[tokio::test]
async fn a_user_without_permission_to_wait_gets_no_false_promise() {
    let server = available!(Redis::start(Durability::Fast));
    let rules = "ACL SETUSER app on >secret ~* +@all -wait";
    let _: String = run(&server.url(), rules).await;
    let url = server.url().replace("redis://", "redis://app:secret@");
    let store = RedisStore::new(client(&url)).with_timeout(PATIENT);
    let error = overwrite(&store.with_replicas(1), 1, 2).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Server(_)), "{error:?}");
}

/// `WAIT` takes half of this time.
const HASTY: Duration = Duration::from_secs(6);

#[tokio::test]
async fn more_replicas_than_awaited_are_refused() {
    let primary = available!(Redis::start(Durability::Fast));
    let replicas = [(); 2].map(|()| Redis::start(Durability::Fast));
    let [first, second] = replicas.map(|replica| replica.unwrap());
    follow(&first, &primary).await;
    let url = primary.url();
    let waiting_for = |count| {
        let store = RedisStore::new(client(&url)).with_timeout(PATIENT);
        store.with_replicas(count)
    };
    let none = waiting_for(0);
    let error = none.load(&account(1)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "redis at {} has 1 replicas, and the store waits for 0, so nothing was read or \
             written; call `with_replicas(1)`, because a replica without an accepted code can \
             take over",
            primary.address()
        )
    );
    let write_of = |store: RedisStore| async move {
        let created = write(None, 1, b"record");
        store.compare_and_swap(&account(1), created).await
    };
    let refused = |answer: Result<WriteResult, Error>| match answer {
        Err(Error::MoreReplicas { replicas, .. }) => replicas,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(refused(write_of(none.clone()).await), 1);
    let stored: i64 = run(&url, "EXISTS countersign:{1}").await;
    assert_eq!(stored, 0);
    assert_eq!(write_of(waiting_for(1)).await.unwrap(), WriteResult::Done);

    // A second replica is noticed on the next connection.
    follow(&second, &primary).await;
    assert_eq!(refused(write_of(waiting_for(1)).await), 2);
    assert_eq!(write_of(waiting_for(2)).await.unwrap(), WriteResult::Done);
    let risky = none.danger_accepted_codes_may_come_back();
    assert_eq!(stored_revision(&risky).await, Some(1));
    assert_eq!(overwrite(&risky, 1, 2).await.unwrap(), WriteResult::Done);
}
