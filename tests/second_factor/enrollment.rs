//! Beginning, confirming, replacing and removing authenticators (invariant 5).

use crate::world::{DAY, STEP, World, policy, rejection, scan};
use countersign::testing::block_on;
use countersign::{
    AcceptedBy, AccountId, AuthenticatorId, AuthenticatorName, Enrollment, EnrollmentId,
    EnrollmentRequest, Rejection, Removed, Status, Timestamp,
};
use std::time::Duration;

fn alice() -> EnrollmentRequest {
    EnrollmentRequest::new("alice@example.com")
}

fn uri(enrollment: &Enrollment) -> String {
    enrollment.key_uri().to_secret_text().expose().to_owned()
}

#[test]
fn ids_and_names_round_trip_through_text() {
    let id: AuthenticatorId = "0123456789abcdef".parse().unwrap();
    assert_eq!(id.to_string(), "0123456789abcdef");
    assert_eq!(format!("{id:?}"), "AuthenticatorId(0123456789abcdef)");
    assert_eq!(String::from(id), id.to_string());
    assert_eq!(
        AuthenticatorId::try_from("0123456789ABCDEF".to_owned()),
        Ok(id)
    );
    let text = "00112233445566778899aabbccddeeff";
    let id: EnrollmentId = text.parse().unwrap();
    assert_eq!(
        (id.to_string(), String::from(id)),
        (text.into(), text.into())
    );
    assert_eq!(
        format!("{id:?}"),
        "EnrollmentId { .. }",
        "the id gives access to a secret"
    );
    for wrong in [
        "",
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789abcdeg",
    ] {
        assert!(wrong.parse::<AuthenticatorId>().is_err(), "{wrong}");
    }
    let name = AuthenticatorName::try_from("work phone".to_owned()).unwrap();
    assert_eq!(
        (name.to_string(), String::from(name)),
        ("work phone".into(), "work phone".into())
    );
}

#[test]
fn a_pending_secret_cannot_log_in() {
    let world = World::new();
    let enrollment = world.begin(alice(), world.password()).unwrap();
    assert_eq!(
        rejection(world.verify(&world.now(&scan(&enrollment)))),
        Rejection::Disabled
    );
    let _receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
    assert!(matches!(world.status(), Status::Enabled(_)));
}

#[test]
fn a_second_pending_secret_cannot_log_in() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let enrollment = world
        .begin(alice(), world.reauthenticated(&receipt))
        .unwrap();
    assert_eq!(
        rejection(world.verify(&world.now(&scan(&enrollment)))),
        Rejection::WrongCode
    );
}

#[test]
fn a_pending_secret_is_readable_only_by_id() {
    let world = World::new();
    let request = alice()
        .issuer("Tenant")
        .authenticator_name(AuthenticatorName::new("work phone").unwrap());
    let enrollment = world.begin(request, world.password()).unwrap();
    let read = |id| block_on(world.verifier.pending_enrollment(&world.alice, id));
    let again = read(enrollment.id()).unwrap();
    assert_eq!(uri(&again), uri(&enrollment));
    assert!(uri(&again).starts_with("otpauth://totp/Tenant:alice%40example.com?"));
    assert_eq!(again.expires_at(), enrollment.expires_at());
    let other: EnrollmentId = "00112233445566778899aabbccddeeff".parse().unwrap();
    assert_eq!(rejection(read(other)), Rejection::EnrollmentSuperseded);
    let _receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
    assert_eq!(
        rejection(read(enrollment.id())),
        Rejection::NoEnrollment,
        "an active secret is never shown"
    );
}

#[test]
fn a_second_enrollment_supersedes_the_first() {
    let world = World::new();
    let first = world.begin(alice(), world.password()).unwrap();
    let second = world.begin(alice(), world.password()).unwrap();
    assert_ne!(uri(&first), uri(&second));
    let passcode = world.now(&scan(&first));
    assert_eq!(
        rejection(world.confirm(&first, &passcode)),
        Rejection::EnrollmentSuperseded
    );
    let _receipt = world.confirm(&second, &world.now(&scan(&second))).unwrap();
}

