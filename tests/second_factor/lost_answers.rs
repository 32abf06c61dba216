//! Stores that fail or lose their answers (invariants 3 and 11).

use crate::world::{STEP, World, policy, rejection, scan, staff};
use countersign::store::{
    ConditionalWrite, MemoryStore, Store, StoredRecord, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{
    AccountId, Denied, EnrollmentRequest, Proof, Rejection, ServerClock, Status, VerifierError,
};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What the store does with one write.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The store makes the write and answers.
    None,
    /// The store returns an error without a write.
    Before,
    /// Another client writes first. The store returns an error without a write.
    BeforeOthers,
    /// The store makes the write, but returns an error.
    After,
    /// The driver sends the write twice and returns the second answer.
    Twice,
    /// As `Twice`, but other clients write between the two sends.
    TwiceAroundOthers,
}

type OtherClient = Box<dyn FnMut() + Send>;

#[derive(Clone, Default)]
struct Faulty {
    store: MemoryStore,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    writes: Arc<Mutex<Vec<WriteKind>>>,
    /// How many loads succeed before one fails.
    loads: Arc<Mutex<Option<usize>>>,
    /// A write of another client, made during the faulty write.
    other_client: Arc<Mutex<Option<OtherClient>>>,
}

impl Faulty {
    fn plan(&self, faults: &[Fault]) {
        *self.faults.lock().unwrap() = faults.iter().copied().collect();
    }

    fn kinds(&self) -> Vec<WriteKind> {
        std::mem::take(&mut *self.writes.lock().unwrap())
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, std::io::Error> {
        let fault = self
            .faults
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Fault::None);
        self.writes.lock().unwrap().push(write.kind());
        let lost = || Err(std::io::Error::other("the answer is lost"));
        let run_other_client = || {
            if let Some(mut other_client) = self.other_client.lock().unwrap().take() {
                other_client();
            }
        };
        match fault {
            Fault::Before => return lost(),
            Fault::BeforeOthers => {
                run_other_client();
                return lost();
            }
            Fault::None | Fault::After | Fault::Twice | Fault::TwiceAroundOthers => {}
        }
        let Ok(result) = Store::compare_and_swap(&self.store, account, write).await;
        run_other_client();
        match fault {
            Fault::After => lost(),
            Fault::Twice | Fault::TwiceAroundOthers => {
                let Ok(again) = Store::compare_and_swap(&self.store, account, write).await;
                Ok(again)
            }
            _ => Ok(result),
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
fn a_write_that_failed_is_sent_again() {
    let (world, phone) = faulty();
    world.verifier.store().plan(&[Fault::Before]);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(world.verifier.store().kinds(), [WriteKind::Accepted; 2]);
}

#[test]
fn a_write_with_a_lost_answer_is_found() {
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
fn three_lost_answers_leave_the_effect_unknown() {
    for lost in [[Fault::Before; 3], [Fault::After; 3]] {
        let (world, phone) = faulty();
        world.verifier.store().plan(&lost);
        unsettled(world.verify(&world.now(&phone)));
    }
}

#[test]
fn a_failed_reload_leaves_the_effect_unknown() {
    // The store makes the write. The second send is stale, and the load after it fails.
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
fn a_failed_first_load_is_a_store_error() {
    let (world, phone) = faulty();
    *world.verifier.store().loads.lock().unwrap() = Some(0);
    let outcome = world.verify(&world.now(&phone));
    assert!(
        matches!(outcome, Err(Denied::Failed(VerifierError::Store(_)))),
        "{outcome:?}"
    );
}

#[test]
fn an_unknown_effect_reveals_nothing_about_the_code() {
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
fn a_failure_with_a_lost_answer_is_counted() {
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
fn a_write_sent_twice_counts_once() {
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
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(world.status(), Status::Absent);
}

/// Other clients write this often during the next faulty write.
fn let_others_write(world: &World<Faulty>, times: usize) {
    let store = world.verifier.store().clone();
    let other = world.verifier.with_store(store.store.clone());
    let alice = world.alice.clone();
    *store.other_client.lock().unwrap() = Some(Box::new(move || {
        for _ in 0..times {
            block_on(other.unlock(&alice, ServerClock::Unconfirmed, &staff())).unwrap();
        }
    }));
}

#[test]
fn a_write_under_seven_later_writes_is_found() {
    let (world, phone) = faulty();
    let_others_write(&world, 7);
    world.verifier.store().plan(&[Fault::After]);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn a_write_under_eight_later_writes_is_unknown() {
    let (world, phone) = faulty();
    let_others_write(&world, 8);
    world.verifier.store().plan(&[Fault::After]);
    unsettled(world.verify(&world.now(&phone)));
}

/// A driver sends a write again after eight writes of other clients, and reports `Stale`.
#[test]
fn a_rejection_by_our_own_write_is_unsettled() {
    type Call = fn(&World<Faulty>, &str) -> Result<(), Denied>;
    let calls: [(&str, Call); 3] = [
        ("verify", |world, passcode| world.verify(passcode).map(drop)),
        ("disable", |world, passcode| {
            block_on(world.verifier.disable(&world.alice, Proof::Code(passcode))).map(drop)
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
        let_others_write(&world, 8);
        world.verifier.store().plan(&[Fault::TwiceAroundOthers]);
        match call(&world, &passcode) {
            Err(Denied::Failed(VerifierError::Unsettled(_))) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_confirmation_reported_stale_is_unsettled() {
    let world = World::with_store(Faulty::default(), policy().build().unwrap());
    let enrollment = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let passcode = world.now(&scan(&enrollment));
    let_others_write(&world, 8);
    world.verifier.store().plan(&[Fault::TwiceAroundOthers]);
    unsettled(world.confirm(&enrollment, &passcode));
}

#[test]
fn a_wrong_code_reported_stale_is_checked_again() {
    let (world, phone) = faulty();
    let_others_write(&world, 8);
    world.verifier.store().plan(&[Fault::TwiceAroundOthers]);
    assert_eq!(
        rejection(world.verify(&world.wrong(&phone))),
        Rejection::WrongCode
    );
}

#[test]
fn an_overtaken_write_is_checked_again() {
    let (world, phone) = faulty();
    let store = world.verifier.store().clone();
    let other = world.verifier.with_store(store.store.clone());
    let (alice, passcode) = (world.alice.clone(), world.now(&phone));
    // The first send fails. Another client logs in with the same passcode, so the second send is
    // stale.
    let same = passcode.clone();
    *store.other_client.lock().unwrap() = Some(Box::new(move || {
        drop(block_on(other.verify(&alice, &same)).unwrap());
    }));
    store.plan(&[Fault::BeforeOthers]);
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
}

#[test]
fn a_creation_with_a_lost_answer_succeeds() {
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
fn a_backup_code_stays_unused_if_acceptance_fails() {
    let (world, phone) = faulty();
    let codes = world.issue(&phone);
    let store = world.verifier.store();
    store.kinds();
    // The store makes the first write, which counts the attempt. The second write always fails.
    store.plan(&[Fault::None, Fault::Before, Fault::Before, Fault::Before]);
    unsettled(world.verify(&codes[0]));
    assert_eq!(
        store.kinds()[..2],
        [WriteKind::Reserved, WriteKind::Accepted]
    );
    assert_eq!(world.codes_left(), 10, "the code is unused");
    let _receipt = world.verify(&codes[0]).unwrap();
}

#[test]
fn a_right_backup_code_needs_a_second_write() {
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
