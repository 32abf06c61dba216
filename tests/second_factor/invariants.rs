//! Invariants 3, 5, 6, 9 and 11 as the store, the random source and the slow work see them.

use crate::world::{STEP, World, policy, rejection, scan};
use countersign::backup::HashJob;
use countersign::otp::{Algorithm, RandomError};
use countersign::runtime::{HashExecutor, HashFuture, InlineExecutor, RandomSource, SystemRandom};
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::{Phone, block_on};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Proof, Rejection, Status, Verifier,
    VerifierBuilder, VerifierError,
};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// What the verifier did, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// A swap of this kind was made.
    Done(WriteKind),
    /// A digest was computed.
    Digest,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Trouble {
    #[default]
    None,
    /// Loads are errors.
    Loads,
    /// Swaps are errors, and not made.
    Swaps,
    /// Swaps are refused.
    Conflicts,
    /// Swaps do not end.
    Hangs,
}

/// A store, and the place where slow digests run, that write down what happens.
#[derive(Clone, Default)]
struct Watched {
    store: MemoryStore,
    events: Arc<Mutex<Vec<Event>>>,
    trouble: Arc<Mutex<Trouble>>,
}

impl Watched {
    fn set(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }

    fn has(&self, trouble: Trouble) -> bool {
        *self.trouble.lock().unwrap() == trouble
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
        if self.has(Trouble::Loads) {
            return Err(io::Error::other("no load"));
        }
        Ok(self.stored(account))
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, io::Error> {
        poll_fn(|_| match self.has(Trouble::Hangs) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        if self.has(Trouble::Swaps) {
            return Err(io::Error::other("no swap"));
        }
        if self.has(Trouble::Conflicts) {
            return Ok(WriteResult::Stale);
        }
        let Ok(swapped) = Store::compare_and_swap(&self.store, account, swap).await;
        if swapped == WriteResult::Done {
            self.log(Event::Done(swap.kind()));
        }
        Ok(swapped)
    }
}

impl HashExecutor for Watched {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        self.log(Event::Digest);
        InlineExecutor.run(job)
    }
}

/// The same world with a verifier that is set up otherwise.
fn set_up<S: Store + Clone>(
    world: World<S>,
    with: impl FnOnce(VerifierBuilder<S>) -> VerifierBuilder<S>,
) -> World<S> {
    let keyring = Keyring::new(KeyId::new(1), world.key.clone());
    let builder = Verifier::builder(world.verifier.store().clone(), keyring, "Example")
        .policy(world.verifier.policy().clone())
        .clock(world.clock.clone());
    World {
        verifier: with(builder).build().unwrap(),
        ..world
    }
}

fn watched() -> (World<Watched>, Phone) {
    let store = Watched::default();
    let world = World::with_store(store.clone(), policy().build().unwrap());
    let world = set_up(world, |builder| builder.hash_executor(store.clone()));
    let phone = world.enroll();
    (world, phone)
}

#[test]
fn invariant_3_nothing_is_answered_before_its_write_has_ended() {
    let (world, phone) = watched();
    let store = world.verifier.store();
    for (code, accepted) in [(world.now(&phone), true), (world.wrong(&phone), false)] {
        let before = store.stored(&world.alice);
        store.set(Trouble::Hangs);
        let mut attempt = pin!(world.verifier.verify(&world.alice, &code));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(attempt.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(store.stored(&world.alice), before);
        store.set(Trouble::None);
        let Poll::Ready(outcome) = attempt.as_mut().poll(&mut context) else {
            panic!("nothing is in its way any more");
        };
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
        assert_ne!(store.stored(&world.alice), before);
    }
}

#[test]
fn invariant_3_a_digest_is_computed_only_after_its_failure_is_stored() {
    let (world, phone) = watched();
    let codes = world.issue(&phone);
    let wrong = (0..)
        .map(|n: u32| format!("{n:08}"))
        .find(|code| !codes.iter().any(|known| known.replace(' ', "") == *code))
        .unwrap();
    let store = world.verifier.store();
    store.events();
    let reserved = [Event::Done(WriteKind::Reserved), Event::Digest];

    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    assert_eq!(store.events(), reserved);

    let _receipt = world.verify(&codes[0]).unwrap();
    let settled = [&reserved[..], &[Event::Done(WriteKind::Accepted)]].concat();
    assert_eq!(store.events(), settled);

    for trouble in [Trouble::Loads, Trouble::Swaps, Trouble::Conflicts] {
        store.set(trouble);
        for code in [&wrong, &codes[1]] {
            assert!(matches!(world.verify(code), Err(Denied::Failed(_))));
        }
        assert_eq!(store.events(), [], "no digest without a stored failure");
    }
}

#[test]
fn invariant_9_proof_and_change_are_one_swap() {
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
            block_on(world.verifier.disable(&world.alice, proof))
        }),
    ];
    for (kind, call) in calls {
        let (world, phone) = watched();
        let codes = world.issue(&phone);
        world.clock.advance(STEP);
        let store = world.verifier.store();
        let (passcode, status) = (world.now(&phone), world.status());
        store.events();

        // A swap that is not made spends nothing and changes nothing.
        for trouble in [Trouble::Swaps, Trouble::Conflicts] {
            store.set(trouble);
            for proof in [&passcode, &codes[0]] {
                let outcome = call_failed(call(&world, Proof::Code(proof)));
                assert!(outcome, "{kind:?}");
            }
            store.set(Trouble::None);
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
fn invariant_9_a_backup_code_and_its_change_are_settled_in_one_swap() {
    let (world, phone) = watched();
    let codes = world.issue(&phone);
    world.verifier.store().events();
    let proof = Proof::Code(&codes[0]);
    block_on(world.verifier.disable(&world.alice, proof)).unwrap();
    let expected = [
        Event::Done(WriteKind::Reserved),
        Event::Digest,
        Event::Done(WriteKind::Disabled),
    ];
    assert_eq!(world.verifier.store().events(), expected);
}

#[test]
fn invariant_11_no_call_succeeds_on_a_store_that_fails() {
    let (world, phone) = watched();
    let receipt = world.log_in(&phone);
    let proof = world.reauthenticated(&receipt);
    let request = || EnrollmentRequest::new("alice");
    let pending = world.begin(request(), proof.clone()).unwrap();
    world.clock.advance(STEP);
    let (verifier, alice) = (&world.verifier, &world.alice);
    let id = world.authenticators()[0];
    let failed = |denied: Denied| match denied {
        Denied::Failed(error) => error,
        other => panic!("{other:?}"),
    };
    let before = verifier.store().stored(alice);
    for trouble in [Trouble::Loads, Trouble::Swaps, Trouble::Conflicts] {
        verifier.store().set(trouble);
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
            block_on(verifier.remove_authenticator(alice, id, proof.clone())).map(|_| ()),
            block_on(verifier.disable(alice, proof.clone())),
            block_on(verifier.force_disable(alice)),
            block_on(verifier.erase(alice)).map_err(Denied::Failed),
        ];
        for (place, outcome) in writes.into_iter().enumerate() {
            let error = failed(outcome.expect_err("nothing was written"));
            let expected = match trouble {
                Trouble::Loads => matches!(error, VerifierError::Store(_)),
                Trouble::Swaps => matches!(error, VerifierError::Unsettled(Some(_))),
                _ => matches!(error, VerifierError::Contended),
            };
            assert!(expected, "call {place}: {error:?}");
        }
        verifier.store().set(Trouble::None);
        assert_eq!(verifier.store().stored(alice), before);
    }
    verifier.store().set(Trouble::Loads);
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
    verifier.store().set(Trouble::None);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn invariant_5_an_enrollment_is_read_and_confirmed_by_its_own_account_only() {
    let world = World::new();
    let begin = |account: &AccountId| {
        let request = EnrollmentRequest::new("alice");
        let begun = world
            .verifier
            .begin_enrollment(account, request, world.password());
        block_on(begun).unwrap()
    };
    let enrollment = begin(&world.alice);
    let passcode = world.now(&scan(&enrollment));
    let bob = AccountId::new("bob").unwrap();
    let attempts = || {
        let id = enrollment.id();
        let read = block_on(world.verifier.pending_enrollment(&bob, id));
        let confirmed = block_on(world.verifier.confirm_enrollment(&bob, id, &passcode));
        [rejection(read), rejection(confirmed)]
    };
    assert_eq!(attempts(), [Rejection::NoEnrollment; 2], "no record");
    begin(&bob);
    assert_eq!(attempts(), [Rejection::EnrollmentSuperseded; 2]);
    let _receipt = world.confirm(&enrollment, &passcode).unwrap();
}

/// The operating system's, which keeps what it gave, and fails when it is told.
#[derive(Clone, Default)]
struct Source {
    given: Arc<Mutex<Vec<Vec<u8>>>>,
    fails: Arc<AtomicBool>,
}

impl RandomSource for Source {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(RandomError::new());
        }
        SystemRandom.fill(buffer)?;
        self.given.lock().unwrap().push(buffer.to_vec());
        Ok(())
    }
}

