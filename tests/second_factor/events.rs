//! Events: one for each write, with what became true.

use crate::world::{DAY, STEP, World, policy, rejection, scan, staff};
use countersign::event::{
    ChangeDirection, ChangeType, CodeSource, CredentialType, Event, EventType, InitiatingEntity,
    Limit,
};
use countersign::factor::EndReason;
use countersign::import::{Import, ImportedAuthenticator};
use countersign::otp::Secret;
use countersign::store::{MemoryStore, Store};
use countersign::testing::block_on;
use countersign::{
    AuthenticatorName, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Rejection, RequestId,
    SealingKey, ServerClock, Status, Timestamp, Verifier,
};
use std::sync::{Arc, Mutex};

pub(crate) type Events = Arc<Mutex<Vec<Event<'static>>>>;

/// A service that notes the events it is told.
pub(crate) struct Told<S> {
    pub(crate) world: World<S>,
    pub(crate) events: Events,
}

pub(crate) fn told<S: Store + Clone>(store: S) -> Told<S> {
    told_under(store, policy().build().unwrap())
}

pub(crate) fn told_under<S: Store + Clone>(store: S, policy: Policy) -> Told<S> {
    let events = Events::default();
    let world = World::with_store(store, policy);
    let listener = Arc::clone(&events);
    let world = world.server(|builder| {
        builder
            .on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
            .keep_ended_authenticators()
    });
    Told { world, events }
}

impl<S> Told<S> {
    /// The events since the last call.
    pub(crate) fn take(&self) -> Vec<Event<'static>> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// The only event since the last call.
    pub(crate) fn only(&self) -> Event<'static> {
        let mut events = self.take();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }
}

fn types(events: &[Event<'_>]) -> Vec<EventType> {
    events.iter().map(|event| event.event_type).collect()
}

#[test]
fn an_enrollment_has_two_events() {
    let told = told(MemoryStore::new());
    let request = EnrollmentRequest::new("alice")
        .authenticator_name(AuthenticatorName::new("work phone").unwrap());
    let enrollment = told.world.begin(request, told.world.password()).unwrap();
    let begun = told.only();
    assert_eq!(begun.event_type, EventType::EnrollmentBegun);
    assert_eq!(begun.initiating_entity, InitiatingEntity::User);
    assert_eq!(begun.event_timestamp, told.world.clock.now());
    assert_eq!(begun.authenticators_left, Some(0));
    assert_eq!(begun.friendly_name.unwrap().as_str(), "work phone");

    let phone = scan(&enrollment);
    assert!(
        told.world
            .confirm(&enrollment, &told.world.wrong(&phone))
            .is_err()
    );
    assert_eq!(told.only().event_type, EventType::EnrollmentRejected);

    let passcode = phone.passcode(told.world.clock.now().saturating_add(30));
    let _receipt = told.world.confirm(&enrollment, &passcode).unwrap();
    let created = told.only();
    let id = told.world.authenticators()[0];
    assert_eq!(created.event_type, EventType::CredentialChange);
    assert_eq!(created.change_type, Some(ChangeType::Create));
    assert_eq!(created.credential_type, Some(CredentialType::App));
    assert_eq!(created.change_direction, Some(ChangeDirection::Increase));
    assert_eq!(created.authenticator, Some(id));
    assert_eq!(created.friendly_name.unwrap().as_str(), "work phone");
    assert_eq!(created.authenticators_left, Some(1));
    assert_eq!(created.clock_offset, Some(30), "the phone is a step ahead");
    assert_eq!(created.failures, None, "a confirmation resets no failures");
}

#[test]
fn an_expired_enrollment_has_an_event() {
    let told = told(MemoryStore::new());
    let request = EnrollmentRequest::new("alice");
    let enrollment = told.world.begin(request, told.world.password()).unwrap();
    told.world.clock.advance(DAY);
    let late = told
        .world
        .confirm(&enrollment, &told.world.now(&scan(&enrollment)));
    assert_eq!(rejection(late), Rejection::EnrollmentExpired);
    assert_eq!(types(&told.take())[1..], [EventType::EnrollmentExpired]);
}

/// A code that is only too old or too early is a wrong code. Its event alone says so.
#[test]
fn a_wrong_code_tells_its_offset() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    told.world.clock.advance(DAY);
    told.take();
    let now = told.world.clock.now().as_unix();
    let offset = |code: &str| {
        assert_eq!(rejection(told.world.verify(code)), Rejection::WrongCode);
        let event = told.only();
        assert_eq!(event.event_type, EventType::Rejected);
        (event.clock_offset, event.counter_offset)
    };
    let early = phone.passcode(Timestamp::from_unix(now + 300));
    assert_eq!(offset(&early), (Some(300), None));
    let old = phone.passcode(Timestamp::from_unix(now - 300));
    assert_eq!(offset(&old), (Some(-271), None));
    assert_eq!(offset(&told.world.wrong(&phone)), (None, None));
}

