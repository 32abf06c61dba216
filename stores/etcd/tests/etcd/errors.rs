//! The store names the reason why it cannot answer.

use std::error::Error as StdError;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use countersign::store::{Store, WriteResult};
use countersign_etcd::{EndpointError, Error, EtcdStore};
use countersign_store_testing::Etcd;

use crate::keys::put;
use crate::support::*;

/// The errors of a load and of a write on this store.
pub(crate) async fn failures(store: &EtcdStore) -> [Error; 2] {
    let load = store.load(&account(1)).await.unwrap_err();
    [load, overwrite(store, 1, 2).await.unwrap_err()]
}

macro_rules! fails_with {
    ($store:expr, $error:pat) => {
        for error in crate::errors::failures($store).await {
            assert!(matches!(error, $error), "{error:?}");
        }
    };
}
pub(crate) use fails_with;

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_missing_server_error_hides_the_password() {
    let urls = [free_address(), free_address()];
    let single = store([urls[0].clone()]);
    let both = store(urls.clone());
    for (store, last) in [(single, &urls[0]), (both, &urls[1])] {
        let store = store.with_user("somebody", "secret");
        for error in failures(&store).await {
            assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
            let mut cause: &dyn StdError = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            assert!(cause.to_string().contains("refused"), "{cause}");
            assert!(urls.iter().any(|url| error.to_string().contains(url)));
            let texts = format!("{error:?} {error} {store:?}");
            assert!(!texts.contains("secret"), "{texts}");
        }
        assert!(format!("{store:?}").contains(last));
    }
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = store([format!("http://{}", silent.local_addr().unwrap())]);
    let store = store.with_timeout(Duration::from_millis(300));
    let start = Instant::now();
    fails_with!(&store, Error::Timeout { .. });
    assert!(start.elapsed() < PATIENT);
}

#[test]
fn a_store_refuses_wrong_endpoints() {
    let error = |urls: &[&str]| EtcdStore::new(urls).unwrap_err();
    assert_eq!(error(&[]), EndpointError::Missing);
    assert_eq!(
        error(&["http://a:2379", "etcd:2379"]),
        EndpointError::Malformed { number: 2 }
    );
    assert!(matches!(
        error(&["http://a:2379", "https://a:2379"]),
        EndpointError::NeedsTls { .. }
    ));
    let with_password = error(&["http://root:secret@a:2379"]);
    assert!(!format!("{with_password:?} {with_password}").contains("secret"));
}

#[tokio::test]
async fn a_full_database_serves_loads_only() {
    let server = available!(Etcd::start());
    let store = store([server.url()]);
    create(&store, &account(1)).await;
    let alarm = |action| {
        let body = format!(r#"{{"action":"{action}","memberID":"1","alarm":"NOSPACE"}}"#);
        let answer = server.ask("/v3/maintenance/alarm", &body).unwrap();
        assert!(answer.contains("NOSPACE"), "{answer}");
    };
    alarm("ACTIVATE");
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::NoSpace), "{error:?}");
    assert_eq!(stored_revision(&store).await, Some(1));
    // An erasure needs no space.
    let erased = store.compare_and_swap(&account(1), erase(1, 2)).await;
    assert_eq!(erased.unwrap(), WriteResult::Done);
    alarm("DEACTIVATE");
    create(&store, &account(1)).await;
}

#[tokio::test]
async fn a_corrupt_cluster_refuses_writes() {
    let server = available!(Etcd::start());
    let store = store([server.url()]);
    create(&store, &account(1)).await;
    let body = r#"{"action":"ACTIVATE","memberID":"1","alarm":"CORRUPT"}"#;
    let answer = server.ask("/v3/maintenance/alarm", body).unwrap();
    assert!(answer.contains("CORRUPT"), "{answer}");
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::CorruptCluster), "{error:?}");
}

#[tokio::test]
async fn a_large_request_is_refused() {
    let store = store([shared!(SINGLE).url()]);
    create(&store, &account(1)).await;
    for length in [1_600_000, 3_000_000] {
        let record = vec![b'x'; length];
        let write = write(Some(1), 2, &record);
        let error = store.compare_and_swap(&account(1), write).await;
        assert!(matches!(error, Err(Error::TooLarge { .. })), "{error:?}");
    }
    assert_eq!(stored_revision(&store).await, Some(1));
}

