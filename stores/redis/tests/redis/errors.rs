//! The store names the reason why it cannot answer.

use std::error::Error as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_redis::{Error, RedisStore};
use countersign_store_testing::{Durability, Redis};

use crate::support::*;

/// The errors of a load and of a write on this store.
async fn failures(store: &RedisStore) -> [Error; 2] {
    let load = store.load(&account(1)).await.unwrap_err();
    [load, overwrite(store, 1, 2).await.unwrap_err()]
}

macro_rules! fails_with {
    ($store:expr, $error:pat) => {
        for error in failures($store).await {
            assert!(matches!(error, $error), "{error:?}");
        }
    };
}

#[tokio::test]
async fn a_missing_server_error_hides_the_password() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("redis://somebody:secret@127.0.0.1:{port}/");
    let single = RedisStore::new(client(&url));
    let cluster = RedisStore::cluster([client(&url), client(&url)]).unwrap();
    for store in [single, cluster] {
        let start = Instant::now();
        for error in failures(&store).await {
            assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
            let source = error.source().unwrap().to_string();
            assert!(source.contains("refused"), "{source}");
            assert!(
                error.to_string().contains(&format!("127.0.0.1:{port}")),
                "{error}"
            );
            assert!(
                !format!("{error:?} {error} {store:?}").contains("secret"),
                "{error:?}"
            );
        }
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = store(&format!("redis://{}/", silent.local_addr().unwrap()));
    let store = store.with_timeout(Duration::from_millis(300));
    let start = Instant::now();
    fails_with!(&store, Error::Unreachable { .. });
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_cluster_needs_nodes_on_the_network() {
    assert!(RedisStore::cluster([]).is_err());
    assert!(RedisStore::cluster([client("redis+unix:///run/redis.sock")]).is_err());
}

#[tokio::test]
async fn the_error_names_a_wrong_password() {
    let server = available!(Redis::start(Durability::Fast));
    let early = store(&server.url());
    assert_eq!(stored_revision(&early).await, None);
    let _: String = run(&server.url(), "CONFIG SET requirepass secret").await;
    let url = |user: &str| format!("redis://{user}@{}/", server.address());
    fails_with!(&store(&server.url()), Error::NotAuthenticated(_));
    fails_with!(&store(&url(":wrong")), Error::NotAuthenticated(_));
    fails_with!(&store(&url("nobody:secret")), Error::NotAuthenticated(_));
    assert_eq!(stored_revision(&store(&url(":secret"))).await, None);
    // A connection that logged in before stays open.
    assert_eq!(stored_revision(&early).await, None);
}

#[tokio::test]
async fn the_error_names_exactly_the_needed_permissions() {
    let server = available!(Redis::start(Durability::Fast));
    let url = format!("redis://app:secret@{}/", server.address());
    let store = || RedisStore::new(client(&url)).with_timeout(PATIENT);
    let _: String = run(&server.url(), "ACL SETUSER app on >secret ~countersign:*").await;
    fails_with!(&store(), Error::NotPermitted(_));
    let text = failures(&store()).await[0].to_string();
    let (_, rest) = text.split_once('`').unwrap();
    let (commands, _) = rest.split_once('`').unwrap();
    let _: String = run(&server.url(), &format!("ACL SETUSER app {commands}")).await;
    assert_eq!(stored_revision(&store()).await, None);
    create(&store(), &account(1)).await;
    assert_eq!(overwrite(&store(), 1, 2).await.unwrap(), WriteResult::Done);
    let erased = store().compare_and_swap(&account(1), erase(2, 3)).await;
    assert_eq!(erased.unwrap(), WriteResult::Done);
    let elsewhere = store().with_prefix("other:").unwrap();
    fails_with!(&elsewhere, Error::NotPermitted(_));
    let error = store().unsafe_settings().await.unwrap_err();
    assert!(matches!(error, Error::NotPermitted(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_without_memory_serves_loads_only() {
    let server = available!(Redis::start(Durability::Fast));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    let _: String = run(&server.url(), "CONFIG SET maxmemory 1").await;
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::OutOfMemory(_)), "{error:?}");
    assert_eq!(stored_revision(&store).await, Some(1));
    // An erasure frees memory.
    let erased = store.compare_and_swap(&account(1), erase(1, 2)).await;
    assert_eq!(erased.unwrap(), WriteResult::Done);
}

#[tokio::test]
async fn an_unknown_value_is_an_error_and_stays() {
    let url = shared!(SINGLE).url();
    let store = RedisStore::new(client(&url));
    let store = store.with_prefix("tampered:").unwrap();
    for (tampering, fails_writes) in [
        ("SET tampered:{1} x", true),
        ("RPUSH tampered:{1} x", true),
        ("HSET tampered:{1} record x", true),
        ("HSET tampered:{1} revision 0 record x", false),
        ("HSET tampered:{1} revision -1 record x", false),
        ("HSET tampered:{1} revision 1.0 record x", false),
        ("HSET tampered:{1} revision 5", false),
    ] {
        let _: redis::Value = run(&url, tampering).await;
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(
            matches!(error, Error::CorruptKey { .. }),
            "{tampering}: {error:?}"
        );
        assert!(error.to_string().contains("`tampered:{1}`"), "{error}");
        for write in [
            write(None, 1, b"new"),
            write(Some(1), 2, b"new"),
            erase(1, 2),
        ] {
            let answer = store.compare_and_swap(&account(1), write).await;
            match fails_writes {
                true => assert!(
                    matches!(answer, Err(Error::CorruptKey { .. })),
                    "{answer:?}"
                ),
                false => assert_eq!(answer.unwrap(), WriteResult::Stale, "{tampering}"),
            }
        }
        let left: i64 = run(&url, "DEL tampered:{1}").await;
        assert_eq!(left, 1);
    }
}

#[tokio::test]
async fn a_cluster_node_redirects_a_single_store() {
    let urls = shared!(CLUSTER).urls();
    let store = RedisStore::new(client(&urls[0]));
    let mut redirected = 0;
    for id in 0..30 {
        match store.load(&account(id)).await {
            Err(Error::Redirected(_)) => redirected += 1,
            answer => assert_eq!(answer.unwrap(), None),
        }
    }
    assert!(redirected > 0);
}

#[tokio::test]
async fn a_single_server_serves_a_cluster_store() {
    let url = shared!(SINGLE).url();
    let store = RedisStore::cluster([client(&url)]).unwrap();
    let account = AccountId::new("alone").unwrap();
    create(&store, &account).await;
    assert!(store.load(&account).await.unwrap().is_some());
}

#[tokio::test]
async fn unsafe_settings_reports_each_setting() {
    let server = available!(Redis::start(Durability::Durable));
    let store = store(&server.url());
    assert_eq!(store.unsafe_settings().await.unwrap(), []);
    for setting in [
        "appendfsync everysec",
        "appendonly no",
        "no-appendfsync-on-rewrite yes",
        "maxmemory-policy allkeys-lru",
    ] {
        let _: String = run(&server.url(), &format!("CONFIG SET {setting}")).await;
    }
    let found = store.unsafe_settings().await.unwrap();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    let address = server.address();
    assert_eq!(
        found,
        [
            format!("redis at {address}: appendonly is `no`; set it to `yes`"),
            format!("redis at {address}: appendfsync is `everysec`; set it to `always`"),
            format!("redis at {address}: no-appendfsync-on-rewrite is `yes`; set it to `no`"),
            format!(
                "redis at {address}: maxmemory-policy is `allkeys-lru`; set it to `noeviction`"
            ),
        ]
    );
    let found = in_cluster(shared!(CLUSTER))
        .unsafe_settings()
        .await
        .unwrap();
    assert_eq!(found.len(), 3, "one for each node: {found:?}");
}

/// A server that calls itself a primary without replicas, and gives this answer to every other
/// command. `{port}` stands for its own port.
fn answers_with(answer: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.replace("{port}", &address.port().to_string());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    if buffer[..length].ends_with(b"ROLE\r\n") {
                        _ = stream.write_all(b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
                        continue;
                    }
                    let commands = buffer[..length].iter().filter(|byte| **byte == b'*');
                    _ = stream.write_all(answer.repeat(commands.count()).as_bytes());
                }
            });
        }
    });
    address
}

