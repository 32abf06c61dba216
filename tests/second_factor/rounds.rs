//! How often an exchange is tried, and what the last round still finds out.

use crate::world::{STEP, World, policy, rejection};
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::testing::{Phone, block_on};
use countersign::{AccountId, Denied, Rejection, Status, VerifierError};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// How often a swap is tried before [`VerifierError::Contended`] (DESIGN, "An attempt", 5).
const ROUNDS: usize = 32;

/// What the store does with the swaps that are to come.
#[derive(Clone, Copy, Default)]
struct Plan {
    /// So many are refused.
    refused: usize,
    /// The next one is then made, and refused all the same.
    then_lands_unseen: bool,
    loads: usize,
    swaps: usize,
}

#[derive(Clone, Default)]
struct Busy(MemoryStore, Arc<Mutex<Plan>>);

impl Busy {
    fn plan(&self, refused: usize, then_lands_unseen: bool) {
        *self.1.lock().unwrap() = Plan {
            refused,
            then_lands_unseen,
            ..Plan::default()
        };
    }

    /// The loads and swaps since [`plan`](Self::plan).
    fn calls(&self) -> (usize, usize) {
        let plan = self.1.lock().unwrap();
        (plan.loads, plan.swaps)
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
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let lands_unseen = {
            let mut plan = self.1.lock().unwrap();
            plan.swaps += 1;
            if plan.refused > 0 {
                plan.refused -= 1;
                return Ok(WriteResult::Stale);
            }
            std::mem::take(&mut plan.then_lands_unseen)
        };
        let swapped = Store::compare_and_swap(&self.0, account, swap).await;
        if lands_unseen {
            return Ok(WriteResult::Stale);
        }
        swapped
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
fn a_swap_is_tried_32_times_and_not_once_more() {
    let (world, phone) = busy();
    let store = world.verifier.store();

    store.plan(ROUNDS - 1, false);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(store.calls(), (ROUNDS, ROUNDS));

    world.clock.advance(STEP);
    store.plan(usize::MAX, false);
    contended(world.verify(&world.now(&phone)));
    // The last load asks the history whether the last swap had landed.
    assert_eq!(store.calls(), (ROUNDS + 1, ROUNDS));

    store.plan(usize::MAX, false);
    contended(world.verify(&world.wrong(&phone)));
    assert_eq!(store.calls().1, ROUNDS);
}

#[test]
fn an_erasure_is_tried_32_times_and_not_once_more() {
    let (world, _) = busy();
    let store = world.verifier.store();
    store.plan(usize::MAX, false);
    let erased = block_on(world.verifier.erase(&world.alice));
    assert!(
        matches!(erased, Err(VerifierError::Contended)),
        "{erased:?}"
    );
    assert_eq!(store.calls().1, ROUNDS);

    store.plan(ROUNDS - 1, false);
    block_on(world.verifier.erase(&world.alice)).unwrap();
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn a_write_that_landed_unseen_in_the_last_round_is_found() {
    for refused in [0, 1, ROUNDS - 2, ROUNDS - 1] {
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
fn a_failure_that_landed_unseen_in_the_last_round_is_counted_once() {
    let (world, phone) = busy();
    let store = world.verifier.store();
    for _ in 0..5 {
        store.plan(ROUNDS - 1, true);
        let outcome = world.verify(&world.wrong(&phone));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    let retry_after = rejection(world.verify(&world.now(&phone))).retry_after();
    assert_eq!(retry_after, Some(STEP), "the wait of five failures");
}
