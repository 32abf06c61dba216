//! What is lost, late, dropped or cut off.

use std::time::{Duration, Instant};

use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_redis::Error;
use countersign_store_testing::{Durability, Fault, Proxy, Redis};
use tokio::runtime::Runtime;
use tokio::select;
use tokio::task::yield_now;

use crate::support::*;

#[tokio::test]
async fn a_call_is_one_round_trip_on_one_connection() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    assert_eq!(held(&store).await, None);
    let before = proxy.requests();
    create(&store, &account(1)).await;
    assert_eq!(held(&store).await, Some(1));
    assert_eq!(swapped(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(swapped(&store, 1, 3).await.unwrap(), WriteResult::Stale);
    assert_eq!((proxy.requests() - before, proxy.connections()), (4, 1));
}

#[tokio::test]
async fn a_swap_whose_answer_was_lost_is_an_error_and_done_when_it_is_sent_again() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    for (swap, again, holds) in [
        (swap(None, 1, b"created"), WriteResult::Done, Some(1)),
        (swap(Some(1), 2, b"swapped"), WriteResult::Done, Some(2)),
        (erase(2, 3), WriteResult::Stale, None),
    ] {
        proxy.strike(write(), Fault::DropReply);
        let answer = store.compare_and_swap(&account(1), swap).await;
        assert!(matches!(answer, Err(Error::Disconnected(_))), "{answer:?}");
        assert_eq!(held(&store).await, holds, "it landed");
        let answer = store.compare_and_swap(&account(1), swap).await;
        assert_eq!(answer.unwrap(), again, "{swap:?}");
        assert_eq!(held(&store).await, holds);
    }
    assert_eq!(proxy.struck(), 3);
}