/// A fake server gives answers that are hard to get from a real one.
#[tokio::test]
async fn other_server_errors_are_mapped() {
    let says = |answer| store(&format!("redis://{}/", answers_with(answer)));
    fails_with!(
        &says("-MISCONF Errors writing to the AOF file: No space left on device\r\n"),
        Error::DiskFailed(_)
    );
    fails_with!(
        &says("-LOADING Redis is loading the dataset in memory\r\n"),
        Error::NotReady(_)
    );
    fails_with!(
        &says("-BUSY Redis is busy running a script.\r\n"),
        Error::NotReady(_)
    );
    fails_with!(
        &says("-CLUSTERDOWN The cluster is down\r\n"),
        Error::ClusterDown(_)
    );
    fails_with!(
        &says("-MASTERDOWN Link with MASTER is down\r\n"),
        Error::ClusterDown(_)
    );
    fails_with!(&says("-TRYAGAIN Multiple keys\r\n"), Error::Redirected(_));
    fails_with!(&says("-ERR something new\r\n"), Error::Server(_));
    fails_with!(&says("+OK\r\n"), Error::CorruptKey { .. });
    fails_with!(&says(":7\r\n"), Error::CorruptKey { .. });
    fails_with!(
        &says("nonsense\r\n"),
        Error::Disconnected(_) | Error::Unreachable { .. }
    );
}

#[tokio::test]
async fn an_endless_redirection_is_an_error() {
    let cluster = |address| RedisStore::cluster([client(&format!("redis://{address}/"))]).unwrap();
    for circle in [
        "-MOVED 1 127.0.0.1:{port}\r\n",
        "-MOVED 1 :{port}\r\n",
        "-ASK 1 :{port}\r\n",
    ] {
        fails_with!(&cluster(answers_with(circle)), Error::Redirected(_));
    }
    fails_with!(
        &cluster(answers_with("-MOVED 1 :1\r\n")),
        Error::Unreachable { .. }
    );
    fails_with!(
        &cluster(answers_with("-MOVED 1 ?\r\n")),
        Error::Redirected(_)
    );
}
