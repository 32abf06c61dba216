//! Lost, late, dropped and interrupted calls.

use std::time::{Duration, Instant};

use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_etcd::Error;
use countersign_store_testing::{Etcd, Fault, Proxy};
use tokio::runtime::Runtime;
use tokio::select;
use tokio::task::yield_now;

use crate::support::*;

#[tokio::test]
async fn every_call_takes_one_round_trip() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server);
    assert_eq!(stored_revision(&store).await, None);
    let before = proxy.requests();
    create(&store, &account(1)).await;
    assert_eq!(stored_revision(&store).await, Some(1));
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(overwrite(&store, 1, 3).await.unwrap(), WriteResult::Stale);
    assert_eq!((proxy.requests() - before, proxy.connections()), (4, 1));
}

#[tokio::test]
async fn a_write_with_a_lost_answer_is_sent_once() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server);
    for (write, after) in [
        (write(None, 1, b"created"), Some(1)),
        (write(Some(1), 2, b"replaced"), Some(2)),
        (erase(2, 3), None),
    ] {
        let before = proxy.requests();
        proxy.inject(WRITE, Fault::DropReply);
        let answer = store.compare_and_swap(&account(1), write).await;
        assert!(
            matches!(answer, Err(Error::Disconnected { .. })),
            "{answer:?}"
        );
        assert_eq!(proxy.requests() - before, 1);
        assert_eq!(
            stored_revision(&store).await,
            after,
            "the write was applied"
        );
        let answer = store.compare_and_swap(&account(1), write).await;
        assert_eq!(answer.unwrap(), WriteResult::Stale, "{write:?}");
    }
    assert_eq!(proxy.injected(), 3);
}

#[tokio::test]
async fn a_lost_request_changes_nothing() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server);
    create(&store, &account(1)).await;
    for fault in [Fault::DropRequest, Fault::Reset] {
        proxy.inject(WRITE, fault);
        let answer = overwrite(&store, 1, 2).await;
        assert!(
            matches!(answer, Err(Error::Disconnected { .. })),
            "{answer:?}"
        );
        assert_eq!(stored_revision(&store).await, Some(1));
    }
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

#[tokio::test]
async fn a_load_is_sent_again_once() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server);
    create(&store, &account(1)).await;
    proxy.inject(LOAD, Fault::DropReply);
    assert_eq!(stored_revision(&store).await, Some(1));
    assert_eq!((proxy.injected(), proxy.connections()), (1, 2));
    let before = proxy.requests();
    proxy.inject_always(Fault::DropReply);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_eq!(proxy.requests() - before, 2);
    proxy.stop_faults();
    assert_eq!(stored_revision(&store).await, Some(1));
}

#[tokio::test]
async fn a_silent_connection_times_out_and_is_replaced() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let patient = store_behind(&proxy, server);
    create(&patient, &account(1)).await;
    let store = patient.clone().with_timeout(Duration::from_secs(1));
    proxy.inject(WRITE, Fault::BlackHole);
    let start = Instant::now();
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(start.elapsed() < PATIENT, "{:?}", start.elapsed());
    // The old connection still swallows everything. The store does not use it again.
    let connections = proxy.connections();
    assert_eq!(
        stored_revision(&patient).await,
        Some(2),
        "the write was applied"
    );
    assert_eq!(overwrite(&patient, 2, 3).await.unwrap(), WriteResult::Done);
    assert_eq!(proxy.connections(), connections + 1);
}

#[tokio::test]
async fn a_load_on_a_silent_connection_is_sent_again() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind(&proxy, server);
    create(&store, &account(1)).await;
    proxy.inject(LOAD, Fault::BlackHole);
    let store = store.with_timeout(Duration::from_secs(10));
    assert_eq!(stored_revision(&store).await, Some(1));
    assert_eq!((proxy.injected(), proxy.connections()), (1, 2));
}

#[tokio::test]
async fn a_write_with_a_late_answer_is_applied() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let patient = store_behind(&proxy, server);
    create(&patient, &account(1)).await;
    let store = patient.clone().with_timeout(Duration::from_millis(500));
    proxy.inject(WRITE, Fault::Stall(Duration::from_secs(3)));
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(stored_revision(&patient).await, Some(2));
    assert_eq!(overwrite(&patient, 1, 3).await.unwrap(), WriteResult::Stale);
}

#[tokio::test]
async fn the_store_recovers_from_a_killed_server() {
    let mut server = available!(Etcd::start());
    let store = store([server.url()]);
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

#[test]
fn a_store_outlives_its_runtime() {
    let store = store([shared!(SINGLE).url()]);
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
    let store = store([server.url()]);
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
            Err(()) => {
                dropped += 1;
                // Whether the dropped write is applied or not, this one changes nothing else.
                let again = store.compare_and_swap(&account, attempt).await.unwrap();
                applied += u32::from(again == WriteResult::Stale);
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
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_spent_once_among_64_tasks() {
    let store = store([shared!(SINGLE).url()]);
    create(&store, &account(1)).await;
    for round in 1..20_i64 {
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let store = store.clone();
                let (old, new) = (round, if task == 0 { round + 1 } else { 1000 + task });
                tokio::spawn(async move {
                    let write = write(Some(old), new, b"x");
                    let result = store.compare_and_swap(&account(1), write).await.unwrap();
                    (result == WriteResult::Done).then_some(new)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            winners.extend(task.await.unwrap());
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert_eq!(stored_revision(&store).await, Some(winners[0]));
        // The next round begins with its own number.
        if winners[0] != round + 1 {
            let reset = overwrite(&store, winners[0], round + 1).await;
            assert_eq!(reset.unwrap(), WriteResult::Done);
        }
    }
}
