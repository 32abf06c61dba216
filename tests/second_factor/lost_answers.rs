//! What a store that fails, or loses its answers, can and cannot bring about.

use crate::world::{STEP, World, policy, rejection, scan};
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{
    AccountId, Denied, EnrollmentRequest, Proof, Rejection, ServerClock, Status, VerifierError,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What becomes of one swap.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It is made, and answered.
    None,
    /// It is not made, and an error is answered.
    Before,
    /// Somebody else writes first, and an error is answered.
    BeforeOthers,
    /// It is made, and an error is answered.
    After,
    /// It is made twice, as a driver does that sends again, and the second answer is given.
    Twice,
    /// The same, and others write in between.
    TwiceAroundOthers,
}

type Interloper = Box<dyn FnMut() + Send>;

#[derive(Clone, Default)]
struct Faulty {
    store: MemoryStore,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    swaps: Arc<Mutex<Vec<WriteKind>>>,
    /// The number of loads that are answered before one fails.
    loads: Arc<Mutex<Option<usize>>>,
    /// A write of somebody else, made when an answer is lost.
    interloper: Arc<Mutex<Option<Interloper>>>,
}

impl Faulty {
    fn plan(&self, faults: &[Fault]) {
        *self.faults.lock().unwrap() = faults.iter().copied().collect();
    }

    fn kinds(&self) -> Vec<WriteKind> {
        std::mem::take(&mut *self.swaps.lock().unwrap())
    }
}

impl Store for Faulty {
    type Error = std::io::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, std::io::Error> {
        match &mut *self.loads.lock().unwrap() {
            Some(0) => return Err(std::io::Error::other("the load failed")),
            Some(loads) => *loads -= 1,
            None => {}
        }
        let Ok(stored) = Store::load(&self.store, account).await;
        Ok(stored)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, std::io::Error> {
        let fault = self
            .faults
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Fault::None);
        self.swaps.lock().unwrap().push(swap.kind());
        let lost = || Err(std::io::Error::other("the answer is lost"));
        let let_others = || {
            if let Some(mut interloper) = self.interloper.lock().unwrap().take() {
                interloper();
            }
        };
        match fault {
            Fault::Before => return lost(),
            Fault::BeforeOthers => {
                let_others();
                return lost();
            }
            Fault::None | Fault::After | Fault::Twice | Fault::TwiceAroundOthers => {}
        }
        let Ok(swapped) = Store::compare_and_swap(&self.store, account, swap).await;
        let_others();
        match fault {
            Fault::After => lost(),
            Fault::Twice | Fault::TwiceAroundOthers => {
                let Ok(again) = Store::compare_and_swap(&self.store, account, swap).await;
                Ok(again)
            }
            _ => Ok(swapped),
        }
    }
}

fn faulty() -> (World<Faulty>, countersign::testing::Phone) {
    let world = World::with_store(Faulty::default(), policy().build().unwrap());
    let phone = world.enroll();
    world.verifier.store().kinds();
    (world, phone)
}

