//! The order of writes, password hashes and answers (invariants 3, 9 and 11), as the store and the
//! hash executor see it.

use crate::world::{STEP, World, policy, rejection, scan, staff};
use countersign::backup::HashJob;
use countersign::runtime::{HashExecutor, HashFuture, InlineExecutor};
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::{Phone, block_on};
use countersign::{AccountId, Denied, EnrollmentRequest, Proof, Rejection, VerifierError};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What the verifier did, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// The store made a write of this kind.
    Done(WriteKind),
    /// A password hash was computed.
    Hash,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    /// Loads fail.
    Loads,
    /// Writes fail and change nothing.
    Writes,
    /// Writes are refused as stale.
    Conflicts,
    /// Writes never finish.
    Hangs,
}

/// A store and a hash executor that record what happens.
#[derive(Clone, Default)]
struct Watched {
    store: MemoryStore,
    events: Arc<Mutex<Vec<Event>>>,
    fault: Arc<Mutex<Fault>>,
}

impl Watched {
    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn has(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == fault
    }

    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    fn log(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    fn stored(&self, account: &AccountId) -> Option<StoredRecord> {
        let Ok(stored) = block_on(Store::load(&self.store, account));
        stored
    }
}

impl Store for Watched {
    type Error = io::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, io::Error> {
        if self.has(Fault::Loads) {
            return Err(io::Error::other("no load"));
        }
        Ok(self.stored(account))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, io::Error> {
        poll_fn(|_| match self.has(Fault::Hangs) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        if self.has(Fault::Writes) {
            return Err(io::Error::other("no write"));
        }
        if self.has(Fault::Conflicts) {
            return Ok(WriteResult::Stale);
        }
        let Ok(result) = Store::compare_and_swap(&self.store, account, write).await;
        if result == WriteResult::Done {
            self.log(Event::Done(write.kind()));
        }
        Ok(result)
    }
}

impl HashExecutor for Watched {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        self.log(Event::Hash);
        InlineExecutor.run(job)
    }
}

fn watched() -> (World<Watched>, Phone) {
    let store = Watched::default();
    let world = World::with_store(store.clone(), policy().build().unwrap());
    let world = world.server(|builder| builder.hash_executor(store));
    let phone = world.enroll();
    (world, phone)
}

#[test]
fn no_answer_precedes_its_write() {
    let (world, phone) = watched();
    let store = world.verifier.store();
    for (code, accepted) in [(world.now(&phone), true), (world.wrong(&phone), false)] {
        let before = store.stored(&world.alice);
        store.set(Fault::Hangs);
        let mut attempt = pin!(world.verifier.verify(&world.alice, &code));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(attempt.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(store.stored(&world.alice), before);
        store.set(Fault::None);
        let Poll::Ready(outcome) = attempt.as_mut().poll(&mut context) else {
            panic!("the call still waits");
        };
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
        assert_ne!(store.stored(&world.alice), before);
    }
}

#[test]
fn hashing_starts_after_the_failure_is_stored() {
    let (world, phone) = watched();
    let codes = world.issue(&phone);
    let wrong = (0..)
        .map(|n: u32| format!("{n:08}"))
        .find(|code| !codes.iter().any(|known| known.replace(' ', "") == *code))
        .unwrap();
    let store = world.verifier.store();
    store.events();
    let reserved = [Event::Done(WriteKind::Reserved), Event::Hash];

    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    assert_eq!(store.events(), reserved);

    let _receipt = world.verify(&codes[0]).unwrap();
    let accepted = [&reserved[..], &[Event::Done(WriteKind::Accepted)]].concat();
    assert_eq!(store.events(), accepted);

    for fault in [Fault::Loads, Fault::Writes, Fault::Conflicts] {
        store.set(fault);
        for code in [&wrong, &codes[1]] {
            assert!(matches!(world.verify(code), Err(Denied::Failed(_))));
        }
        assert_eq!(store.events(), [], "no hash without a stored failure");
    }
}

#[test]
fn proof_and_change_are_one_write() {
    type Call = fn(&World<Watched>, Proof<'_>) -> Result<(), Denied>;
    let calls: [(WriteKind, Call); 3] = [
        (WriteKind::Enrolling, |world, proof| {
            let request = EnrollmentRequest::new("alice");
            world.begin(request, proof).map(drop)
        }),
        (WriteKind::Disabled, |world, proof| {
            let id = world.authenticators()[0];
            block_on(world.verifier.remove_authenticator(&world.alice, id, proof)).map(|_| ())
        }),
        (WriteKind::Disabled, |world, proof| {
            block_on(world.verifier.disable(&world.alice, proof)).map(drop)
        }),
    ];
    for (kind, call) in calls {
        let (world, phone) = watched();
        let codes = world.issue(&phone);
        world.clock.advance(STEP);
        let store = world.verifier.store();
        let (passcode, status) = (world.now(&phone), world.status());
        store.events();

        // A failed write uses up nothing and changes nothing.
        for fault in [Fault::Writes, Fault::Conflicts] {
            store.set(fault);
            for proof in [&passcode, &codes[0]] {
                let outcome = call_failed(call(&world, Proof::Code(proof)));
                assert!(outcome, "{kind:?}");
            }
            store.set(Fault::None);
            assert_eq!((store.events(), world.status()), (vec![], status.clone()));
        }

        call(&world, Proof::Code(&passcode)).unwrap();
        assert_eq!(store.events(), [Event::Done(kind)]);
    }
}

fn call_failed(outcome: Result<(), Denied>) -> bool {
    matches!(
        outcome,
        Err(Denied::Failed(
            VerifierError::Unsettled(_) | VerifierError::Contended
        ))
    )
}

#[test]
fn a_backup_code_and_change_are_one_write() {
    let (world, phone) = watched();
    let codes = world.issue(&phone);
    world.verifier.store().events();
    let proof = Proof::Code(&codes[0]);
    _ = block_on(world.verifier.disable(&world.alice, proof)).unwrap();
    let expected = [
        Event::Done(WriteKind::Reserved),
        Event::Hash,
        Event::Done(WriteKind::Disabled),
    ];
    assert_eq!(world.verifier.store().events(), expected);
}

#[test]
fn no_call_succeeds_on_a_failing_store() {
    let (world, phone) = watched();
    let receipt = world.log_in(&phone);
    let proof = world.reauthenticated(&receipt);
    let request = || EnrollmentRequest::new("alice");
    let (verifier, alice) = (&world.verifier, &world.alice);
    drop(block_on(verifier.issue_backup_codes(alice, proof.clone())).unwrap());
    let issued = block_on(verifier.issue_backup_codes(alice, proof.clone())).unwrap();
    let pending_codes = issued.set();
    let pending = world.begin(request(), proof.clone()).unwrap();
    world.clock.advance(STEP);
    let id = world.authenticators()[0];
    let failed = |denied: Denied| match denied {
        Denied::Failed(error) => error,
        other => panic!("{other:?}"),
    };
    let before = verifier.store().stored(alice);
    for fault in [Fault::Loads, Fault::Writes, Fault::Conflicts] {
        verifier.store().set(fault);
        let writes = [
            world.verify(&world.now(&phone)).map(drop),
            world.verify(&world.wrong(&phone)).map(drop),
            world.begin(request(), proof.clone()).map(drop),
            world
                .confirm(&pending, &world.now(&scan(&pending)))
                .map(drop),
            world
                .confirm(&pending, &world.wrong(&scan(&pending)))
                .map(drop),
            block_on(verifier.issue_backup_codes(alice, proof.clone())).map(drop),
            block_on(verifier.confirm_saved(alice, pending_codes)),
            block_on(verifier.discard_pending_codes(alice, pending_codes)),
            block_on(verifier.remove_authenticator(alice, id, proof.clone())).map(|_| ()),
            block_on(verifier.disable(alice, proof.clone())).map(drop),
            block_on(verifier.force_disable(alice, &staff())),
            block_on(verifier.erase(alice, &staff())).map_err(Denied::Failed),
        ];
        for (place, outcome) in writes.into_iter().enumerate() {
            let error = failed(outcome.expect_err("nothing was written"));
            let expected = match fault {
                Fault::Loads => matches!(error, VerifierError::Store(_)),
                Fault::Writes => matches!(error, VerifierError::Unsettled(Some(_))),
                _ => matches!(error, VerifierError::Contended),
            };
            assert!(expected, "call {place}: {error:?}");
        }
        verifier.store().set(Fault::None);
        assert_eq!(verifier.store().stored(alice), before);
    }
    verifier.store().set(Fault::Loads);
    assert!(matches!(
        block_on(verifier.status(alice)),
        Err(VerifierError::Store(_))
    ));
    let read = block_on(verifier.pending_enrollment(alice, pending.id()));
    assert!(matches!(read, Err(Denied::Failed(VerifierError::Store(_)))));
    assert!(matches!(
        block_on(verifier.reseal(alice)),
        Err(VerifierError::Store(_))
    ));
    verifier.store().set(Fault::None);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}