#[test]
fn invariant_6_a_secret_is_drawn_as_bytes_of_the_length_of_its_hash() {
    for (algorithm, bytes) in [
        (Algorithm::Sha1, 20),
        (Algorithm::Sha256, 32),
        (Algorithm::Sha512, 64),
    ] {
        let source = Source::default();
        let world = World::with_policy(policy().algorithm(algorithm).build().unwrap());
        let world = set_up(world, |builder| builder.random(source.clone()));
        let secrets = [(), ()].map(|()| {
            let request = EnrollmentRequest::new("alice");
            let enrollment = world.begin(request, world.password()).unwrap();
            let secret = enrollment.key_uri().secret().expose().to_vec();
            assert_eq!(secret.len(), bytes, "{algorithm}");
            let given = source.given.lock().unwrap();
            assert!(given.contains(&secret), "{algorithm}: drawn in one piece");
            secret
        });
        assert_ne!(secrets[0], secrets[1]);
    }
}

#[test]
fn invariant_6_nothing_is_done_without_random_bytes() {
    let (world, phone) = watched();
    let source = Source::default();
    let world = set_up(world, |builder| builder.random(source.clone()));
    let receipt = world.log_in(&phone);
    let proof = world.reauthenticated(&receipt);
    let request = || EnrollmentRequest::new("alice");
    let pending = world.begin(request(), proof.clone()).unwrap();
    world.clock.advance(STEP);
    let (verifier, alice) = (&world.verifier, &world.alice);
    let before = verifier.store().stored(alice);

    source.fails.store(true, Ordering::SeqCst);
    let outcomes = [
        world.verify(&world.now(&phone)).map(drop),
        world.verify(&world.wrong(&phone)).map(drop),
        world.begin(request(), proof.clone()).map(drop),
        world
            .confirm(&pending, &world.now(&scan(&pending)))
            .map(drop),
        block_on(verifier.issue_backup_codes(alice, proof.clone())).map(drop),
        block_on(verifier.disable(alice, proof)),
        block_on(verifier.erase(alice)).map_err(Denied::Failed),
    ];
    for (place, outcome) in outcomes.into_iter().enumerate() {
        assert!(
            matches!(outcome, Err(Denied::Failed(VerifierError::Random(_)))),
            "call {place}: {outcome:?}"
        );
    }
    assert_eq!(verifier.store().stored(alice), before);
    assert!(matches!(world.status(), Status::Enabled(_)));

    source.fails.store(false, Ordering::SeqCst);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}
