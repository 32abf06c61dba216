//! Invariant 7: no secret, code or key appears in `Debug`, `Display` or errors.

use crate::world::{World, rejection, scan, staff};
use countersign::backup::BackupCodes;
use countersign::otp::{Code, Secret, SecretText};
use countersign::store::MemoryStore;
use countersign::testing::{Phone, block_on};
use countersign::uri::KeyUri;
use countersign::{
    AuthenticatorId, Denied, Enrollment, EnrollmentId, EnrollmentRequest, KeyId, Keyring, Policy,
    Receipt, RequestId, Status, Verifier, VerifierError,
};
use std::fmt::Debug;

fn debug(value: &dyn Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn debug_output_shows_no_secret() {
    let world = World::new();
    let enrollment = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let phone = scan(&enrollment);
    let passcode = world.now(&phone);
    let receipt = world.confirm(&enrollment, &passcode).unwrap();
    let codes = block_on(
        world
            .verifier
            .issue_backup_codes(&world.alice, world.reauthenticated(&receipt)),
    )
    .unwrap();
    let uri = enrollment.key_uri().to_secret_text();
    let id = RequestId::generate().unwrap();
    let printed = [
        debug(&enrollment),
        debug(&enrollment.id()),
        debug(&id),
        debug(&uri),
        debug(enrollment.key_uri()),
        debug(&enrollment.key_uri().qr()),
        debug(&phone),
        debug(&codes),
        debug(&Code::parse(&passcode)),
        debug(&world.key),
        debug(&Keyring::new(KeyId::new(1), world.key.clone())),
        debug(&world.verifier),
        debug(&world.status()),
        debug(&receipt),
        debug(&world.verify(&passcode)),
    ]
    .concat();
    let secret = enrollment.key_uri().secret();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let decimal = |bytes: &[u8]| {
        bytes
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut forbidden = vec![
        passcode,
        uri.expose().to_owned(),
        secret.to_base32().expose().to_owned(),
        hex(secret.expose()),
        decimal(secret.expose()),
        hex(world.key.expose()),
        decimal(world.key.expose()),
        enrollment.id().to_string(),
        id.to_string(),
    ];
    for code in codes.iter() {
        forbidden.push(code.to_owned());
        forbidden.push(code.replace(' ', ""));
    }
    for needle in forbidden {
        assert!(!printed.contains(&needle), "{needle}");
        assert!(
            !printed.to_lowercase().contains(&needle.to_lowercase()),
            "{needle}"
        );
    }
}

#[test]
fn the_store_holds_no_secret_in_the_clear() {
    let world = World::new();
    let request = EnrollmentRequest::new("alice@example.com");
    let enrollment = world.begin(request, world.password()).unwrap();
    let phone = scan(&enrollment);
    let pending = world.record();
    let _receipt = world.confirm(&enrollment, &world.now(&phone)).unwrap();
    let codes = world.issue(&phone);
    let active = world.record();
    let secret = enrollment.key_uri().secret();
    let mut forbidden = vec![
        secret.expose().to_vec(),
        secret.to_base32().expose().into(),
        b"alice@example.com".to_vec(),
    ];
    for code in codes {
        forbidden.push(code.replace(' ', "").into_bytes());
        forbidden.push(code.into_bytes());
    }
    for record in [pending, active] {
        assert!(record.len() > 100);
        for needle in &forbidden {
            let mut places = record.windows(needle.len());
            assert!(!places.any(|place| place == needle), "{needle:?}");
        }
    }
}

#[test]
fn errors_name_no_code() {
    let (world, phone) = World::enrolled();
    let wrong = world.wrong(&phone);
    let rejected = rejection(world.verify(&wrong)).to_string();
    assert_eq!(rejected, "the code is wrong; try another one");
    let malformed = rejection(world.verify("sesame")).to_string();
    assert!(!malformed.contains("sesame"));
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn public_types_are_send_and_sync() {
    fn is_send_and_sync<T: Send + Sync + 'static>() {}
    is_send_and_sync::<Verifier<MemoryStore>>();
    is_send_and_sync::<Enrollment>();
    is_send_and_sync::<BackupCodes>();
    is_send_and_sync::<Receipt>();
    is_send_and_sync::<Status>();
    is_send_and_sync::<Policy>();
    is_send_and_sync::<Denied>();
    is_send_and_sync::<VerifierError>();
    is_send_and_sync::<KeyUri>();
    is_send_and_sync::<Secret>();
    is_send_and_sync::<SecretText>();
    is_send_and_sync::<Code>();
    is_send_and_sync::<Phone>();
    is_send_and_sync::<(AuthenticatorId, EnrollmentId, RequestId)>();
}

#[test]
fn verifier_futures_are_send() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let receipt = block_on(is_send(world.verifier.verify(&world.alice, &passcode))).unwrap();
    let row = ["000000"; 3];
    let outcome = is_send(world.verifier.verify_consecutive(&world.alice, &row));
    assert!(block_on(outcome).is_err());
    let proof = world.reauthenticated(&receipt);
    block_on(is_send(
        world
            .verifier
            .issue_backup_codes(&world.alice, proof.clone()),
    ))
    .unwrap();
    let request = EnrollmentRequest::new("alice");
    let enrollment = block_on(is_send(world.verifier.begin_enrollment(
        &world.alice,
        request,
        proof.clone(),
    )))
    .unwrap();
    drop(is_send(
        world
            .verifier
            .pending_enrollment(&world.alice, enrollment.id()),
    ));
    drop(is_send(world.verifier.confirm_enrollment(
        &world.alice,
        enrollment.id(),
        "123456",
    )));
    let id = RequestId::generate().unwrap();
    let request = world.verifier.verify_request(&world.alice, &passcode, &id);
    drop(is_send(request));
    drop(is_send(world.verifier.reseal(&world.alice)));
    drop(is_send(world.verifier.erase(&world.alice, &staff())));
    _ = block_on(is_send(world.verifier.disable(&world.alice, proof))).unwrap();
}
