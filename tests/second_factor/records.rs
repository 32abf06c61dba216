//! What is written can be read again, and what is erased is the account's own.

use crate::world::{World, policy, rejection, scan};
use countersign::record::RecordError;
use countersign::store::{ConditionalWrite, MemoryStore, Store, Summary, WriteKind};
use countersign::testing::{ManualClock, block_on};
use countersign::uri::{KeyUriError, KeyUriPart};
use countersign::{
    AccountId, BuildError, Denied, EnrollmentRequest, KeyId, Keyring, Proof, Rejection, Removed,
    SealingKey, Status, Verifier, VerifierError,
};

fn key_uri_error<T>(outcome: Result<T, Denied>) -> KeyUriError {
    match outcome {
        Err(Denied::Failed(VerifierError::KeyUri(error))) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn a_name_that_could_not_be_read_again_is_refused_and_nothing_is_stored() {
    let long = "a".repeat(1025);
    let requests = [
        (KeyUriPart::Account, EnrollmentRequest::new(&long)),
        (
            KeyUriPart::Issuer,
            EnrollmentRequest::new("alice").issuer(&long),
        ),
    ];
    for (part, request) in requests {
        let (world, phone) = World::enrolled();
        let receipt = world.log_in(&phone);
        let outcome = world.begin(request.clone(), world.reauthenticated(&receipt));
        let error = KeyUriError::PartTooLong { part, bytes: 1025 };
        assert_eq!(key_uri_error(outcome), error);
        let _receipt = world.log_in(&phone);

        let world = World::new();
        assert_eq!(key_uri_error(world.begin(request, world.password())), error);
        assert_eq!(world.status(), Status::Absent);
    }
}

#[test]
fn a_key_uri_that_fits_no_qr_code_is_refused_and_nothing_is_stored() {
    let world = World::new();
    // Percent-encoding makes nine bytes of each of these characters.
    let request = |characters| EnrollmentRequest::new(&"\u{20ac}".repeat(characters));
    let outcome = world.begin(request(300), world.password());
    assert!(matches!(
        key_uri_error(outcome),
        KeyUriError::TooLongForQrCode { bytes: 2332.. }
    ));
    assert_eq!(world.status(), Status::Absent);
}

#[cfg(feature = "qr")]
#[test]
fn the_longest_names_that_are_accepted_have_a_qr_code_and_log_in() {
    for name in ["a".repeat(1024), "\u{20ac}".repeat(240)] {
        let world = World::new();
        let request = EnrollmentRequest::new(&name);
        let begun = world.begin(request, world.password()).unwrap();
        begun.key_uri().qr().unwrap();
        let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
        let _receipt = world.log_in(&scan(&begun));
    }
}

#[test]
fn an_issuer_that_no_enrollment_could_have_is_refused_at_build() {
    let build = |issuer: &str| {
        let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
        Verifier::builder(MemoryStore::new(), keyring, issuer).build()
    };
    let part = KeyUriPart::Issuer;
    let error = build(&"a".repeat(1025)).unwrap_err();
    assert_eq!(
        error,
        BuildError::Issuer(KeyUriError::PartTooLong { part, bytes: 1025 })
    );
    let error = build(&"\u{20ac}".repeat(150)).unwrap_err();
    assert!(matches!(
        error,
        BuildError::Issuer(KeyUriError::TooLongForQrCode { .. })
    ));
    build(&"a".repeat(1000)).unwrap();
}

/// A service with a namespace on a store that it shares.
fn service(world: &World, key: &SealingKey, id: u32, namespace: &str) -> World {
    let clock: ManualClock = world.clock.clone();
    let keyring = Keyring::new(KeyId::new(id), key.clone());
    let verifier = Verifier::builder(world.verifier.store().clone(), keyring, "Example")
        .namespace(namespace)
        .policy(policy().build().unwrap())
        .clock(clock.clone())
        .build()
        .unwrap();
    World {
        verifier,
        clock,
        key: key.clone(),
        alice: world.alice.clone(),
    }
}

fn is_of_another(outcome: Result<(), VerifierError>) -> bool {
    matches!(
        outcome,
        Err(VerifierError::Record(RecordError::OtherAccount))
    )
}

#[test]
fn erasing_leaves_the_record_of_another_namespace() {
    let (world, phone) = World::enrolled();
    for (key, id) in [
        (world.key.clone(), 1),
        (SealingKey::generate().unwrap(), 1),
        (SealingKey::generate().unwrap(), 2),
    ] {
        let other = service(&world, &key, id, "other");
        assert!(is_of_another(block_on(other.verifier.erase(&world.alice))));
    }
    let _receipt = world.log_in(&phone);
}

#[test]
fn erasing_leaves_the_record_of_an_id_that_the_database_folds_together() {
    let (world, _) = World::enrolled();
    let Ok(stored) = block_on(Store::load(world.verifier.store(), &world.alice));
    let stored = stored.unwrap();
    let folded = AccountId::new("Alice").unwrap();
    let summary = Summary::new(true, 0, KeyId::new(1));
    let kind = WriteKind::Enrolled;
    let swap = ConditionalWrite::put(None, stored.revision, &stored.record, kind, summary);
    let Ok(_) = block_on(Store::compare_and_swap(
        world.verifier.store(),
        &folded,
        swap,
    ));
    assert!(is_of_another(block_on(world.verifier.erase(&folded))));
}

#[test]
fn a_record_that_no_key_opens_can_be_erased() {
    let (world, _) = World::enrolled();
    let other = service(&world, &SealingKey::generate().unwrap(), 2, "");
    block_on(other.verifier.erase(&world.alice)).unwrap();
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn a_damaged_record_can_be_erased() {
    for damage in [0, 20, 60] {
        let (world, _) = World::enrolled();
        let store = world.verifier.store();
        let Ok(stored) = block_on(Store::load(store, &world.alice));
        let stored = stored.unwrap();
        let mut record = stored.record.to_vec();
        record.truncate(damage);
        let summary = Summary::new(true, 0, KeyId::new(1));
        let (old, kind) = (Some(stored.revision), WriteKind::Enrolled);
        let swap = ConditionalWrite::put(old, stored.revision, &record, kind, summary);
        let Ok(_) = block_on(Store::compare_and_swap(store, &world.alice, swap));
        block_on(world.verifier.erase(&world.alice)).unwrap();
        assert_eq!(world.status(), Status::Absent);
    }
}

#[test]
fn removing_an_authenticator_tells_what_is_left() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let request = EnrollmentRequest::new("alice");
    let begun = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
    let remove = |id| {
        let proof = world.reauthenticated(&receipt);
        block_on(world.verifier.remove_authenticator(&world.alice, id, proof))
    };
    let [first, second] = world.authenticators()[..] else {
        panic!("two authenticators");
    };
    assert_eq!(remove(first).unwrap(), Removed::OthersLeft);
    assert_eq!(remove(second).unwrap(), Removed::Disabled);
    assert_eq!(world.status(), Status::Disabled);
}

#[test]
fn a_code_of_the_policys_shape_is_counted_for_every_account() {
    let (with, phone) = World::enrolled();
    with.issue(&phone);
    let (without, _) = World::enrolled();
    for world in [with, without] {
        assert_eq!(rejection(world.verify("00000000")), Rejection::WrongCode);
        assert_eq!(rejection(world.verify("0000000")), Rejection::Malformed);
        for _ in 0..4 {
            assert_eq!(rejection(world.verify("00000000")), Rejection::WrongCode);
        }
        assert!(matches!(
            rejection(world.verify("00000000")),
            Rejection::Waiting { .. }
        ));
    }
}

#[test]
fn a_proof_of_a_password_is_never_a_proof_for_codes() {
    let (world, _) = World::enrolled();
    let checked_at = world.clock.now();
    let proof = Proof::Password { checked_at };
    let outcome = block_on(world.verifier.issue_backup_codes(&world.alice, proof));
    assert_eq!(rejection(outcome), Rejection::ProofTooWeak);
}
