//! Devices: remembered, accepted, refused, trusted and forgotten.

use super::login::{START, shown};
use super::{Kept, add_passcode, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::blocking::Verifier;
use countersign::factor::TrustedDevices;
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, Attempt, Denied, DeviceKind, DeviceLabel, DeviceToken, EnrollmentRequest, KeyId,
    Keyring, Policy, Proof, SealingKey,
};
use std::error::Error;
use std::time::Duration;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let clock = ManualClock::at(START);
    let alice = AccountId::new("alice")?;
    let key = SealingKey::generate_with(&mut Rng(&random));
    known.add(Kind::RecordKey, key.expose());
    let keyring = Keyring::new(KeyId::new(1), key);
    let policy = Policy::builder().trusted_devices(TrustedDevices::Days(30));
    let verifier = Verifier::builder_with_random(MemoryStore::new(), keyring, "Example", random)
        .policy(policy.build()?)
        .clock(clock.clone())
        .build_blocking()?;

    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Password { checked_at: START };
    let begun = verifier.begin_enrollment(&alice, request, proof)?;
    let secret = begun.key_uri().secret();
    add_secret(known, secret);
    let passcode = shown(secret, START);
    let receipt =
        verifier.confirm_enrollment(&alice, begun.id(), add_passcode(known, &passcode))?;
    let receipt = verifier.seal_receipt(&receipt);
    stop.here()?;

    let label = || DeviceLabel::fit("a browser");
    let first = verifier.remember_device(&alice, &receipt, label(), DeviceKind::Trusted)?;
    add_token(known, &first);
    stop.here()?;
    let second = verifier.remember_device(&alice, &receipt, label(), DeviceKind::Known)?;
    add_token(known, &second);
    stop.here()?;

    clock.advance(Duration::from_secs(30));
    let passcode = shown(secret, clock.now());
    let attempt = Attempt::new(add_passcode(known, &passcode)).device(Some(&first));
    let receipt = verifier.verify_attempt(&alice, attempt)?;
    let next = receipt.device_token().ok_or("the device is known")?;
    add_token(known, next);
    stop.here()?;

    let read = DeviceToken::parse(next.expose())?;
    let attempt = Attempt::new("000000").device(Some(&read));
    match verifier.verify_attempt(&alice, attempt) {
        Err(Denied::Rejected(_)) => {}
        _ => return Err("the verifier accepted a wrong code".into()),
    }
    stop.here()?;

    let trusted = verifier.trusted_device(&alice, &read)?;
    add_token(known, trusted.device_token());
    stop.here()?;

    verifier.forget_devices(&alice)?;
    stop.here()?;
    Ok(None)
}

/// The id and the number at the start of a token are no secret.
fn add_token(known: &KnownSecrets, token: &DeviceToken) {
    let tag = token.expose().as_bytes().get(16..).unwrap_or_default();
    known.add(Kind::DeviceToken, tag);
}
