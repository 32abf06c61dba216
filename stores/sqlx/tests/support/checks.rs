//! Checks that the stores on a server have in common.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_sqlx::Error;
use countersign_store_testing::{Fault, Proxy};
use tokio::sync::Barrier;
use tokio::time::timeout;

use super::{account, create, erase, revision, swap};

/// A store that tasks can share.
pub(crate) trait Shared: Store<Error = Error> + Clone + 'static {}
impl<S: Store<Error = Error> + Clone + 'static> Shared for S {}

/// Of 64 tasks that create, swap and erase one revision at the same time, one is done, and the others are stale: whatever
/// the database says to them, it is no error.
pub(crate) async fn one_of_64_is_done(store: &impl Shared) {
    for round in 0..10 {
        let account = account(round);
        for step in 0..3 {
            let start = Arc::new(Barrier::new(64));
            let tasks: Vec<_> = (1..65)
                .map(|number| {
                    let (store, account, start) = (store.clone(), account.clone(), start.clone());
                    tokio::spawn(async move {
                        let swap = match step {
                            0 => swap(None, 7, b"created"),
                            1 => swap(Some(7), 1000 + number, b"swapped"),
                            _ => {
                                let stored = store.load(&account).await.unwrap();
                                erase(stored.unwrap().revision.as_i64())
                            }
                        };
                        start.wait().await;
                        store.compare_and_swap(&account, swap).await.unwrap()
                    })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                if task.await.unwrap() == WriteResult::Done {
                    done += 1;
                }
            }
            assert_eq!(done, 1, "round {round}, step {step}");
        }
        assert_eq!(store.load(&account).await.unwrap(), None);
    }
}

/// Sixteen tasks create, swap and erase one account as they like: no answer is an error, and the books balance.
pub(crate) async fn a_free_mix_balances(store: &impl Shared) {
    let (account, next) = (account(1), Arc::new(AtomicI64::new(1)));
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (store, account, next) = (store.clone(), account.clone(), next.clone());
            tokio::spawn(async move {
                let mut rows = 0;
                for round in 0..50 {
                    let found = store.load(&account).await.unwrap();
                    let found = found.map(|stored| stored.revision.as_i64());
                    let new = next.fetch_add(1, Ordering::SeqCst);
                    let (swap, change) = match found {
                        None => (swap(None, new, b"created"), 1),
                        Some(old) if round % 3 == 0 => (erase(old), -1),
                        Some(old) => (swap(Some(old), new, b"swapped"), 0),
                    };
                    if store.compare_and_swap(&account, swap).await.unwrap() == WriteResult::Done {
                        rows += change;
                    }
                }
                rows
            })
        })
        .collect();
    let mut rows = 0;
    for task in tasks {
        rows += task.await.unwrap();
    }
    let live = store.load(&account).await.unwrap();
    assert_eq!(rows, i32::from(live.is_some()));
}

/// Runs a check in a task, as a web server does, or outside of all tasks, as tests do.
pub(crate) async fn run(in_a_task: bool, check: impl Future<Output = ()> + Send + 'static) {
    if in_a_task {
        tokio::spawn(check).await.unwrap();
    } else {
        check.await;
    }
}

/// Calls are dropped at random: each writes whole or not at all, and the pool is as good as before. Gives how many were
/// dropped, and how many of them had landed when the same swap was tried again.
pub(crate) async fn dropped_futures_leave_the_pool_usable(store: &impl Shared, rounds: i64) {
    let account = account(1);
    create(store, &account).await;
    let (mut cut, mut landed) = (0, 0);
    for new in 2..rounds {
        let record = new.to_string().repeat(500);
        let attempt = swap(Some(new - 1), new, record.as_bytes());
        let patience = new * 37 % 200;
        match cut_after(patience, store.compare_and_swap(&account, attempt)).await {
            Some(swapped) => assert_eq!(swapped.unwrap(), WriteResult::Done),
            // The same swap again settles what became of it: it lands now, or it had landed and is stale.
            None => {
                cut += 1;
                let again = store.compare_and_swap(&account, attempt).await;
                if again.unwrap() == WriteResult::Stale {
                    landed += 1;
                }
            }
        }
        // Loads are dropped, too, on connections that have not prepared them yet.
        cut_after(patience, store.load(&account)).await;
        let stored = store.load(&account).await.unwrap().unwrap();
        assert_eq!(
            stored,
            StoredRecord::new(record.into_bytes(), revision(new)),
            "after {cut} cuts"
        );
    }
    println!("{cut} calls were dropped, {landed} of them landed first");
    assert!(cut > rounds / 10, "only {cut} were dropped");
}

