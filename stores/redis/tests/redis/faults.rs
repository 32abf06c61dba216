//! Lost, late, dropped and interrupted calls.

use std::time::{Duration, Instant};

use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_redis::Error;
use countersign_store_testing::{Durability, Fault, Proxy, Redis};
use tokio::runtime::Runtime;
use tokio::select;
use tokio::task::yield_now;

use crate::support::*;

#[tokio::test]
async fn every_call_takes_one_round_trip() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server).await;
    assert_eq!(stored_revision(&store).await, None);
    let before = proxy.requests();
    create(&store, &account(1)).await;
    assert_eq!(stored_revision(&store).await, Some(1));
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(overwrite(&store, 1, 3).await.unwrap(), WriteResult::Stale);
    assert_eq!((proxy.requests() - before, proxy.connections()), (4, 1));
}

#[tokio::test]
async fn a_repeated_write_resolves_a_lost_answer() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server).await;
    for (write, again, after) in [
        (write(None, 1, b"created"), WriteResult::Done, Some(1)),
        (write(Some(1), 2, b"replaced"), WriteResult::Done, Some(2)),
        (erase(2, 3), WriteResult::Stale, None),
    ] {
        proxy.inject(write_script(), Fault::DropReply);
        let answer = store.compare_and_swap(&account(1), write).await;
        assert!(matches!(answer, Err(Error::Disconnected(_))), "{answer:?}");
        assert_eq!(
            stored_revision(&store).await,
            after,
            "the write was applied"
        );
        let answer = store.compare_and_swap(&account(1), write).await;
        assert_eq!(answer.unwrap(), again, "{write:?}");
        assert_eq!(stored_revision(&store).await, after);
    }
    assert_eq!(proxy.injected(), 3);
}

#[tokio::test]
async fn a_lost_request_changes_nothing() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server).await;
    create(&store, &account(1)).await;
    for fault in [Fault::DropRequest, Fault::Reset] {
        proxy.inject(write_script(), fault);
        let answer = overwrite(&store, 1, 2).await;
        assert!(matches!(answer, Err(Error::Disconnected(_))), "{answer:?}");
        assert_eq!(stored_revision(&store).await, Some(1));
    }
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

#[tokio::test]
async fn a_load_retries_once_after_a_broken_connection() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server).await;
    create(&store, &account(1)).await;
    proxy.inject(load_script(), Fault::DropReply);
    assert_eq!(stored_revision(&store).await, Some(1));
    assert_eq!((proxy.injected(), proxy.connections()), (1, 2));
    proxy.inject_always(Fault::DropReply);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(
        matches!(error, Error::Disconnected(_) | Error::Unreachable { .. }),
        "{error:?}"
    );
    proxy.stop_faults();
    assert_eq!(stored_revision(&store).await, Some(1));
}

#[tokio::test]
async fn a_silent_connection_times_out_and_is_replaced() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let patient = store_behind(&proxy, server).await;
    create(&patient, &account(1)).await;
    let limit = Duration::from_secs(1);
    let store = patient.clone().with_timeout(limit);
    proxy.inject(write_script(), Fault::BlackHole);
    let start = Instant::now();
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < 10 * limit, "{:?}", start.elapsed());
    // The old connection still swallows everything. The store does not use it again.
    let connections = proxy.connections();
    assert_eq!(
        stored_revision(&patient).await,
        Some(2),
        "the write was applied"
    );
    assert_eq!(overwrite(&patient, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(proxy.connections(), connections + 1);
}

#[tokio::test]
async fn timed_out_calls_share_one_new_connection() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server)
        .await
        .with_timeout(Duration::from_secs(2));
    create(&store, &account(1)).await;
    let connections = proxy.connections();
    proxy.inject(load_script(), Fault::BlackHole);
    let load = |store: countersign_redis::RedisStore| async move { store.load(&account(1)).await };
    let calls: Vec<_> = (0..50).map(|_| tokio::spawn(load(store.clone()))).collect();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    }
    let store = store.with_timeout(PATIENT);
    let calls: Vec<_> = (0..50).map(|_| tokio::spawn(load(store.clone()))).collect();
    for call in calls {
        assert!(call.await.unwrap().unwrap().is_some());
    }
    assert_eq!(proxy.connections(), connections + 1);
}