#[tokio::test]
async fn a_request_that_was_lost_is_an_error_and_nothing_happened() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    create(&store, &account(1)).await;
    for fault in [Fault::DropRequest, Fault::Reset] {
        proxy.strike(write(), fault);
        let answer = swapped(&store, 1, 2).await;
        assert!(matches!(answer, Err(Error::Disconnected(_))), "{answer:?}");
        assert_eq!(held(&store).await, Some(1));
    }
    assert_eq!(swapped(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

#[tokio::test]
async fn a_load_survives_a_connection_that_broke_and_is_an_error_when_the_next_one_does() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    create(&store, &account(1)).await;
    proxy.strike(read(), Fault::DropReply);
    assert_eq!(held(&store).await, Some(1));
    assert_eq!((proxy.struck(), proxy.connections()), (1, 2));
    proxy.strike_all(Fault::DropReply);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(
        matches!(error, Error::Disconnected(_) | Error::Unreachable { .. }),
        "{error:?}"
    );
    proxy.heal();
    assert_eq!(held(&store).await, Some(1));
}

#[tokio::test]
async fn a_black_hole_is_an_error_in_time_and_its_connection_is_replaced() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let patient = behind(&proxy, server).await;
    create(&patient, &account(1)).await;
    let limit = Duration::from_secs(1);
    let store = patient.clone().with_timeout(limit);
    proxy.strike(write(), Fault::BlackHole);
    let begun = Instant::now();
    let error = swapped(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert!(begun.elapsed() < 10 * limit, "{:?}", begun.elapsed());
    // The hole is still there, and all that is sent into it is lost; the store does not send into it.
    let connections = proxy.connections();
    assert_eq!(held(&patient).await, Some(2), "it landed");
    assert_eq!(swapped(&patient, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(proxy.connections(), connections + 1);
}

#[tokio::test]
async fn calls_that_wait_in_a_black_hole_together_cost_one_new_connection() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server)
        .await
        .with_timeout(Duration::from_secs(2));
    create(&store, &account(1)).await;
    let connections = proxy.connections();
    proxy.strike(read(), Fault::BlackHole);
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
async fn an_answer_that_is_late_is_lost_and_the_write_has_landed() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let patient = behind(&proxy, server).await;
    create(&patient, &account(1)).await;
    let store = patient.clone().with_timeout(Duration::from_millis(500));
    proxy.strike(write(), Fault::Stall(Duration::from_secs(3)));
    let error = swapped(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(swapped(&patient, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(swapped(&patient, 1, 3).await.unwrap(), WriteResult::Stale);
    assert_eq!(held(&patient).await, Some(2));
}

#[tokio::test]
async fn a_server_that_is_killed_is_an_error_and_then_as_before() {
    let mut server = available!(Redis::start(Durability::Durable));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    for old in 1..4 {
        server.kill9().unwrap();
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        let error = swapped(&store, old, old + 1).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        server.restart().unwrap();
        assert_eq!(held(&store).await, Some(old));
        assert_eq!(
            swapped(&store, old, old + 1).await.unwrap(),
            WriteResult::Done
        );
    }
}

#[tokio::test]
async fn a_server_that_restarts_between_two_calls_is_not_noticed() {
    let mut server = available!(Redis::start(Durability::Durable));
    let store = store(&server.url());
    create(&store, &account(1)).await;
    for old in 1..4 {
        server.kill9().unwrap();
        server.restart().unwrap();
        assert_eq!(held(&store).await, Some(old));
        assert_eq!(
            swapped(&store, old, old + 1).await.unwrap(),
            WriteResult::Done
        );
    }
}

#[test]
fn a_store_outlives_the_runtime_that_it_connected_on() {
    let store = store(&shared!(SINGLE).url());
    for new in 1..4 {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let old = held(&store).await;
            let swap = swap(old, new, b"x");
            let swapped = store.compare_and_swap(&account(1), swap).await;
            assert_eq!(swapped.unwrap(), WriteResult::Done);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_whole_or_not_at_all_and_leave_the_store_usable() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    let account = account(1);
    create(&store, &account).await;
    let (mut cut, mut landed) = (0, 0);
    for new in 2..400 {
        let record = new.to_string().repeat(5000);
        let attempt = swap(Some(new - 1), new, record.as_bytes());
        // Dropped after so many turns of the other tasks: a timer counts in milliseconds, which can be too long.
        let patience = async {
            for _ in 0..new % 12 {
                yield_now().await;
            }
        };
        let cut_off = select! {
            biased;
            swapped = store.compare_and_swap(&account, attempt) => Ok(swapped),
            () = patience => Err(()),
        };
        match cut_off {
            Ok(swapped) => assert_eq!(swapped.unwrap(), WriteResult::Done),
            Err(_) => {
                cut += 1;
                let stored = store.load(&account).await.unwrap().unwrap();
                landed += u32::from(stored.revision == attempt.revision());
                // The same swap again settles it: it lands now, or it had landed.
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
    println!("{cut} calls were cut off, {landed} of them had landed");
    assert!(cut > 0);
    assert_eq!(proxy.connections(), 1, "none was let go of");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_lost_answers_spends_no_revision_twice() {
    let server = shared!(SINGLE);
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server).await;
    create(&store, &account(1)).await;
    let mut held = 1;
    for new in 2..200 {
        // Two writers of one revision; the answer of one, whichever it is, may be lost.
        if new % 2 == 0 {
            proxy.strike(write(), Fault::DropReply);
        }
        let writer = |number: i64| {
            let store = store.clone();
            async move {
                let record = number.to_string();
                let summary = countersign::store::Summary::new(true, 0, countersign::KeyId::new(1));
                let (expected, new) = (Some(revision(held)), revision(number));
                let kind = WriteKind::Accepted;
                let swap = ConditionalWrite::put(expected, new, record.as_bytes(), kind, summary);
                for _ in 0..3 {
                    if let Ok(swapped) = store.compare_and_swap(&account(1), swap).await {
                        return swapped;
                    }
                }
                panic!("three answers in a row are lost")
            }
        };
        let (a, b) = (1000 + new, 2000 + new);
        let (first, second) = tokio::join!(tokio::spawn(writer(a)), tokio::spawn(writer(b)));
        held = match (first.unwrap(), second.unwrap()) {
            (WriteResult::Done, WriteResult::Stale) => a,
            (WriteResult::Stale, WriteResult::Done) => b,
            both => panic!("{both:?}"),
        };
        assert_eq!(crate::support::held(&store).await, Some(held));
    }
}