#[test]
fn an_accepted_passcode_tells_failures_and_offset() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    for _ in 0..2 {
        assert!(told.world.verify(&told.world.wrong(&phone)).is_err());
    }
    told.take();
    let passcode = phone.passcode(Timestamp::from_unix(told.world.clock.now().as_unix() - 30));
    let _receipt = told.world.verify(&passcode).unwrap();
    let accepted = told.only();
    assert_eq!(accepted.event_type, EventType::Accepted);
    let source = CodeSource::Authenticator(told.world.authenticators()[0]);
    assert_eq!(accepted.accepted_by, Some(source));
    assert_eq!(accepted.clock_offset, Some(-1));
    assert_eq!(accepted.failures, Some(2), "success after failures");
    assert!(accepted.after_first_factor);
    assert_eq!((accepted.codes_left, accepted.codes_low), (None, false));
}

#[test]
fn a_rejected_code_tells_what_it_brought() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    told.take();
    for failures in 1..=4 {
        assert!(told.world.verify(&told.world.wrong(&phone)).is_err());
        let rejected = told.only();
        assert_eq!(rejected.event_type, EventType::Rejected);
        assert!(rejected.after_first_factor, "right password, wrong code");
        assert_eq!((rejected.failures, rejected.limit), (Some(failures), None));
        assert_eq!(rejected.accepted_by, None);
    }
    assert!(told.world.verify(&told.world.wrong(&phone)).is_err());
    let rejected = told.only();
    assert_eq!(rejected.limit, Some(Limit::Waiting));
    assert_eq!(rejected.retry_after, Some(30));

    // A refused attempt writes nothing, so there is no event.
    assert!(told.world.verify(&told.world.now(&phone)).is_err());
    assert_eq!(told.take(), []);

    told.world.clock.advance(DAY);
    let wrong = told.world.wrong(&phone);
    let disabled = told
        .world
        .verifier
        .disable(&told.world.alice, Proof::Code(&wrong));
    assert_eq!(rejection(block_on(disabled)), Rejection::WrongCode);
    assert!(!told.only().after_first_factor, "a proof, not a sign-in");
}

#[test]
fn the_failure_that_locks_has_its_event() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    for failures in 1..=100_u32 {
        told.world.clock.advance(3 * DAY);
        told.take();
        assert!(told.world.verify(&told.world.wrong(&phone)).is_err());
        let rejected = told.only();
        assert_eq!(rejected.failures, Some(failures));
        let locks = rejected.limit == Some(Limit::Locked);
        assert_eq!(locks, failures == 100, "{rejected:?}");
        assert!(!locks || rejected.retry_after.is_none());
    }
    told.world.unlock(ServerClock::Unconfirmed).unwrap();
    let unlocked = told.only();
    assert_eq!(unlocked.event_type, EventType::Unlocked);
    assert_eq!(unlocked.limit_ended, Some(Limit::Locked));
    assert_eq!(unlocked.failures, Some(100));
    assert_eq!(unlocked.initiating_entity, InitiatingEntity::Admin);
    assert_eq!(unlocked.actor.as_deref(), Some(&staff()));
}

