//! Conflicts with other writers: how often the verifier tries a write, and what it finds after the
//! last try.

use crate::world::{STEP, World, policy, rejection, staff};
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::testing::{Phone, block_on};
use countersign::{AccountId, Denied, Rejection, Status, VerifierError};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// The verifier tries a write this often before it returns [`VerifierError::Contended`].
const TRIES: usize = 32;

/// How the store answers the next conditional writes.
#[derive(Clone, Copy, Default)]
struct Plan {
    /// The store refuses this many writes.
    refused: usize,
    /// The store makes the next write, but answers that this write is stale.
    then_hide_success: bool,
    loads: usize,
    writes: usize,
}

#[derive(Clone, Default)]
struct Busy(MemoryStore, Arc<Mutex<Plan>>);

impl Busy {
    fn plan(&self, refused: usize, then_hide_success: bool) {
        *self.1.lock().unwrap() = Plan {
            refused,
            then_hide_success,
            ..Plan::default()
        };
    }

    /// The loads and writes since [`plan`](Self::plan).
    fn calls(&self) -> (usize, usize) {
        let plan = self.1.lock().unwrap();
        (plan.loads, plan.writes)
    }
}

impl Store for Busy {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        self.1.lock().unwrap().loads += 1;
        Store::load(&self.0, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let hide_success = {
            let mut plan = self.1.lock().unwrap();
            plan.writes += 1;
            if plan.refused > 0 {
                plan.refused -= 1;
                return Ok(WriteResult::Stale);
            }
            std::mem::take(&mut plan.then_hide_success)
        };
        let result = Store::compare_and_swap(&self.0, account, write).await;
        if hide_success {
            return Ok(WriteResult::Stale);
        }
        result
    }
}

fn busy() -> (World<Busy>, Phone) {
    let world = World::with_store(Busy::default(), policy().build().unwrap());
    let phone = world.enroll();
    (world, phone)
}

fn contended<T: std::fmt::Debug>(outcome: Result<T, Denied>) {
    match outcome {
        Err(Denied::Failed(VerifierError::Contended)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_write_is_tried_at_most_32_times() {
    let (world, phone) = busy();
    let store = world.verifier.store();

    store.plan(TRIES - 1, false);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(store.calls(), (TRIES, TRIES));

    world.clock.advance(STEP);
    store.plan(usize::MAX, false);
    contended(world.verify(&world.now(&phone)));
    // The last load shows the history, which says whether the last write was made.
    assert_eq!(store.calls(), (TRIES + 1, TRIES));

    store.plan(usize::MAX, false);
    contended(world.verify(&world.wrong(&phone)));
    assert_eq!(store.calls().1, TRIES);
}

#[test]
fn an_erasure_is_tried_at_most_32_times() {
    let (world, _) = busy();
    let store = world.verifier.store();
    store.plan(usize::MAX, false);
    let erased = block_on(world.verifier.erase(&world.alice, &staff()));
    assert!(
        matches!(erased, Err(VerifierError::Contended)),
        "{erased:?}"
    );
    assert_eq!(store.calls().1, TRIES);

    store.plan(TRIES - 1, false);
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn a_successful_write_reported_stale_is_found() {
    for refused in [0, 1, TRIES - 2, TRIES - 1] {
        let (world, phone) = busy();
        let store = world.verifier.store();
        store.plan(refused, true);
        let passcode = world.now(&phone);
        let accepted = world.verify(&passcode);
        assert!(accepted.is_ok(), "after {refused}: {accepted:?}");
        assert_eq!(store.calls(), (refused + 2, refused + 1));
        assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    }
}

#[test]
fn a_failure_reported_stale_is_counted_once() {
    let (world, phone) = busy();
    let store = world.verifier.store();
    for _ in 0..5 {
        store.plan(TRIES - 1, true);
        let outcome = world.verify(&world.wrong(&phone));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    let retry_after = rejection(world.verify(&world.now(&phone))).retry_after();
    assert_eq!(retry_after, Some(STEP), "the back-off after five failures");
}

#[test]
fn conflicts_without_end_use_up_no_passcode() {
    let (world, phone) = busy();
    let store = world.verifier.store();
    store.plan(usize::MAX, false);
    contended(world.verify(&world.now(&phone)));
    store.plan(0, false);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}
