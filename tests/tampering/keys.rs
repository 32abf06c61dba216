//! Records and keyrings that do not match.

use crate::service::{PRIMARY, RETIRED, STEP, Service};
use countersign::record::RecordError;
use countersign::testing::block_on;
use countersign::{KeyId, Keyring, Resealed, SealingKey};

#[test]
fn a_missing_key_is_named_in_the_error() {
    let service = Service::new();
    let keyring = Keyring::new(RETIRED, service.keys[1].clone());
    let verifier = service.with(keyring, "");
    service.every_call_fails(&verifier, &service.alice, RecordError::UnknownKey(PRIMARY));
}

#[test]
fn another_key_under_the_same_id_fails() {
    let service = Service::new();
    let keyring = Keyring::new(PRIMARY, SealingKey::generate().unwrap());
    let verifier = service.with(keyring, "");
    service.every_call_fails(&verifier, &service.alice, RecordError::Damaged);
}

#[test]
fn a_write_encrypts_with_the_primary_key() {
    let service = Service::new();
    let keys = || service.keys.clone();
    let [old, new] = keys();
    let both = Keyring::new(RETIRED, new)
        .with_retired(PRIMARY, old)
        .unwrap();
    let changed = service.with(both, "");
    let before = service.store.stored();
    let _receipt = block_on(changed.verify(&service.alice, &service.passcode())).unwrap();
    assert_eq!(
        block_on(changed.reseal(&service.alice)).unwrap(),
        Resealed::Unchanged
    );

    let [_, new] = keys();
    let dropped = service.with(Keyring::new(RETIRED, new), "");
    service.clock.advance(STEP);
    let _receipt = block_on(dropped.verify(&service.alice, &service.passcode())).unwrap();

    // An attacker restores a record from before the key was dropped.
    service.store.set(&before.record, &before);
    service.every_call_fails(&dropped, &service.alice, RecordError::UnknownKey(PRIMARY));
}

#[test]
fn a_changed_key_id_does_not_decrypt() {
    let service = Service::new();
    let leaked = KeyId::new(7);
    let with_leaked = Keyring::new(PRIMARY, service.keys[0].clone());
    let with_leaked = with_leaked.with_retired(leaked, SealingKey::generate().unwrap());
    let verifier = service.with(with_leaked.unwrap(), "");
    let whole = service.store.stored();
    let mut record = whole.record.clone();
    record[2..6].copy_from_slice(&leaked.get().to_be_bytes());
    service.store.set(&record, &whole);
    service.every_call_fails(&verifier, &service.alice, RecordError::Damaged);
}