#[tokio::test]
async fn an_unknown_value_is_an_error_and_stays() {
    let server = shared!(SINGLE);
    let store = EtcdStore::new([server.url()]).unwrap();
    let store = store.with_prefix("tampered").unwrap();
    for value in [
        &b""[..],
        b"x",
        b"\0\0\0\0\0\0\0\x01",
        b"\0\0\0\0\0\0\0\0x",
        b"\xFF\0\0\0\0\0\0\x01x",
    ] {
        put(server, b"tampered:1", value);
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::CorruptValue { .. }), "{error:?}");
        assert!(error.to_string().contains("`tampered:1`"), "{error}");
        for write in [
            write(None, 1, b"new"),
            write(Some(1), 2, b"new"),
            erase(1, 2),
        ] {
            let answer = store.compare_and_swap(&account(1), write).await;
            assert_eq!(answer.unwrap(), WriteResult::Stale, "{value:?}");
        }
    }
}

#[tokio::test]
async fn endpoints_of_two_clusters_are_refused() {
    let mut first = available!(Etcd::start());
    let second = available!(Etcd::start());
    let store = store([first.url(), second.url()]);
    create(&store, &account(1)).await;
    first.kill9().unwrap();
    fails_with!(&store, Error::OtherCluster { .. });
}

/// A server that gives this answer to every request.
fn answers_with(status: u16, body: &str) -> EtcdStore {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer) {
                    _ = stream.write_all(answer.as_bytes());
                }
            });
        }
    });
    store([format!("http://{address}")])
}

/// A fake server gives answers that are hard to get from a real one.
#[tokio::test]
async fn other_server_errors_are_mapped() {
    let says = |code, message| {
        let body = format!(r#"{{"error":"{message}","message":"{message}","code":{code}}}"#);
        answers_with(503, &body)
    };
    for message in [
        "etcdserver: no leader",
        "etcdserver: leader changed",
        "etcdserver: request timed out",
        "etcdserver: request timed out, possibly due to previous leader failure",
        "etcdserver: request timed out, possibly due to connection lost",
    ] {
        fails_with!(&says(14, message), Error::NoLeader { .. });
    }
    fails_with!(
        &says(14, "etcdserver: rpc not supported for learner"),
        Error::Unavailable { .. }
    );
    fails_with!(
        &says(14, "etcdserver: server stopped"),
        Error::Unavailable { .. }
    );
    fails_with!(
        &says(8, "etcdserver: too many requests"),
        Error::Busy { .. }
    );
    fails_with!(&says(8, "something new"), Error::Server { code: 8, .. });
    fails_with!(&says(13, "something new"), Error::Server { code: 13, .. });
    // etcd 3.6 leaves `error` out.
    fails_with!(
        &answers_with(503, r#"{"code":14,"message":"etcdserver: no leader"}"#),
        Error::NoLeader { .. }
    );
}

#[tokio::test]
async fn an_answer_of_another_server_is_no_record() {
    for (status, body) in [
        (200, ""),
        (200, "{}"),
        (200, "[]"),
        (200, r#"{"kvs":[],"succeeded":true}"#),
        (200, r#"{"header":{},"succeeded":true}"#),
        (200, "<html>"),
        (404, "404 page not found"),
        (502, "<html>"),
        (500, "{}"),
    ] {
        let error = failures(&answers_with(status, body)).await;
        for error in error {
            let Error::NotEtcd { status: shown, .. } = error else {
                panic!("{body}: {error:?}")
            };
            assert_eq!(shown, status);
        }
    }
    let long = format!(r#"{{"header":{{"cluster_id":"{}"}}}}"#, "1".repeat(9 << 20));
    fails_with!(&answers_with(200, &long), Error::NotEtcd { .. });
}

#[tokio::test]
async fn an_answer_about_another_key_is_no_record() {
    for kvs in [
        r#"[{"key":"YQ==","value":"AAAAAAAAAAVyZWM="}]"#,
        r#"[{"key":"%"}]"#,
        r#"[{"value":"AAAAAAAAAAVyZWM="}]"#,
        "7",
    ] {
        let body = format!(r#"{{"header":{{"cluster_id":"1"}},"kvs":{kvs}}}"#);
        let error = answers_with(200, &body).load(&account(1)).await;
        assert!(
            matches!(error, Err(Error::CorruptValue { .. })),
            "{error:?}"
        );
    }
}