#[test]
fn ten_wrong_passcodes_end_a_pending_enrollment() {
    let world = World::new();
    let enrollment = world.begin(alice(), world.password()).unwrap();
    let phone = scan(&enrollment);
    let wrong = world.wrong(&phone);
    for tries_left in (0..10).rev() {
        let expected = Rejection::WrongConfirmation { tries_left };
        assert_eq!(rejection(world.confirm(&enrollment, &wrong)), expected);
    }
    assert_eq!(
        rejection(world.confirm(&enrollment, &world.now(&phone))),
        Rejection::NoEnrollment
    );
}

#[test]
fn nine_wrong_passcodes_keep_a_pending_enrollment() {
    let world = World::new();
    let enrollment = world.begin(alice(), world.password()).unwrap();
    let phone = scan(&enrollment);
    for _ in 0..9 {
        assert!(world.confirm(&enrollment, &world.wrong(&phone)).is_err());
    }
    let receipt = world.confirm(&enrollment, &world.now(&phone)).unwrap();
    assert_eq!(
        receipt.accepted_by(),
        AcceptedBy::Enrollment {
            id: world.authenticators()[0]
        }
    );
    let _receipt = world.log_in(&phone);
}

#[test]
fn a_malformed_confirmation_costs_no_try() {
    let world = World::new();
    let enrollment = world.begin(alice(), world.password()).unwrap();
    for text in ["", "12345", "1234567", "12345678", "abcdef"] {
        for _ in 0..5 {
            assert_eq!(
                rejection(world.confirm(&enrollment, text)),
                Rejection::Malformed
            );
        }
    }
    let _receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
}

#[test]
fn a_pending_enrollment_expires_after_ten_minutes() {
    for (after, expired) in [(600, false), (601, true)] {
        let world = World::new();
        let enrollment = world.begin(alice(), world.password()).unwrap();
        world.clock.advance(Duration::from_secs(after));
        assert_eq!(world.clock.now() > enrollment.expires_at(), expired);
        let outcome = world.confirm(&enrollment, &world.now(&scan(&enrollment)));
        if expired {
            assert_eq!(rejection(outcome), Rejection::EnrollmentExpired);
            let read = block_on(
                world
                    .verifier
                    .pending_enrollment(&world.alice, enrollment.id()),
            );
            assert_eq!(
                rejection(read),
                Rejection::NoEnrollment,
                "the secret is gone from the record"
            );
        } else {
            let _receipt = outcome.unwrap();
        }
    }
}

#[test]
fn an_enrollment_expires_if_the_clock_goes_back() {
    let world = World::new();
    let enrollment = world.begin(alice(), world.password()).unwrap();
    world.clock.set(Timestamp::from_unix(
        world.clock.now().as_unix() - 365 * DAY.as_secs(),
    ));
    let passcode = world.now(&scan(&enrollment));
    assert_eq!(
        rejection(world.confirm(&enrollment, &passcode)),
        Rejection::EnrollmentExpired
    );
}

#[test]
fn a_replaced_authenticator_works_until_the_confirmation() {
    let (world, old) = World::enrolled();
    let receipt = world.log_in(&old);
    let id = world.authenticators()[0];
    let request = EnrollmentRequest::replacing(id, "alice");
    let enrollment = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world.log_in(&old);
    let new = scan(&enrollment);
    let _receipt = world.confirm(&enrollment, &world.now(&new)).unwrap();
    world.clock.advance(STEP * 2);
    assert_eq!(
        rejection(world.verify(&world.now(&old))),
        Rejection::WrongCode
    );
    let _receipt = world.verify(&world.now(&new)).unwrap();
    assert_eq!(world.authenticators().len(), 1);
    assert_ne!(world.authenticators()[0], id);
}

#[test]
fn replacing_an_authenticator_keeps_the_backup_codes() {
    let (world, old) = World::enrolled();
    let codes = world.issue(&old);
    let receipt = world.log_in(&old);
    let request = EnrollmentRequest::replacing(world.authenticators()[0], "alice");
    let enrollment = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
    let _receipt = world.verify(&codes[0]).unwrap();
}