#[test]
fn a_backup_code_is_reserved_then_accepted() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    told.take();
    let codes = told.world.issue(&phone);
    let issued = told.take();
    let expected = [
        EventType::Accepted,
        EventType::IssueGranted,
        EventType::CredentialChange,
    ];
    assert_eq!(types(&issued), expected);
    assert_eq!(issued[2].credential_type, Some(CredentialType::BackupCodes));
    assert_eq!(issued[2].change_type, Some(ChangeType::Create));
    assert_eq!(issued[2].codes_left, Some(10));

    for (number, code) in (1..).zip(&codes) {
        let _receipt = told.world.verify(code).unwrap();
        let events = told.take();
        assert_eq!(
            types(&events),
            [EventType::CodeReserved, EventType::Accepted]
        );
        assert_eq!(events[0].failures, Some(1));
        let accepted = &events[1];
        assert_eq!(accepted.accepted_by, Some(CodeSource::BackupCode(number)));
        assert_eq!(
            accepted.failures,
            Some(0),
            "its own reservation is no failure"
        );
        assert_eq!(accepted.codes_left, Some(10 - number));
        assert_eq!(accepted.codes_low, 10 - number <= Event::LOW_CODES);
        assert_eq!(accepted.clock_offset, None);
    }
    let wrong = codes.iter().map(|_| "00000000").next().unwrap();
    assert_eq!(rejection(told.world.verify(wrong)), Rejection::WrongCode);
    assert_eq!(
        types(&told.take()),
        [EventType::CodeReserved],
        "nothing follows"
    );

    told.world.issue(&phone);
    let pending = &told.take()[2];
    assert_eq!(pending.change_type, Some(ChangeType::Create));
    assert!(pending.codes_pending && !pending.codes_confirmed);
}

#[test]
fn events_tell_what_became_of_pending_codes() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    let issue = || {
        let receipt = told.world.log_in(&phone);
        let proof = told.world.reauthenticated(&receipt);
        block_on(
            told.world
                .verifier
                .issue_backup_codes(&told.world.alice, proof),
        )
        .unwrap()
    };
    issue();
    let (alice, verifier) = (&told.world.alice, &told.world.verifier);

    let discarded = issue();
    told.take();
    block_on(verifier.discard_pending_codes(alice, discarded.set())).unwrap();
    let events = told.take();
    assert_eq!(types(&events), [EventType::PendingCodesDiscarded]);
    assert!(!events[0].codes_pending && !events[0].codes_confirmed);

    let saved = issue();
    told.take();
    block_on(verifier.confirm_saved(alice, saved.set())).unwrap();
    let events = told.take();
    assert_eq!(types(&events), [EventType::CredentialChange]);
    assert_eq!(events[0].change_type, Some(ChangeType::Update));
    assert!(!events[0].codes_pending && events[0].codes_confirmed);

    for as_proof in [false, true] {
        told.world.clock.advance(DAY);
        let used = issue();
        told.take();
        let code = used.iter().next().unwrap();
        if as_proof {
            let proof = Proof::Code(code);
            let _codes = block_on(verifier.issue_backup_codes(alice, proof)).unwrap();
        } else {
            let _receipt = told.world.verify(code).unwrap();
        }
        let events = told.take();
        assert!(events[0].codes_pending && !events[0].codes_confirmed);
        assert!(!events[1].codes_pending && events[1].codes_confirmed);
    }
}

#[test]
fn a_repeat_of_a_request_has_no_event() {
    let told = told(MemoryStore::new());
    let phone = told.world.enroll();
    told.take();
    let (id, code) = (RequestId::generate().unwrap(), told.world.now(&phone));
    for is_repeat in [false, true] {
        let verified = told
            .world
            .verifier
            .verify_request(&told.world.alice, &code, &id);
        assert_eq!(block_on(verified).unwrap().is_repeat(), is_repeat);
    }
    assert_eq!(told.only().event_type, EventType::Accepted);
}

