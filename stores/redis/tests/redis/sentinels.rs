//! A store that follows the sentinels to the present primary.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use countersign::store::{Store, WriteResult};
use countersign_redis::{Error, RedisStore};
use countersign_store_testing::{Durability, RedisSentinel};
use tokio::time::sleep;

use crate::support::*;

fn servers() -> Result<RedisSentinel, countersign_store_testing::StartError> {
    RedisSentinel::start(Durability::Fast, Duration::ZERO, &[])
}

fn follow(servers: &RedisSentinel) -> RedisStore {
    let sentinels = servers.sentinel_urls().map(|url| client(&url));
    let primary = client(&format!("redis://{}/", RedisSentinel::PRIMARY));
    RedisStore::sentinel(sentinels, primary).unwrap()
}

#[tokio::test]
async fn the_store_follows_a_failover() {
    let mut servers = available!(servers());
    let store = follow(&servers).with_replicas(2).with_timeout(PATIENT);
    create(&store, &account(1)).await;
    servers.kill9(0).unwrap();
    let store = store.with_timeout(Duration::from_secs(3));
    let start = Instant::now();
    // Each call waits for both replicas of the new primary, and only one is there.
    let waits_for_the_other = |error| {
        matches!(
            error,
            Some(Error::NotReplicated {
                acknowledged: 1,
                ..
            })
        )
    };
    while !waits_for_the_other(store.load(&account(1)).await.err()) {
        assert!(start.elapsed() < PATIENT);
        sleep(Duration::from_millis(50)).await;
    }
    assert_ne!(servers.primary(), Some(0));
    while !waits_for_the_other(overwrite(&store, 1, 2).await.err()) {
        assert!(start.elapsed() < PATIENT);
    }
    servers.restart(0).unwrap();
    while !matches!(overwrite(&store, 1, 2).await, Ok(WriteResult::Done)) {
        assert!(start.elapsed() < 2 * PATIENT);
    }
}

#[tokio::test]
async fn one_of_the_sentinels_is_enough() {
    let servers = available!(servers());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = client(&format!("redis://{}/", silent.local_addr().unwrap()));
    let refusing = client("redis://127.0.0.1:1/");
    let [answering, ..] = servers.sentinel_urls().map(|url| client(&url));
    let primary = client(&format!("redis://{}/", RedisSentinel::PRIMARY));
    let sentinels = [silent, refusing, answering];
    let store = RedisStore::sentinel(sentinels, primary).unwrap();
    let store = store.with_replicas(2).with_timeout(Duration::from_secs(9));
    create(&store, &account(1)).await;
}

#[tokio::test]
async fn the_error_names_an_unknown_primary() {
    let servers = available!(servers());
    let sentinels = servers.sentinel_urls().map(|url| client(&url));
    let store = RedisStore::sentinel(sentinels, client("redis://another/")).unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no sentinel knows a primary with the name `another`, so nothing was sent; \
         check the host in the url of the primary, and the addresses of the sentinels"
    );
}

#[tokio::test]
async fn the_error_names_the_missing_sentinels() {
    let sentinel = client("redis://somebody:secret@127.0.0.1:1/");
    let primary = client("redis://:secret@records/");
    let store = RedisStore::sentinel([sentinel], primary).unwrap();
    let error = store.load(&account(1)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no connection to redis at records of the sentinels at 127.0.0.1:1, so nothing was sent; \
         check that it runs and can be reached"
    );
    assert!(!format!("{error:?} {store:?}").contains("secret"));
}

#[test]
fn a_store_needs_sentinels_and_a_name() {
    assert!(RedisStore::sentinel([], client("redis://records/")).is_err());
    let socket = client("redis+unix:///run/redis.sock");
    assert!(RedisStore::sentinel([client("redis://127.0.0.1/")], socket).is_err());
}
