//! Checks that all stores on a server share.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_sqlx::Error;
use countersign_store_testing::{Fault, Proxy};
use tokio::time::timeout;

use super::{account, create, erase, revision, write};

const PATIENCE: Duration = Duration::from_secs(60);

/// A store that tasks can share.
pub(crate) trait Shared: Store<Error = Error> + Clone + 'static {}
impl<S: Store<Error = Error> + Clone + 'static> Shared for S {}

/// Runs a check in a task, as a web server does, or outside of all tasks, as tests do.
pub(crate) async fn run(in_a_task: bool, check: impl Future<Output = ()> + Send + 'static) {
    if in_a_task {
        tokio::spawn(check).await.unwrap();
    } else {
        check.await;
    }
}

/// Drops calls at random. Each write is applied completely or not at all, and the pool stays
/// usable.
pub(crate) async fn dropped_futures_write_completely_or_not_at_all(
    store: &impl Shared,
    rounds: i64,
) {
    let account = account(1);
    create(store, &account).await;
    let (mut dropped, mut applied) = (0, 0);
    // On a busy computer, a call needs fewer polls. So the range of polls adapts to the calls.
    let mut most_polls = 200;
    for new in 2..rounds {
        let record = new.to_string().repeat(500);
        let attempt = write(Some(new - 1), new, record.as_bytes());
        let polls = new * 37 % most_polls;
        match drop_after(polls, store.compare_and_swap(&account, attempt)).await {
            Some(result) => {
                assert_eq!(result.unwrap(), WriteResult::Done);
                most_polls = (most_polls / 2).max(2);
            }
            // The same write again shows the effect: `Done` if it was not applied, `Stale` if it
            // was.
            None => {
                dropped += 1;
                most_polls = (most_polls + most_polls / 4 + 1).min(200);
                let again = store.compare_and_swap(&account, attempt).await;
                if again.unwrap() == WriteResult::Stale {
                    applied += 1;
                }
            }
        }
        // Also drops loads on connections that have not prepared them yet.
        drop_after(polls, store.load(&account)).await;
        let stored = store.load(&account).await.unwrap().unwrap();
        assert_eq!(
            stored,
            StoredRecord::new(record.into_bytes(), revision(new)),
            "after {dropped} dropped calls"
        );
    }
    println!("{dropped} calls were dropped, {applied} of them were applied first");
    assert!(dropped > rounds / 10, "only {dropped} were dropped");
}

/// Drops a call while its statement is prepared. The pool's only connection stays usable.
pub(crate) async fn a_future_dropped_during_prepare_keeps_its_connection(
    store: &impl Shared,
    proxy: &Proxy,
) {
    let account = account(1);
    create(store, &account).await;
    let connections = proxy.connections();
    proxy.inject(b"SELECT record", Fault::Stall(Duration::from_secs(1)));
    let load = timeout(Duration::from_millis(50), store.load(&account));
    assert!(load.await.is_err(), "it was dropped");
    assert!(store.load(&account).await.unwrap().is_some());
    assert_eq!((proxy.injected(), proxy.connections()), (1, connections));
}

