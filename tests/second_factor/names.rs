//! Names of accounts, issuers and authenticators: what is refused, and what is stored.

use crate::world::{STEP, World, rejection, scan};
use countersign::store::MemoryStore;
use countersign::testing::Phone;
use countersign::uri::{KeyUriError, KeyUriPart};
use countersign::{
    AuthenticatorId, AuthenticatorName, BuildError, Denied, EnrollmentRequest, KeyId, Keyring,
    Rejection, SealingKey, Status, Verifier, VerifierError,
};

fn key_uri_error<T>(outcome: Result<T, Denied>) -> KeyUriError {
    match outcome {
        Err(Denied::Failed(VerifierError::KeyUri(error))) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("accepted"),
    }
}

#[test]
fn too_long_names_are_refused_without_a_write() {
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
fn key_uris_too_long_for_qr_are_refused() {
    let world = World::new();
    // Each of these characters becomes nine bytes by percent-encoding.
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
fn the_longest_names_fit_a_qr_code() {
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
fn build_refuses_a_too_long_issuer() {
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

fn named(name: &str) -> EnrollmentRequest {
    EnrollmentRequest::new("alice").authenticator_name(AuthenticatorName::new(name).unwrap())
}

fn names(world: &World) -> Vec<String> {
    match world.status() {
        Status::Enabled(enabled) => enabled
            .authenticators
            .iter()
            .map(|active| active.name.to_string())
            .collect(),
        _ => Vec::new(),
    }
}

/// Enrolls one more authenticator.
fn add(world: &World, request: EnrollmentRequest, phone: &Phone) {
    let receipt = world.log_in(phone);
    let begun = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
}

#[test]
fn two_authenticators_never_share_a_name() {
    let (world, phone) = World::enrolled();
    add(&world, named("work phone"), &phone);
    let receipt = world.log_in(&phone);
    let outcome = world.begin(named("work phone"), world.reauthenticated(&receipt));
    assert_eq!(rejection(outcome), Rejection::NameInUse);
    assert_eq!(names(&world), ["Authenticator app", "work phone"]);
}

#[test]
fn authenticators_without_a_name_are_numbered() {
    let (world, phone) = World::enrolled();
    add(&world, EnrollmentRequest::new("alice"), &phone);
    add(&world, EnrollmentRequest::new("alice"), &phone);
    assert_eq!(
        names(&world),
        [
            "Authenticator app",
            "Authenticator app 2",
            "Authenticator app 3"
        ]
    );
}

#[test]
fn a_replacement_may_keep_the_old_name() {
    let world = World::new();
    let begun = world.begin(named("phone"), world.password()).unwrap();
    let phone = scan(&begun);
    let _receipt = world.confirm(&begun, &world.now(&phone)).unwrap();
    world.clock.advance(STEP);
    let id: AuthenticatorId = world.authenticators()[0];
    let request = EnrollmentRequest::replacing(id, "alice")
        .authenticator_name(AuthenticatorName::new("phone").unwrap());
    add(&world, request, &phone);
    assert_eq!(names(&world), ["phone"]);
}

#[test]
fn an_invalid_name_is_refused_without_a_write() {
    let world = World::new();
    let long = "x".repeat(5000);
    for name in ["", "alice:bob", "alice\n", &long] {
        let outcome = world.begin(EnrollmentRequest::new(name), world.password());
        assert!(
            matches!(outcome, Err(Denied::Failed(VerifierError::KeyUri(_)))),
            "{name:?}"
        );
    }
    assert!(
        world
            .begin(
                EnrollmentRequest::new("alice").issuer("a:b"),
                world.password()
            )
            .is_err()
    );
    assert_eq!(world.status(), Status::Absent);
}