#[tokio::test]
async fn a_write_with_a_late_answer_is_applied() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let patient = store_behind(&proxy, server).await;
    create(&patient, &account(1)).await;
    let store = patient.clone().with_timeout(Duration::from_millis(500));
    proxy.inject(write_script(), Fault::Stall(Duration::from_secs(3)));
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(overwrite(&patient, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(overwrite(&patient, 1, 3).await.unwrap(), WriteResult::Stale);
    assert_eq!(stored_revision(&patient).await, Some(2));
}

#[tokio::test]
async fn the_store_recovers_from_a_killed_server() {
    let mut server = available!(Redis::start(Durability::Durable));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    for old in 1..4 {
        server.kill9().unwrap();
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        let error = overwrite(&store, old, old + 1).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        server.restart().unwrap();
        assert_eq!(stored_revision(&store).await, Some(old));
        assert_eq!(
            overwrite(&store, old, old + 1).await.unwrap(),
            WriteResult::Done
        );
    }
}

#[tokio::test]
async fn a_restart_between_calls_causes_no_error() {
    let mut server = available!(Redis::start(Durability::Durable));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    for old in 1..4 {
        server.kill9().unwrap();
        server.restart().unwrap();
        assert_eq!(stored_revision(&store).await, Some(old));
        assert_eq!(
            overwrite(&store, old, old + 1).await.unwrap(),
            WriteResult::Done
        );
    }
}

#[test]
fn a_store_outlives_its_runtime() {
    let store = store(&shared!(SINGLE).url());
    for new in 1..4 {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let old = stored_revision(&store).await;
            let write = write(old, new, b"x");
            let result = store.compare_and_swap(&account(1), write).await;
            assert_eq!(result.unwrap(), WriteResult::Done);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_completely_or_not_at_all() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server).await;
    let account = account(1);
    create(&store, &account).await;
    let (mut dropped, mut applied) = (0, 0);
    for new in 2..400 {
        let record = new.to_string().repeat(5000);
        let attempt = write(Some(new - 1), new, record.as_bytes());
        // Drops the call after some turns of the other tasks. A timer counts whole milliseconds,
        // which can be too long.
        let turns = async {
            for _ in 0..new % 12 {
                yield_now().await;
            }
        };
        let answer = select! {
            biased;
            result = store.compare_and_swap(&account, attempt) => Ok(result),
            () = turns => Err(()),
        };
        match answer {
            Ok(result) => assert_eq!(result.unwrap(), WriteResult::Done),
            Err(_) => {
                dropped += 1;
                let stored = store.load(&account).await.unwrap().unwrap();
                applied += u32::from(stored.revision == attempt.revision());
                // The same write again is `Done`, whether it is applied now or was applied before.
                let again = store.compare_and_swap(&account, attempt).await;
                assert_eq!(again.unwrap(), WriteResult::Done);
            }
        }
        let stored = store.load(&account).await.unwrap();
        assert_eq!(
            stored,
            Some(StoredRecord::new(record.into(), revision(new)))
        );
    }
    println!("{dropped} calls were dropped, {applied} of them were applied");
    assert!(dropped > 0);
    assert_eq!(proxy.connections(), 1, "no connection was replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_never_spend_a_revision_twice() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server).await;
    create(&store, &account(1)).await;
    let mut current = 1;
    for new in 2..200 {
        // Two writers replace one revision. The answer of one of them may be lost.
        if new % 2 == 0 {
            proxy.inject(write_script(), Fault::DropReply);
        }
        let writer = |number: i64| {
            let store = store.clone();
            async move {
                let record = number.to_string();
                let summary = countersign::store::Summary::new(true, 0, countersign::KeyId::new(1));
                let (expected, new) = (Some(revision(current)), revision(number));
                let kind = WriteKind::Accepted;
                let write = ConditionalWrite::put(expected, new, record.as_bytes(), kind, summary);
                for _ in 0..3 {
                    if let Ok(result) = store.compare_and_swap(&account(1), write).await {
                        return result;
                    }
                }
                panic!("three answers in a row were lost")
            }
        };
        let (a, b) = (1000 + new, 2000 + new);
        let (first, second) = tokio::join!(tokio::spawn(writer(a)), tokio::spawn(writer(b)));
        current = match (first.unwrap(), second.unwrap()) {
            (WriteResult::Done, WriteResult::Stale) => a,
            (WriteResult::Stale, WriteResult::Done) => b,
            both => panic!("{both:?}"),
        };
        assert_eq!(stored_revision(&store).await, Some(current));
    }
}
