//! A form that is sent twice, at the same time or after a fault (invariants 1 to 3 and 11).

use crate::world::{World, policy, rejection};
use countersign::backup::HashJob;
use countersign::runtime::{HashExecutor, HashExecutorError, HashFuture, InlineExecutor};
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::{Phone, block_on};
use countersign::{AccountId, Denied, Rejection, RequestId, VerifierError};
use std::future::{pending, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

/// A store whose calls wait once before they reach the database and once before they answer. It
/// notes the stored writes, and loses answers.
#[derive(Clone, Default)]
struct Slow {
    store: MemoryStore,
    writes: Arc<Mutex<Vec<WriteKind>>>,
    lost: Arc<AtomicUsize>,
    /// Whether password hashes never end.
    stuck: Arc<AtomicBool>,
    /// Whether password hashes fail.
    broken: Arc<AtomicBool>,
    hashes: Arc<AtomicUsize>,
}

/// Writes of other clients.
type OtherClients = Box<dyn FnMut() + Send>;

async fn wait() {
    let mut waited = false;
    poll_fn(|_| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

impl Store for Slow {
    type Error = io::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, io::Error> {
        wait().await;
        let Ok(stored) = Store::load(&self.store, account).await;
        wait().await;
        Ok(stored)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, io::Error> {
        wait().await;
        let Ok(result) = Store::compare_and_swap(&self.store, account, write).await;
        if result == WriteResult::Done {
            self.writes.lock().unwrap().push(write.kind());
        }
        wait().await;
        let lose = |left: usize| left.checked_sub(1);
        match self
            .lost
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose)
        {
            Ok(_) => Err(io::Error::other("the answer is lost")),
            Err(_) => Ok(result),
        }
    }
}

impl HashExecutor for Slow {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        self.hashes.fetch_add(1, Ordering::Relaxed);
        if self.broken.load(Ordering::Relaxed) {
            let error = HashExecutorError::Worker(io::Error::other("crashed").into());
            return Box::pin(async { Err(error) });
        }
        if self.stuck.load(Ordering::Relaxed) {
            return Box::pin(pending());
        }
        InlineExecutor.run(job)
    }
}

impl Slow {
    fn kinds(&self) -> Vec<WriteKind> {
        std::mem::take(&mut *self.writes.lock().unwrap())
    }
}

/// `block_on` sleeps until it is woken, and these futures wake nobody.
fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("the call never finishes");
}

/// Polls a future so many times, and drops it. Returns whether it finished.
fn drop_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready())
}

struct Account {
    /// Without waits.
    world: World,
    slow: World<Slow>,
    phone: Phone,
    codes: Vec<String>,
}

impl Account {
    fn new() -> Self {
        let (world, phone) = World::enrolled();
        let codes = world.issue(&phone);
        world.clock.advance(crate::world::STEP);
        let store = Slow {
            store: world.verifier.store().clone(),
            ..Slow::default()
        };
        let keys = crate::world::keyring(1, &world.key);
        let slow = world.service(store.clone(), keys, |builder| builder.hash_executor(store));
        Self {
            world,
            slow,
            phone,
            codes,
        }
    }

    fn right(&self) -> [String; 2] {
        [self.world.now(&self.phone), self.codes[0].clone()]
    }

    fn wrong(&self) -> [String; 2] {
        [
            self.world.wrong(&self.phone),
            self.world.wrong_code(&self.codes),
        ]
    }

    fn request(&self, code: &str, id: &RequestId) -> Result<countersign::Receipt, Denied> {
        let alice = &self.slow.alice;
        run(self.slow.verifier.verify_request(alice, code, id))
    }
}

fn new_id() -> RequestId {
    RequestId::generate().unwrap()
}

const RIGHT: usize = 2;