/// A call is dropped while its statement is prepared: the connection, the only one, is not left in the middle of that.
pub(crate) async fn a_dropped_future_keeps_its_connection(store: &impl Shared, proxy: &Proxy) {
    let account = account(1);
    create(store, &account).await;
    let connections = proxy.connections();
    proxy.strike(b"SELECT record", Fault::Stall(Duration::from_secs(1)));
    let load = timeout(Duration::from_millis(50), store.load(&account));
    assert!(load.await.is_err(), "it was dropped");
    assert!(store.load(&account).await.unwrap().is_some());
    assert_eq!((proxy.struck(), proxy.connections()), (1, connections));
}

/// The outcome of a future, unless it takes more than so many turns of the runtime: then it is dropped.
async fn cut_after<F: Future>(turns: i64, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), turns);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// The answer to a swap is lost: an error; and the same swap again is stale, because it had landed.
pub(crate) async fn a_lost_answer_is_an_error_and_settles(store: &impl Shared, proxy: &Proxy) {
    let account = account(1);
    create(store, &account).await;
    for (new, fault) in [
        (2, Fault::DropReply),
        (3, Fault::DropRequest),
        (4, Fault::Reset),
    ] {
        // The statement has been prepared by now, so what is struck is its execution.
        let record = format!("struck {fault:?}");
        let attempt = swap(Some(new - 1), new, record.as_bytes());
        store.load(&account).await.unwrap();
        proxy.strike(record.as_bytes(), fault);
        let error = store.compare_and_swap(&account, attempt).await.unwrap_err();
        assert!(
            matches!(error, Error::ConnectionLost(_)),
            "{fault:?}: {error:?}"
        );
        let again = store.compare_and_swap(&account, attempt).await.unwrap();
        let landed = matches!(fault, Fault::DropReply);
        assert_eq!(again == WriteResult::Stale, landed, "{fault:?}");
        let stored = store.load(&account).await.unwrap().unwrap();
        assert_eq!(
            stored,
            StoredRecord::new(record.into_bytes(), revision(new))
        );
    }
    assert_eq!(proxy.struck(), 3);
}

/// The network swallows answers, and then everything: each call ends in time, and when it is well again, so is the store.
/// The pool has one connection.
pub(crate) async fn a_silent_network_is_an_error_in_time(store: &impl Shared, proxy: &Proxy) {
    let account = account(1);
    create(store, &account).await;
    for new in 2..4 {
        let attempt = swap(Some(new - 1), new, b"black hole");
        proxy.strike(b"black hole", Fault::BlackHole);
        let error = store.compare_and_swap(&account, attempt).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        let swapped = store.compare_and_swap(&account, attempt).await.unwrap();
        assert_eq!(swapped, WriteResult::Stale, "it had landed");
    }
    proxy.strike_all(Fault::BlackHole);
    for _ in 0..2 {
        let begun = Instant::now();
        store.load(&account).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    proxy.heal();
    assert!(store.load(&account).await.unwrap().is_some());
}

/// A call is one request, of a statement that was prepared once; and one more with which the driver sees, when the answer
/// is given, that the connection is well. The pool has one connection that it does not test before.
pub(crate) async fn a_call_is_one_round_trip(store: &impl Shared, proxy: &Proxy) {
    const CALLS: i64 = 20;
    let account = account(1);
    create(store, &account).await;
    let warm = swap(Some(1), 2, b"warm");
    _ = store.compare_and_swap(&account, warm).await.unwrap();
    store.load(&account).await.unwrap();
    let before = requests(proxy).await;
    for new in 3..3 + CALLS {
        let swapped = store.compare_and_swap(&account, swap(Some(new - 1), new, b"x"));
        assert_eq!(swapped.await.unwrap(), WriteResult::Done);
        store.load(&account).await.unwrap();
    }
    let calls = usize::try_from(2 * CALLS).unwrap();
    assert_eq!(requests(proxy).await - before, 2 * calls);
}

/// How many requests came, when no more do.
async fn requests(proxy: &Proxy) -> usize {
    loop {
        let seen = proxy.requests();
        tokio::time::sleep(Duration::from_millis(500)).await;
        if proxy.requests() == seen {
            return seen;
        }
    }
}