#[test]
fn up_to_five_authenticators_can_log_in() {
    let (world, phone) = World::enrolled();
    let mut phones = vec![phone];
    for n in 2..=5 {
        let receipt = world.log_in(&phones[0]);
        let request =
            alice().authenticator_name(AuthenticatorName::new(&format!("phone {n}")).unwrap());
        let enrollment = world
            .begin(request, world.reauthenticated(&receipt))
            .unwrap();
        phones.push(scan(&enrollment));
        let _receipt = world
            .confirm(&enrollment, &world.now(&phones[n - 1]))
            .unwrap();
    }
    world.clock.advance(STEP * 2);
    for phone in &phones {
        let _receipt = world.verify(&world.now(phone)).unwrap();
    }
    let receipt = world.log_in(&phones[4]);
    let outcome = world.begin(alice(), world.reauthenticated(&receipt));
    assert_eq!(
        rejection(outcome),
        Rejection::TooManyAuthenticators { maximum: 5 }
    );
    let request = EnrollmentRequest::replacing(world.authenticators()[2], "alice");
    let enrollment = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
    let Status::Enabled(enabled) = world.status() else {
        panic!()
    };
    let names: Vec<_> = enabled
        .authenticators
        .iter()
        .map(|active| active.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "Authenticator app",
            "phone 2",
            "phone 3",
            "phone 4",
            "phone 5"
        ]
    );
}

#[test]
fn removing_an_authenticator_ends_its_pending_replacement() {
    let (world, first) = World::enrolled();
    let receipt = world.log_in(&first);
    let enrollment = world
        .begin(alice(), world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
    let id = world.authenticators()[0];
    let request = EnrollmentRequest::replacing(id, "alice");
    let enrollment = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let proof = world.reauthenticated(&receipt);
    let removed = world.verifier.remove_authenticator(&world.alice, id, proof);
    assert_eq!(
        block_on(removed).unwrap(),
        Removed::OthersLeft {
            authenticators: 1,
            backup_codes: 0
        }
    );
    let outcome = world.confirm(&enrollment, &world.now(&scan(&enrollment)));
    assert_eq!(rejection(outcome), Rejection::NoEnrollment);
}

#[test]
fn removal_reports_whether_authenticators_are_left() {
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
    assert_eq!(
        remove(first).unwrap(),
        Removed::OthersLeft {
            authenticators: 1,
            backup_codes: 0
        }
    );
    assert_eq!(remove(second).unwrap(), Removed::Disabled);
    assert_eq!(world.status(), Status::Disabled);
}

#[test]
fn the_last_authenticator_can_stay() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let remove = |id| {
        let proof = world.reauthenticated(&receipt);
        let removed = world
            .verifier
            .remove_authenticator_unless_last(&world.alice, id, proof);
        block_on(removed)
    };
    let [only] = world.authenticators()[..] else {
        panic!("one authenticator");
    };
    assert_eq!(rejection(remove(only)), Rejection::LastAuthenticator);
    let request = EnrollmentRequest::new("alice");
    let begun = world
        .begin(request, world.reauthenticated(&receipt))
        .unwrap();
    let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
    let [first, second] = world.authenticators()[..] else {
        panic!("two authenticators");
    };
    assert_eq!(remove(second).ok(), Some(()));
    assert_eq!(rejection(remove(second)), Rejection::UnknownAuthenticator);
    assert_eq!(rejection(remove(first)), Rejection::LastAuthenticator);
    assert_eq!(world.authenticators(), [first]);
}

#[test]
fn confirmation_applies_a_lowered_maximum() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let enrollment = world
        .begin(alice(), world.reauthenticated(&receipt))
        .unwrap();
    let lowered = policy().max_authenticators(1).build().unwrap();
    let server = world.server(|builder| builder.policy(lowered));
    let passcode = world.now(&scan(&enrollment));
    assert_eq!(
        rejection(server.confirm(&enrollment, &passcode)),
        Rejection::TooManyAuthenticators { maximum: 1 }
    );
}

#[test]
fn an_enrollment_belongs_to_one_account() {
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
