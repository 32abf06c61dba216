//! `Faulty`, the store with injected faults: each fault does what its documentation says.
#![cfg(feature = "conformance")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use countersign::conformance::{Fault, Faults, Faulty, InjectedFault};
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, Store, Summary, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{AccountId, KeyId};
use std::sync::{Arc, Mutex};

const SUMMARY: Summary = Summary::new(false, 0, KeyId::new(1));

fn account() -> AccountId {
    AccountId::from(1_u32)
}

fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

fn write(expected: Option<i64>, new: i64) -> ConditionalWrite<'static> {
    let kind = WriteKind::Enrolling;
    ConditionalWrite::put(
        expected.map(revision),
        revision(new),
        b"record",
        kind,
        SUMMARY,
    )
}

/// A store that takes these faults in order: one for each call and one for each late write.
fn planned(faults: &[Option<Fault>]) -> Faulty<MemoryStore> {
    let mut faults = Vec::from(faults).into_iter();
    let faults = Mutex::new(move || faults.next().flatten());
    Faulty::chosen_by(MemoryStore::new(), Faults::all(), move |_| {
        faults.lock().unwrap()()
    })
}

/// Sends a write. Returns the store's answer, or the injected fault.
fn send(store: &Faulty<MemoryStore>, write: ConditionalWrite<'_>) -> Result<WriteResult, Fault> {
    block_on(store.compare_and_swap(&account(), write))
        .map_err(|error| error.downcast::<InjectedFault>().unwrap().fault())
}

fn load(store: &Faulty<MemoryStore>) -> Option<i64> {
    let stored = block_on(store.load(&account())).unwrap();
    stored.map(|stored| stored.revision.as_i64())
}

#[test]
fn without_faults_the_wrapped_store_answers() {
    let store = Faulty::seeded(MemoryStore::new(), Faults::none(), 1);
    assert_eq!(send(&store, write(None, 1)), Ok(WriteResult::Done));
    assert_eq!(send(&store, write(None, 2)), Ok(WriteResult::Stale));
    assert_eq!(send(&store, write(Some(1), 2)), Ok(WriteResult::Done));
    assert_eq!(load(&store), Some(2));
}

#[test]
fn fail_before_writes_nothing() {
    let store = planned(&[Some(Fault::FailBefore)]);
    assert_eq!(send(&store, write(None, 1)), Err(Fault::FailBefore));
    assert_eq!(load(&store), None);
    assert_eq!(store.injected(Fault::FailBefore), 1);
}

#[test]
fn fail_after_has_written() {
    let store = planned(&[Some(Fault::FailAfter)]);
    assert_eq!(send(&store, write(None, 1)), Err(Fault::FailAfter));
    assert_eq!(load(&store), Some(1));
}

#[test]
fn a_late_write_lands_after_a_load() {
    let store = planned(&[
        Some(Fault::LandLate),
        None,
        None,
        None,
        Some(Fault::Landing),
    ]);
    assert_eq!(send(&store, write(None, 1)), Err(Fault::LandLate));
    assert_eq!((load(&store), store.late()), (None, 1));
    assert_eq!((load(&store), store.late()), (Some(1), 0));
    assert_eq!(store.injected(Fault::Landing), 1);
}

#[test]
fn a_late_write_is_compared_on_landing() {
    let store = planned(&[Some(Fault::LandLate)]);
    assert_eq!(send(&store, write(None, 1)), Err(Fault::LandLate));
    assert_eq!(send(&store, write(None, 2)), Ok(WriteResult::Done));
    block_on(store.land_all());
    assert_eq!((load(&store), store.late()), (Some(2), 0));
}

#[test]
fn a_late_erasure_erases() {
    let store = planned(&[None, Some(Fault::LandLate)]);
    assert_eq!(send(&store, write(None, 1)), Ok(WriteResult::Done));
    let erase = ConditionalWrite::erase(revision(1), revision(2), SUMMARY);
    assert_eq!(send(&store, erase), Err(Fault::LandLate));
    assert_eq!(load(&store), Some(1));
    block_on(store.land_all());
    assert_eq!(load(&store), None);
}

#[test]
fn a_duplicate_write_gets_the_second_answer() {
    let store = planned(&[Some(Fault::Duplicate)]);
    assert_eq!(send(&store, write(None, 1)), Ok(WriteResult::Stale));
    assert_eq!(load(&store), Some(1));
}

#[test]
fn a_delayed_call_can_be_dropped() {
    let store = planned(&[None, Some(Fault::Delay), Some(Fault::Delay)]);
    let polls = |write: ConditionalWrite<'static>, polls: usize| {
        let account = account();
        let mut call = pin!(store.compare_and_swap(&account, write));
        let mut context = Context::from_waker(Waker::noop());
        (0..polls)
            .map(|_| call.as_mut().poll(&mut context))
            .any(|poll| matches!(poll, Poll::Ready(_)))
    };
    assert!(!polls(write(None, 1), 1));
    assert_eq!(load(&store), None, "dropped before");
    assert!(!polls(write(None, 1), 4), "two more delays");
    assert_eq!(load(&store), Some(1), "dropped after");
    assert!(polls(write(Some(1), 2), 3));
}

#[test]
fn a_seed_reproduces_its_faults() {
    let faults = |seed| {
        let store = Faulty::seeded(MemoryStore::new(), Faults::all().one_in(2), seed);
        let outcomes = (1..200).map(|number| send(&store, write(None, number)).err());
        (outcomes.collect::<Vec<_>>(), store.seed())
    };
    assert_eq!(faults(7), faults(7));
    assert_ne!(faults(7).0, faults(8).0);
    let (outcomes, seed) = faults(7);
    assert_eq!(seed, Some(7));
    for fault in [Fault::FailBefore, Fault::FailAfter, Fault::LandLate] {
        assert!(outcomes.contains(&Some(fault)), "{fault}");
    }
}

#[test]
fn the_number_of_faults_is_limited() {
    let faults = Faults::of(&[Fault::FailAfter]).one_in(1).at_most(3);
    let store = Faulty::seeded(MemoryStore::new(), faults, 1);
    let failed = (1..100).filter(|number| send(&store, write(None, *number)).is_err());
    assert_eq!(failed.count(), 3);
    assert_eq!(store.injected(Fault::FailAfter), 3);
}

#[test]
fn the_chooser_gets_only_possible_faults() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let faults = Faults::of(&[Fault::FailBefore, Fault::FailAfter]);
    let store = Faulty::chosen_by(MemoryStore::new(), faults, move |possible| {
        log.lock().unwrap().push(possible.to_vec());
        Some(Fault::Duplicate)
    });
    assert_eq!(load(&store), None);
    assert_eq!(send(&store, write(None, 1)), Ok(WriteResult::Done));
    let expected = [
        vec![Fault::FailBefore],
        vec![Fault::FailBefore, Fault::FailAfter],
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
    assert_eq!(store.seed(), None);
}

#[test]
fn debug_shows_seeds_and_errors_name_faults() {
    let store = Faulty::seeded(MemoryStore::new(), Faults::all().one_in(1), 4711);
    let error = (1..).find_map(|number| send(&store, write(None, number)).err());
    assert!(format!("{store:?}").contains("seed: Some(4711)"));
    assert!(error.is_some());
    let error = block_on(planned(&[Some(Fault::FailBefore)]).load(&account())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "injected fault: the call fails, and nothing was done"
    );
}