/// The caller of the first call is killed after each poll. The repeat is accepted all the same.
#[test]
fn a_dropped_request_is_accepted_by_its_repeat() {
    for kind in 0..RIGHT {
        for polls in 0.. {
            let account = Account::new();
            let (code, id) = (&account.right()[kind], new_id());
            let (slow, alice) = (&account.slow, &account.slow.alice);
            let finished = drop_after(polls, slow.verifier.verify_request(alice, code, &id));
            let written = slow.verifier.store().kinds();
            let was_accepted = written.contains(&WriteKind::Accepted);
            let receipt = account.request(code, &id).unwrap();
            assert_eq!(receipt.is_repeat(), was_accepted, "after {polls} polls");
            let all = [written, slow.verifier.store().kinds()].concat();
            let accepted = all.iter().filter(|kind| **kind == WriteKind::Accepted);
            assert_eq!(accepted.count(), 1, "after {polls} polls: {all:?}");
            let reserved = all.iter().filter(|kind| **kind == WriteKind::Reserved);
            assert_eq!(reserved.count(), kind, "after {polls} polls: {all:?}");
            assert_eq!(account.world.codes_left(), 10 - kind);
            assert_eq!(account.world.failures(&account.phone), 0);
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_dropped_wrong_request_is_counted_once() {
    for kind in 0..RIGHT {
        for polls in 0.. {
            let account = Account::new();
            let (code, id) = (&account.wrong()[kind], new_id());
            let (slow, alice) = (&account.slow, &account.slow.alice);
            let finished = drop_after(polls, slow.verifier.verify_request(alice, code, &id));
            let repeat = account.request(code, &id);
            assert_eq!(rejection(repeat), Rejection::WrongCode);
            assert_eq!(
                account.world.failures(&account.phone),
                1,
                "after {polls} polls"
            );
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_lost_answer_is_accepted_by_the_repeat() {
    for kind in 0..RIGHT {
        let account = Account::new();
        let (code, id) = (&account.right()[kind], new_id());
        let store = account.slow.verifier.store();
        // The first answer of the last write is lost, and both answers to its copies.
        let counted = store.hashes.clone();
        if kind == 1 {
            store.broken.store(true, Ordering::Relaxed);
            assert!(account.request(code, &id).is_err());
            store.broken.store(false, Ordering::Relaxed);
            // Only the write of the join is answered.
            let (slow, alice) = (&account.slow, &account.slow.alice);
            let mut joined = pin!(slow.verifier.verify_request(alice, code, &id));
            let mut context = Context::from_waker(Waker::noop());
            while counted.load(Ordering::Relaxed) < 2 {
                assert!(joined.as_mut().poll(&mut context).is_pending());
            }
            store.lost.store(3, Ordering::Relaxed);
            let outcome = run(joined);
            assert!(matches!(
                outcome,
                Err(Denied::Failed(VerifierError::Unsettled(_)))
            ));
        } else {
            store.lost.store(3, Ordering::Relaxed);
            let outcome = account.request(code, &id);
            assert!(matches!(
                outcome,
                Err(Denied::Failed(VerifierError::Unsettled(_)))
            ));
        }
        assert!(account.request(code, &id).unwrap().is_repeat());
        assert_eq!(account.world.failures(&account.phone), 0);
    }
}

/// The process dies, or the executor fails, while the hash is computed.
#[test]
fn a_repeat_joins_a_crashed_hash() {
    let crashes: [fn(&Slow) -> &AtomicBool; 2] = [|store| &store.stuck, |store| &store.broken];
    for crash in crashes {
        let account = Account::new();
        let (code, id) = (&account.codes[0], new_id());
        let (slow, alice) = (&account.slow, &account.slow.alice);
        let store = slow.verifier.store();
        crash(store).store(true, Ordering::Relaxed);
        for _ in 0..2 {
            drop_after(20, slow.verifier.verify_request(alice, code, &id));
        }
        crash(store).store(false, Ordering::Relaxed);
        let receipt = account.request(code, &id).unwrap();
        assert!(!receipt.is_repeat());
        use WriteKind::{Accepted, Joined, Reserved};
        assert_eq!(store.kinds(), [Reserved, Joined, Joined, Accepted]);
        assert_eq!(account.world.codes_left(), 9);
        assert!(account.request(code, &id).unwrap().is_repeat());
        assert_eq!(account.world.failures(&account.phone), 0);
    }
}

/// A counted attempt costs at most five hashes: its own, and those of four repeats.
#[test]
fn crashed_hashes_are_joined_four_times() {
    let account = Account::new();
    let (code, id) = (&account.codes[0], new_id());
    let store = account.slow.verifier.store();
    store.broken.store(true, Ordering::Relaxed);
    for _ in 0..25 {
        assert!(matches!(
            account.request(code, &id),
            Err(Denied::Failed(VerifierError::HashExecutor(_)))
        ));
    }
    // Now five failures are counted, and the account must wait.
    for _ in 0..3 {
        let outcome = account.request(code, &id);
        assert_eq!(rejection(outcome), crate::world::waiting(30));
    }
    assert_eq!(store.hashes.load(Ordering::Relaxed), 25);
    let kinds = store.kinds();
    let reserved = kinds.iter().filter(|kind| **kind == WriteKind::Reserved);
    assert_eq!((kinds.len(), reserved.count()), (25, 5));
}

/// Both calls compute the hash, whichever was first is the acceptance, and the other one repeats.
#[test]
fn the_faster_of_two_hashes_is_the_acceptance() {
    for first_finishes in [true, false] {
        let account = Account::new();
        let (code, id) = (&account.codes[0], new_id());
        let (slow, alice) = (&account.slow, &account.slow.alice);
        let store = slow.verifier.store();
        let mut first = pin!(slow.verifier.verify_request(alice, code, &id));
        let mut second = pin!(slow.verifier.verify_request(alice, code, &id));
        let mut context = Context::from_waker(Waker::noop());
        while store.hashes.load(Ordering::Relaxed) < 1 {
            assert!(first.as_mut().poll(&mut context).is_pending());
        }
        while store.hashes.load(Ordering::Relaxed) < 2 {
            assert!(second.as_mut().poll(&mut context).is_pending());
        }
        let (accepted, repeated) = if first_finishes {
            let accepted = run(first).unwrap();
            (accepted, run(second).unwrap())
        } else {
            let accepted = run(second).unwrap();
            (accepted, run(first).unwrap())
        };
        assert!(!accepted.is_repeat() && repeated.is_repeat());
        assert_eq!(accepted.at(), repeated.at());
        assert_eq!(accepted.accepted_by(), repeated.accepted_by());
        use WriteKind::{Accepted, Joined, Reserved};
        assert_eq!(store.kinds(), [Reserved, Joined, Accepted]);
        assert_eq!(account.world.failures(&account.phone), 0);
    }
}

/// Another attempt between the two writes replaces the result. The code is accepted once.
#[test]
fn an_attempt_between_the_writes_replaces_the_result() {
    let account = Account::new();
    let (code, id) = (&account.codes[0], new_id());
    let (slow, alice) = (&account.slow, &account.slow.alice);
    let mut calls = [(); 2].map(|()| Box::pin(slow.verifier.verify_request(alice, code, &id)));
    let mut context = Context::from_waker(Waker::noop());
    for (number, call) in calls.iter_mut().enumerate() {
        while slow.verifier.store().hashes.load(Ordering::Relaxed) <= number {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
    }
    let wrong = account.world.wrong(&account.phone);
    assert_eq!(
        rejection(account.world.verify(&wrong)),
        Rejection::WrongCode
    );
    let [first, second] = calls;
    assert!(!run(first).unwrap().is_repeat());
    assert!(
        run(second).unwrap().is_repeat(),
        "of the result that the first stored"
    );
    assert_eq!(account.world.codes_left(), 9);
}

/// Invariants 1 and 2: two servers get the form at the same time.
#[test]
fn concurrent_repeats_share_one_acceptance() {
    for round in 0..20 {
        let account = Account::new();
        let (world, id) = (&account.world, new_id());
        let servers = [0; 4].map(|_| world.server(|builder| builder));
        for (kind, code) in account.right().iter().enumerate() {
            let start = Barrier::new(servers.len());
            let receipts = thread::scope(|scope| {
                let calls = servers.each_ref().map(|server| {
                    let (start, id) = (&start, &id);
                    scope.spawn(move || {
                        start.wait();
                        server.request(code, id)
                    })
                });
                calls.map(|call| call.join().unwrap().unwrap())
            });
            let first = receipts.iter().filter(|receipt| !receipt.is_repeat());
            assert_eq!(first.count(), 1, "round {round}");
            assert_eq!(world.codes_left(), 10 - kind);
        }
        assert_eq!(world.failures(&account.phone), 0);
    }
}

/// Invariant 3.
#[test]
fn concurrent_wrong_repeats_count_once() {
    for _ in 0..20 {
        let account = Account::new();
        let world = &account.world;
        let servers = [0; 4].map(|_| world.server(|builder| builder));
        for (code, id) in account.wrong().iter().map(|code| (code, new_id())) {
            let start = Barrier::new(servers.len());
            let counted = AtomicUsize::new(0);
            thread::scope(|scope| {
                for server in &servers {
                    let (start, id, counted) = (&start, &id, &counted);
                    scope.spawn(move || {
                        start.wait();
                        let outcome = server.request(code, id);
                        if matches!(outcome, Err(Denied::Rejected(_))) {
                            counted.fetch_add(1, Ordering::Relaxed);
                        }
                        assert_eq!(rejection(outcome), Rejection::WrongCode);
                    });
                }
            });
            assert_eq!(counted.into_inner(), 1);
        }
        assert_eq!(world.failures(&account.phone), 2);
    }
}

/// Eight writes of others hide whether this call's own write was stored. The code was accepted in
/// any case.
#[test]
fn an_acceptance_reported_stale_is_accepted() {
    #[derive(Clone, Default)]
    struct Forgetful(MemoryStore, Arc<Mutex<Option<OtherClients>>>);

    impl Store for Forgetful {
        type Error = std::convert::Infallible;

        async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
            Store::load(&self.0, account).await
        }

        async fn compare_and_swap(
            &self,
            account: &AccountId,
            write: ConditionalWrite<'_>,
        ) -> Result<WriteResult, Self::Error> {
            let result = Store::compare_and_swap(&self.0, account, write).await;
            let others = self.1.lock().unwrap().take();
            match others {
                Some(mut others) => {
                    others();
                    Ok(WriteResult::Stale)
                }
                None => result,
            }
        }
    }

    let world = World::with_store(Forgetful::default(), policy().build().unwrap());
    let phone = world.enroll();
    let (alice, store) = (world.alice.clone(), world.verifier.store().clone());
    let keys = [1, 2].map(|id| {
        let (this, other) = match id {
            1 => (
                world.key.clone(),
                countersign::SealingKey::from_bytes(&[9; 32]),
            ),
            _ => (
                countersign::SealingKey::from_bytes(&[9; 32]),
                world.key.clone(),
            ),
        };
        let keys = crate::world::keyring(id, &this);
        keys.with_retired(countersign::KeyId::new(3 - id), other)
            .unwrap()
    });
    let [old, new] = keys.map(|keys| world.service(store.0.clone(), keys, |builder| builder));
    let service = world.service(
        store.clone(),
        crate::world::keyring(1, &world.key)
            .with_retired(
                countersign::KeyId::new(2),
                countersign::SealingKey::from_bytes(&[9; 32]),
            )
            .unwrap(),
        |builder| builder,
    );
    *store.1.lock().unwrap() = Some(Box::new(move || {
        for _ in 0..4 {
            block_on(new.verifier.reseal(&alice)).unwrap();
            block_on(old.verifier.reseal(&alice)).unwrap();
        }
    }));
    let passcode = service.now(&phone);
    let receipt = service.request(&passcode, &new_id());
    assert!(receipt.is_ok(), "{receipt:?}");
}