/// The output of a future, or `None` if the future needs more than `polls` polls. In that case, the
/// future is dropped.
async fn drop_after<F: Future>(polls: i64, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
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

/// A write with a lost answer is an error. The same write again is `Stale` if it was applied.
pub(crate) async fn a_repeated_write_resolves_a_lost_answer(store: &impl Shared, proxy: &Proxy) {
    let account = account(1);
    create(store, &account).await;
    for (new, fault) in [
        (2, Fault::DropReply),
        (3, Fault::DropRequest),
        (4, Fault::Reset),
    ] {
        // The statement is prepared already, so the fault hits its execution.
        let record = format!("struck {fault:?}");
        let attempt = write(Some(new - 1), new, record.as_bytes());
        store.load(&account).await.unwrap();
        proxy.inject(record.as_bytes(), fault);
        let error = store.compare_and_swap(&account, attempt).await.unwrap_err();
        assert!(
            matches!(error, Error::ConnectionLost(_)),
            "{fault:?}: {error:?}"
        );
        let again = store.compare_and_swap(&account, attempt).await.unwrap();
        let was_applied = matches!(fault, Fault::DropReply);
        assert_eq!(again == WriteResult::Stale, was_applied, "{fault:?}");
        let stored = store.load(&account).await.unwrap().unwrap();
        assert_eq!(
            stored,
            StoredRecord::new(record.into_bytes(), revision(new))
        );
    }
    assert_eq!(proxy.injected(), 3);
}

/// The network swallows one answer, and then every answer. Each call ends in time, and the store
/// works again as soon as the network does. The pool has one connection, and `is_idle` says whether
/// no call uses it. `hasty` is the same store with a short time limit.
pub(crate) async fn a_silent_network_times_out<S: Shared>(
    store: &S,
    hasty: &S,
    proxy: &Proxy,
    is_idle: impl Fn() -> bool,
) {
    let account = account(1);
    create(store, &account).await;
    // Prepares the statement that the network swallows.
    let first = write(Some(1), 2, b"first");
    _ = store.compare_and_swap(&account, first).await.unwrap();
    for new in 3..5 {
        let attempt = write(Some(new - 1), new, b"black hole");
        proxy.inject(b"black hole", Fault::BlackHole);
        let error = hasty.compare_and_swap(&account, attempt).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        let result = store.compare_and_swap(&account, attempt).await.unwrap();
        assert_eq!(result, WriteResult::Stale, "the write was applied");
    }
    // The last call pings the server after its answer, with a long time limit.
    let start = Instant::now();
    while !is_idle() {
        assert!(start.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.inject_always(Fault::BlackHole);
    for _ in 0..2 {
        let start = Instant::now();
        hasty.load(&account).await.unwrap_err();
        assert!(start.elapsed() < PATIENCE);
    }
    proxy.stop_faults();
    assert!(store.load(&account).await.unwrap().is_some());
}

/// A call is one request of a prepared statement. When the connection is released, the driver sends
/// one more request as a ping. The pool has one connection, which it does not test before use.
pub(crate) async fn every_call_takes_one_round_trip(store: &impl Shared, proxy: &Proxy) {
    const CALLS: i64 = 20;
    let account = account(1);
    create(store, &account).await;
    let warm = write(Some(1), 2, b"warm");
    _ = store.compare_and_swap(&account, warm).await.unwrap();
    store.load(&account).await.unwrap();
    let before = requests(proxy).await;
    for new in 3..3 + CALLS {
        let result = store.compare_and_swap(&account, write(Some(new - 1), new, b"x"));
        assert_eq!(result.await.unwrap(), WriteResult::Done);
        store.load(&account).await.unwrap();
    }
    let calls = usize::try_from(2 * CALLS).unwrap();
    assert_eq!(requests(proxy).await - before, 2 * calls);
}

/// The pool tests a connection before a call only if the connection was idle for a second. Without
/// this test, a call takes this number of requests.
pub(crate) async fn only_idle_connections_are_tested(
    store: &impl Shared,
    proxy: &Proxy,
    each: usize,
) {
    const CALLS: usize = 10;
    create(store, &account(1)).await;
    store.load(&account(1)).await.unwrap();
    // The next call begins after a second at the earliest.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = requests(proxy).await;
    store.load(&account(1)).await.unwrap();
    assert_eq!(requests(proxy).await - before, each + 1);
    // On a busy computer, a second can pass between two calls.
    for _ in 0..20 {
        let before = requests(proxy).await;
        for _ in 0..CALLS {
            store.load(&account(1)).await.unwrap();
        }
        // The first call may come after a second.
        if requests(proxy).await - before <= CALLS * each + 1 {
            return;
        }
    }
    panic!("connections that were in use are tested");
}

/// Waits until no more requests arrive, and returns their number.
pub(crate) async fn requests(proxy: &Proxy) -> usize {
    loop {
        let seen = proxy.requests();
        tokio::time::sleep(Duration::from_millis(500)).await;
        if proxy.requests() == seen {
            return seen;
        }
    }
}
