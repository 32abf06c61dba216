//! The thread of the async store: dropped futures, time limits, panics, and its end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::time::Duration;

use countersign::store::{Store, WriteResult};
use countersign_rusqlite::{Connections, Error, NoConnection, SqliteStore, blocking};
use rusqlite::Connection;
use tokio::time::{pause, resume};

use crate::support::{Database, LONG, account, create, revision, stored, write};

/// Connections that stop a call before its statement, until the test lets it continue.
struct Gate {
    database: Database,
    reached: Sender<()>,
    open: Mutex<Receiver<()>>,
    panics: Arc<AtomicBool>,
    _ended: Sender<()>,
}

/// The test's side of a gate.
struct GateControl {
    /// A call has reached the gate.
    reached: Receiver<()>,
    /// Lets one call continue.
    open: Sender<()>,
    panics: Arc<AtomicBool>,
    /// Disconnected when the thread has dropped the connections.
    ended: Receiver<()>,
}

impl Connections for Gate {
    type Connection<'a> = Box<Connection>;

    fn connection(&self, _: Duration) -> Result<Box<Connection>, NoConnection> {
        _ = self.reached.send(());
        _ = self.open.lock().unwrap().recv();
        assert!(!self.panics.swap(false, Ordering::SeqCst), "on purpose");
        Ok(Box::new(self.database.connection()))
    }
}

/// A store whose calls stop at a gate. The account 1 exists.
fn gated() -> (SqliteStore<Gate>, GateControl, blocking::SqliteStore) {
    let database = Database::new();
    let direct = database.store();
    create(&direct, &account(1));
    let (reached_sender, reached) = channel();
    let (open, open_receiver) = channel();
    let (ended_sender, ended) = channel();
    let panics = Arc::new(AtomicBool::new(false));
    let gate = Gate {
        database,
        reached: reached_sender,
        open: Mutex::new(open_receiver),
        panics: Arc::clone(&panics),
        _ended: ended_sender,
    };
    let store = SqliteStore::new(blocking::SqliteStore::new(gate).with_timeout(LONG));
    let control = GateControl {
        reached,
        open,
        panics,
        ended,
    };
    (store, control, direct)
}

/// Polls a future that is not ready once.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn a_dropped_call_that_has_begun_is_stored() {
    use countersign::blocking::Store as _;

    let (store, gate, direct) = gated();
    let (one, late) = (account(1), write(Some(1), 2, b"late"));
    let mut future = Box::pin(store.compare_and_swap(&one, late));
    poll_once(future.as_mut()).await;
    gate.reached.recv().unwrap();
    drop(future);
    assert_eq!(direct.load(&one).unwrap(), stored(b"record", 1));
    for _ in 0..2 {
        gate.open.send(()).unwrap();
    }
    assert_eq!(store.load(&one).await.unwrap(), stored(b"late", 2));
}

#[tokio::test]
async fn a_dropped_call_that_waits_does_not_run() {
    let (store, gate, _) = gated();
    let one = account(1);
    let first = store.load(&one);
    let waiting = async {
        // The first load is at the gate, so this write has not begun.
        let dropped = store.compare_and_swap(&one, write(Some(1), 2, b"dropped"));
        poll_once(pin!(dropped)).await;
        gate.reached.recv().unwrap();
        gate.open.send(()).unwrap();
    };
    let (found, ()) = tokio::join!(first, waiting);
    assert_eq!(found.unwrap(), stored(b"record", 1));
    gate.open.send(()).unwrap();
    assert_eq!(store.load(&one).await.unwrap(), stored(b"record", 1));
    assert_eq!(
        gate.reached.try_iter().count(),
        1,
        "only the last load began"
    );
}

#[tokio::test]
async fn a_timed_out_write_is_applied_once() {
    use countersign::blocking::Store as _;

    let (store, gate, direct) = gated();
    let (one, late) = (account(1), write(Some(1), 2, b"late"));
    // The clock moves only when nothing but a time limit is left. So the thread begins in time.
    pause();
    let mut writing = pin!(store.compare_and_swap(&one, late));
    poll_once(writing.as_mut()).await;
    gate.reached.recv().unwrap();
    let answer = writing.await;
    assert!(
        matches!(answer, Err(Error::Timeout { limit: LONG })),
        "{answer:?}"
    );
    // The thread is still at the gate.
    let answer = store.load(&one).await;
    assert!(
        matches!(answer, Err(Error::NoConnection { limit: LONG })),
        "{answer:?}"
    );
    resume();
    let found = direct.load(&one).unwrap().unwrap();
    assert_eq!(found.revision, revision(1), "not applied yet");

    for _ in 0..2 {
        gate.open.send(()).unwrap();
    }
    let result = store.compare_and_swap(&one, late).await.unwrap();
    assert_eq!(result, WriteResult::Stale);
    assert_eq!(direct.load(&one).unwrap(), stored(b"late", 2));
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_thread_continues() {
    let (store, gate, _) = gated();
    gate.panics.store(true, Ordering::SeqCst);
    gate.open.send(()).unwrap();
    let answer = store.load(&account(1)).await;
    assert!(matches!(answer, Err(Error::ThreadFailed)), "{answer:?}");
    gate.open.send(()).unwrap();
    assert_eq!(store.load(&account(1)).await.unwrap(), stored(b"record", 1));
}

#[tokio::test]
async fn the_thread_ends_with_the_last_handle() {
    let (store, gate, _) = gated();
    let other = store.clone();
    drop(store);
    gate.open.send(()).unwrap();
    assert!(other.load(&account(1)).await.unwrap().is_some());
    assert!(
        gate.ended
            .try_recv()
            .is_err_and(|error| error == std::sync::mpsc::TryRecvError::Empty)
    );
    drop(other);
    // Returns when the thread has dropped the connections.
    assert!(gate.ended.recv().is_err());
}

/// Drops calls at random. Each write is applied completely or not at all, and the store stays
/// usable.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_completely_or_not_at_all() {
    let database = Database::new();
    let store = SqliteStore::open(database.path()).unwrap();
    store.create_table().await.unwrap();
    create(&database.store(), &account(1));
    let (mut dropped, mut applied) = (0, 0);
    for new in 2..500_i64 {
        let record = new.to_string().repeat(500);
        let attempt = write(Some(new - 1), new, record.as_bytes());
        let pause = Duration::from_micros(u64::try_from(new % 100).unwrap() * 5);
        let one = account(1);
        let mut call = Box::pin(store.compare_and_swap(&one, attempt));
        let answer = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        std::thread::sleep(pause);
        drop(call);
        match answer {
            Poll::Ready(result) => assert_eq!(result.unwrap(), WriteResult::Done),
            // The same write again shows the effect: `Done` if it was not applied, `Stale` if it
            // was.
            Poll::Pending => {
                dropped += 1;
                let again = store.compare_and_swap(&one, attempt).await.unwrap();
                applied += u32::from(again == WriteResult::Stale);
            }
        }
        let found = store.load(&one).await.unwrap();
        assert_eq!(found, stored(record.as_bytes(), new));
    }
    println!("{dropped} calls were dropped, {applied} of them had begun and were applied");
    assert!(dropped > 0);
}