fn unsettled<T: std::fmt::Debug>(outcome: Result<T, Denied>) {
    match outcome {
        Err(Denied::Failed(VerifierError::Unsettled(_))) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lost_answer_is_settled_when_the_write_did_not_land() {
    let (world, phone) = faulty();
    world.verifier.store().plan(&[Fault::Before]);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(world.verifier.store().kinds(), [WriteKind::Accepted; 2]);
}

#[test]
fn a_lost_answer_is_settled_when_the_write_did_land() {
    for lost in [
        &[Fault::After][..],
        &[Fault::After, Fault::Before],
        &[Fault::Before, Fault::After],
    ] {
        let (world, phone) = faulty();
        world.verifier.store().plan(lost);
        let passcode = world.now(&phone);
        let _receipt = world.verify(&passcode).unwrap();
        assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    }
}

#[test]
fn invariant_11_after_three_lost_answers_the_effect_is_unknown_and_nobody_is_let_in() {
    for lost in [[Fault::Before; 3], [Fault::After; 3]] {
        let (world, phone) = faulty();
        world.verifier.store().plan(&lost);
        unsettled(world.verify(&world.now(&phone)));
    }
}

#[test]
fn a_load_that_fails_while_a_lost_answer_is_settled_leaves_the_effect_unknown() {
    // The write lands, what is sent again is stale, and why cannot be read.
    let (world, phone) = faulty();
    let store = world.verifier.store();
    store.plan(&[Fault::After]);
    *store.loads.lock().unwrap() = Some(1);
    let passcode = world.now(&phone);
    unsettled(world.verify(&passcode));
    *store.loads.lock().unwrap() = None;
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
}

#[test]
fn a_load_that_fails_before_anything_was_sent_is_a_failure_of_the_store() {
    let (world, phone) = faulty();
    *world.verifier.store().loads.lock().unwrap() = Some(0);
    let outcome = world.verify(&world.now(&phone));
    assert!(
        matches!(outcome, Err(Denied::Failed(VerifierError::Store(_)))),
        "{outcome:?}"
    );
}

#[test]
fn invariant_3_an_unknown_effect_is_the_same_error_for_a_right_and_a_wrong_passcode() {
    let (world, phone) = faulty();
    let text =
        |outcome: Result<_, Denied>| format!("{:?}", outcome.map(|_: countersign::Receipt| ()));
    let store = world.verifier.store();
    store.plan(&[Fault::Before; 3]);
    let wrong = text(world.verify(&world.wrong(&phone)));
    store.plan(&[Fault::Before; 3]);
    assert_eq!(text(world.verify(&world.now(&phone))), wrong);
}

#[test]
fn invariant_3_a_failure_whose_answer_is_lost_is_on_record_before_it_is_told() {
    let (world, phone) = faulty();
    for _ in 0..5 {
        world.verifier.store().plan(&[Fault::After]);
        assert_eq!(
            rejection(world.verify(&world.wrong(&phone))),
            Rejection::WrongCode
        );
    }
    assert!(matches!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::Waiting { .. }
    ));
}

#[test]
fn a_driver_that_sends_twice_does_no_harm() {
    let (world, phone) = faulty();
    let codes = world.issue(&phone);
    let store = world.verifier.store();
    world.clock.advance(STEP);
    store.plan(&[Fault::Twice]);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    store.plan(&[Fault::Twice; 4]);
    let _receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(world.codes_left(), 9);
    store.plan(&[Fault::Twice]);
    block_on(world.verifier.erase(&world.alice)).unwrap();
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn a_landed_write_that_others_built_upon_is_found_in_the_history() {
    let (world, phone) = faulty();
    let store = world.verifier.store().clone();
    let other = world.verifier.with_store(store.store.clone());
    let alice = world.alice.clone();
    *store.interloper.lock().unwrap() = Some(Box::new(move || {
        for _ in 0..7 {
            block_on(other.unlock(&alice, ServerClock::Unconfirmed)).unwrap();
        }
    }));
    store.plan(&[Fault::After]);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn a_landed_write_that_left_the_history_is_unknown() {
    let (world, phone) = faulty();
    let store = world.verifier.store().clone();
    let other = world.verifier.with_store(store.store.clone());
    let alice = world.alice.clone();
    *store.interloper.lock().unwrap() = Some(Box::new(move || {
        for _ in 0..8 {
            block_on(other.unlock(&alice, ServerClock::Unconfirmed)).unwrap();
        }
    }));
    store.plan(&[Fault::After]);
    unsettled(world.verify(&world.now(&phone)));
}

/// A driver sends a swap again by itself, after eight writes of others, and reports `Stale`.
#[test]
fn a_rejection_that_our_own_landed_write_could_cause_is_unsettled() {
    type Call = fn(&World<Faulty>, &str) -> Result<(), Denied>;
    let calls: [(&str, Call); 3] = [
        ("verify", |world, passcode| world.verify(passcode).map(drop)),
        ("disable", |world, passcode| {
            block_on(world.verifier.disable(&world.alice, Proof::Code(passcode)))
        }),
        ("remove_authenticator", |world, passcode| {
            let (id, proof) = (world.authenticators()[0], Proof::Code(passcode));
            let removed = world.verifier.remove_authenticator(&world.alice, id, proof);
            block_on(removed).map(|_| ())
        }),
    ];
    for (name, call) in calls {
        let (world, phone) = faulty();
        let passcode = world.now(&phone);
        let_others_write_eight_times(&world);
        world.verifier.store().plan(&[Fault::TwiceAroundOthers]);
        match call(&world, &passcode) {
            Err(Denied::Failed(VerifierError::Unsettled(_))) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_confirmation_that_landed_unseen_is_unsettled() {
    let world = World::with_store(Faulty::default(), policy().build().unwrap());
    let enrollment = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let passcode = world.now(&scan(&enrollment));
    let_others_write_eight_times(&world);
    world.verifier.store().plan(&[Fault::TwiceAroundOthers]);
    unsettled(world.confirm(&enrollment, &passcode));
}

#[test]
fn a_wrong_code_that_was_refused_is_judged_again() {
    let (world, phone) = faulty();
    let_others_write_eight_times(&world);
    world.verifier.store().plan(&[Fault::TwiceAroundOthers]);
    assert_eq!(
        rejection(world.verify(&world.wrong(&phone))),
        Rejection::WrongCode
    );
}

fn let_others_write_eight_times(world: &World<Faulty>) {
    let store = world.verifier.store().clone();
    let other = world.verifier.with_store(store.store.clone());
    let alice = world.alice.clone();
    *store.interloper.lock().unwrap() = Some(Box::new(move || {
        for _ in 0..8 {
            block_on(other.unlock(&alice, ServerClock::Unconfirmed)).unwrap();
        }
    }));
}

#[test]
fn a_write_that_was_overtaken_is_judged_again() {
    let (world, phone) = faulty();
    let store = world.verifier.store().clone();
    let other = world.verifier.with_store(store.store.clone());
    let (alice, passcode) = (world.alice.clone(), world.now(&phone));
    // Ours does not land; somebody else logs in with the same passcode; ours, sent again, is stale.
    let same = passcode.clone();
    *store.interloper.lock().unwrap() = Some(Box::new(move || {
        drop(block_on(other.verify(&alice, &same)).unwrap());
    }));
    store.plan(&[Fault::BeforeOthers]);
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
}

#[test]
fn a_lost_creation_is_settled() {
    for fault in [Fault::Before, Fault::After] {
        let world = World::with_store(Faulty::default(), policy().build().unwrap());
        world.verifier.store().plan(&[fault]);
        let enrollment = world
            .begin(EnrollmentRequest::new("alice"), world.password())
            .unwrap();
        let _receipt = world
            .confirm(&enrollment, &world.now(&scan(&enrollment)))
            .unwrap();
    }
}

#[test]
fn a_reserved_failure_stays_when_the_caller_never_comes_back() {
    let (world, phone) = faulty();
    let codes = world.issue(&phone);
    let store = world.verifier.store();
    store.kinds();
    // The reservation lands; the settlement never does.
    store.plan(&[Fault::None, Fault::Before, Fault::Before, Fault::Before]);
    unsettled(world.verify(&codes[0]));
    assert_eq!(
        store.kinds()[..2],
        [WriteKind::Reserved, WriteKind::Accepted]
    );
    assert_eq!(world.codes_left(), 10, "the code is unburnt");
    let _receipt = world.verify(&codes[0]).unwrap();
}

#[test]
fn a_wrong_backup_code_is_written_once_and_a_right_one_twice() {
    let (world, phone) = faulty();
    let codes = world.issue(&phone);
    let store = world.verifier.store();
    store.kinds();
    let wrong = (0..)
        .map(|n: u32| format!("{n:08}"))
        .find(|code| !codes.contains(code))
        .unwrap();
    assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    assert_eq!(store.kinds(), [WriteKind::Reserved]);
    let _receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(store.kinds(), [WriteKind::Reserved, WriteKind::Accepted]);
}

/// Another client is always first.
#[derive(Clone, Default)]
struct Contended(MemoryStore, Arc<Mutex<bool>>);

impl Store for Contended {
    type Error = std::convert::Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        Store::load(&self.0, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        if *self.1.lock().unwrap() {
            return Ok(WriteResult::Stale);
        }
        Store::compare_and_swap(&self.0, account, swap).await
    }
}

#[test]
fn conflicts_without_end_are_an_error_and_burn_nothing() {
    let world = World::with_store(Contended::default(), policy().build().unwrap());
    let phone = world.enroll();
    *world.verifier.store().1.lock().unwrap() = true;
    let outcome = world.verify(&world.now(&phone));
    assert!(
        matches!(outcome, Err(Denied::Failed(VerifierError::Contended))),
        "{outcome:?}"
    );
    *world.verifier.store().1.lock().unwrap() = false;
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}
