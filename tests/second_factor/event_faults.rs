//! Events under faults: exactly once in an outbox, and at most once in `on_event`. Each write is
//! sent twice, and answers are lost.

use crate::events::told;
use crate::world::{DAY, World};
use countersign::conformance::{Fault, Faults, Faulty};
use countersign::event::Event;
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::testing::{Phone, block_on};
use countersign::{AccountId, Denied, VerifierError};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// A store with an outbox table. The record and the event are one transaction.
#[derive(Clone, Default)]
struct Outbox {
    records: MemoryStore,
    rows: Arc<Mutex<BTreeMap<(AccountId, i64), Event<'static>>>>,
}

impl Store for Outbox {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Store::load(&self.records, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut rows = self.rows.lock().unwrap();
        let result = block_on(Store::compare_and_swap(&self.records, account, write))?;
        if let (WriteResult::Done, Some(event)) = (result, write.event()) {
            let id = (account.clone(), write.revision().as_i64());
            assert_eq!(
                (&*event.account, event.revision),
                (account, write.revision())
            );
            let before = rows.insert(id, event.clone().into_owned());
            assert_eq!(before, None, "an event has its own id");
        }
        Ok(result)
    }
}

/// What a call did: accepted, rejected, or an unknown effect.
fn ends(outcome: Result<(), Denied>) -> &'static str {
    match outcome {
        Ok(()) => "accepted",
        Err(Denied::Rejected(_) | Denied::Repeated(_)) => "rejected",
        Err(Denied::Failed(VerifierError::Unsettled(_))) => "unsettled",
        Err(Denied::Failed(_)) => "failed",
    }
}

fn sign_in_and_fail(world: &World<Faulty<Outbox>>, phone: &Phone) -> Vec<&'static str> {
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        world.clock.advance(DAY);
        outcomes.push(ends(world.verify(&world.now(phone)).map(drop)));
        outcomes.push(ends(world.verify(&world.wrong(phone)).map(drop)));
    }
    outcomes
}

/// Each write is sent twice, or its answer is lost, or both in turn.
#[test]
fn an_outbox_has_each_event_exactly_once() {
    for faults in [
        vec![Fault::Duplicate],
        vec![Fault::FailAfter],
        vec![Fault::Duplicate, Fault::FailAfter],
    ] {
        let turn = Mutex::new(0_usize);
        let outbox = Outbox::default();
        let plan = faults.clone();
        // A lost answer, then the answer to the write that is sent again.
        let choose = move |possible: &[Fault]| {
            let mut turn = turn.lock().unwrap();
            *turn += 1;
            let fault = plan[(*turn / 2) % plan.len()];
            (*turn % 2 == 1 && possible.contains(&fault)).then_some(fault)
        };
        let told = told(outbox.clone());
        let phone = told.world.enroll();
        let faulty = Faulty::chosen_by(outbox.clone(), Faults::of(&faults), choose);
        let listener = Arc::clone(&told.events);
        let keyring = crate::world::keyring(1, &told.world.key);
        let world = told.world.service(faulty, keyring, |builder| {
            builder.on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
        });
        let outcomes = sign_in_and_fail(&world, &phone);
        assert_eq!(outcomes, ["accepted", "rejected"].repeat(4), "{faults:?}");
        let injected = faults
            .iter()
            .map(|one| world.verifier.store().injected(*one));
        assert!(injected.sum::<u64>() > 3, "{faults:?}");

        let rows = outbox.rows.lock().unwrap();
        let mut events = told.take();
        assert_eq!(events.len(), 2 + 8, "{faults:?}");
        events.sort_by_key(|event| event.revision.as_i64());
        assert!(events.iter().eq(rows.values()), "{faults:?}");
    }
}

/// Under every kind of fault, the outbox has one event for each stored write, and `on_event` tells
/// some of them, none twice.
#[test]
fn on_event_tells_no_event_twice() {
    let mut told_fewer = 0;
    for seed in 0..60 {
        let outbox = Outbox::default();
        let told = told(outbox.clone());
        let phone = told.world.enroll();
        let faulty = Faulty::seeded(outbox.clone(), Faults::all().one_in(3), seed);
        let listener = Arc::clone(&told.events);
        let keyring = crate::world::keyring(1, &told.world.key);
        let world = told.world.service(faulty, keyring, |builder| {
            builder.on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
        });
        sign_in_and_fail(&world, &phone);
        block_on(world.verifier.store().land_all());

        let rows = outbox.rows.lock().unwrap();
        let events = told.take();
        let mut ids: Vec<_> = events.iter().map(|event| event.revision.as_i64()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "seed {seed}");
        for event in &events {
            let id = ((*event.account).clone(), event.revision.as_i64());
            assert_eq!(
                rows.get(&id),
                Some(event),
                "seed {seed}: told, but not stored"
            );
        }
        assert!(count <= rows.len());
        told_fewer += usize::from(count < rows.len());
    }
    assert!(
        told_fewer > 5,
        "only {told_fewer} seeds lost an answer for good"
    );
}

#[test]
fn an_unsettled_write_is_not_told() {
    let outbox = Outbox::default();
    let told = told(outbox.clone());
    let phone = told.world.enroll();
    told.take();
    let lost = Faulty::chosen_by(
        outbox.clone(),
        Faults::of(&[Fault::FailAfter]),
        |possible| {
            possible
                .contains(&Fault::FailAfter)
                .then_some(Fault::FailAfter)
        },
    );
    let listener = Arc::clone(&told.events);
    let keyring = crate::world::keyring(1, &told.world.key);
    let world = told.world.service(lost, keyring, |builder| {
        builder.on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
    });
    let outcome = ends(world.verify(&world.now(&phone)).map(drop));
    assert_eq!((outcome, told.take().len()), ("unsettled", 0));
    assert_eq!(
        outbox.rows.lock().unwrap().len(),
        3,
        "but the outbox has it"
    );
}