#[test]
fn changes_say_what_is_left_and_what_ended() {
    let told = told(MemoryStore::new());
    let world = &told.world;
    let phone = world.enroll();
    let first = world.authenticators()[0];
    let receipt = world.log_in(&phone);
    let proof = world.reauthenticated(&receipt);
    let request = EnrollmentRequest::replacing(first, "alice");
    let replacing = world.begin(request, proof.clone()).unwrap();
    told.take();
    let _receipt = world
        .confirm(&replacing, &world.now(&scan(&replacing)))
        .unwrap();
    let replaced = told.only();
    let second = world.authenticators()[0];
    assert_eq!(replaced.change_type, Some(ChangeType::Update));
    assert_eq!(
        (replaced.authenticator, replaced.replaced),
        (Some(second), Some(first))
    );
    assert_eq!(
        (replaced.authenticators_left, replaced.change_direction),
        (Some(1), None)
    );

    world.clock.advance(STEP);
    let passcode = world.now(&scan(&replacing));
    let proof = Proof::Code(&passcode);
    let removed = world
        .verifier
        .remove_authenticator(&world.alice, second, proof);
    _ = block_on(removed).unwrap();
    let removed = told.only();
    assert_eq!(removed.change_type, Some(ChangeType::Delete));
    assert_eq!(removed.change_direction, Some(ChangeDirection::Decrease));
    assert_eq!(
        (removed.authenticator, removed.authenticators_left),
        (Some(second), Some(0))
    );
    assert_eq!(removed.accepted_by, Some(CodeSource::Authenticator(second)));

    world.enroll();
    let third = world.authenticators()[0];
    told.take();
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    let forced = told.only();
    assert_eq!(forced.change_type, Some(ChangeType::Revoke));
    assert_eq!(forced.initiating_entity, InitiatingEntity::Admin);
    assert_eq!(forced.actor.as_deref(), Some(&staff()));
    assert_eq!(forced.authenticator, Some(third));

    let ended = block_on(world.verifier.ended_authenticators(&world.alice)).unwrap();
    let ended: Vec<_> = ended.iter().map(|one| (one.id, one.reason)).collect();
    let expected = [
        (first, EndReason::Replaced),
        (second, EndReason::Removed),
        (third, EndReason::ForceDisabled),
    ];
    assert_eq!(ended, expected);

    world.enroll();
    let Status::Enabled(enabled) = world.status() else {
        panic!("enrolled again");
    };
    assert_eq!(enabled.ended.len(), 3, "the status shows them again");
    told.take();
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    let purged = told.only();
    assert_eq!(purged.event_type, EventType::AccountPurged);
    assert_eq!(
        (purged.authenticators_left, purged.codes_left),
        (None, None)
    );
    assert_eq!(purged.actor.as_deref(), Some(&staff()));
}

#[test]
fn the_last_twenty_ended_authenticators_stay() {
    let told = told(MemoryStore::new());
    let world = &told.world;
    let mut ids = Vec::new();
    for _ in 0..22 {
        world.enroll();
        ids.extend(world.authenticators());
        block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    }
    let ended = block_on(world.verifier.ended_authenticators(&world.alice)).unwrap();
    let ended: Vec<_> = ended.iter().map(|one| one.id).collect();
    assert_eq!(ended, ids[2..]);
}

#[test]
fn a_record_without_the_switch_stays_as_before() {
    let world = World::new();
    world.enroll();
    let enrolled = world.record();
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(world.record()[0], enrolled[0], "the first form");
    assert_eq!(
        block_on(world.verifier.ended_authenticators(&world.alice)).unwrap(),
        []
    );

    let keeps = world.server(countersign::VerifierBuilder::keep_ended_authenticators);
    keeps.enroll();
    block_on(keeps.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_ne!(world.record()[0], enrolled[0], "the second form");
    assert_eq!(
        block_on(world.verifier.ended_authenticators(&world.alice))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn an_import_is_an_act_of_the_system() {
    let told = told(MemoryStore::new());
    let secret = Secret::generate().unwrap();
    let import = Import::new([ImportedAuthenticator::totp(secret)]);
    for _ in 0..2 {
        _ = block_on(told.world.verifier.import(&told.world.alice, &import)).unwrap();
    }
    let events = told.take();
    assert_eq!(
        types(&events),
        [EventType::ImportBegun, EventType::CredentialChange]
    );
    for event in &events {
        assert_eq!(event.initiating_entity, InitiatingEntity::System);
    }
    assert_eq!(
        events[1].authenticator,
        Some(told.world.authenticators()[0])
    );
}

#[test]
fn a_reseal_has_no_event() {
    let told = told(MemoryStore::new());
    told.world.enroll();
    told.take();
    let (one, two) = (KeyId::new(1), KeyId::new(2));
    let keyring = Keyring::new(two, SealingKey::generate().unwrap());
    let keyring = keyring.with_retired(one, told.world.key.clone()).unwrap();
    let store = told.world.verifier.store().clone();
    let listener = Arc::clone(&told.events);
    let verifier = Verifier::builder(store, keyring, "Example")
        .on_event(move |event| listener.lock().unwrap().push(event.clone().into_owned()))
        .build()
        .unwrap();
    _ = block_on(verifier.reseal(&told.world.alice)).unwrap();
    assert_eq!(told.take(), []);
}
