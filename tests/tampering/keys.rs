//! Records and keyrings that do not belong together.

use crate::service::{PRIMARY, RETIRED, STEP, Service};
use countersign::record::RecordError;
use countersign::testing::block_on;
use countersign::{KeyId, Keyring, Resealed, SealingKey};

#[test]
fn a_record_of_a_key_that_is_not_in_the_keyring_names_it() {
    let service = Service::new();
    let keyring = Keyring::new(RETIRED, service.keys[1].clone());
    let verifier = service.with(keyring, "");
    service.nothing_opens(&verifier, &service.alice, RecordError::UnknownKey(PRIMARY));
}

#[test]
fn a_key_that_is_another_under_the_same_id_does_not_open() {
    let service = Service::new();
    let keyring = Keyring::new(PRIMARY, SealingKey::generate().unwrap());
    let verifier = service.with(keyring, "");
    service.nothing_opens(&verifier, &service.alice, RecordError::Damaged);
}

#[test]
fn a_retired_key_opens_and_the_next_write_is_sealed_with_the_primary_one() {
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

    // A record from before the key was dropped, put back by whoever can write to the database.
    service.store.hand(&before.record, &before);
    service.nothing_opens(&dropped, &service.alice, RecordError::UnknownKey(PRIMARY));
}

#[test]
fn a_record_cannot_be_passed_off_as_sealed_with_a_key_that_somebody_else_knows() {
    let service = Service::new();
    let leaked = KeyId::new(7);
    let with_leaked = Keyring::new(PRIMARY, service.keys[0].clone());
    let with_leaked = with_leaked.with_retired(leaked, SealingKey::generate().unwrap());
    let verifier = service.with(with_leaked.unwrap(), "");
    let whole = service.store.stored();
    let mut record = whole.record.clone();
    record[2..6].copy_from_slice(&leaked.get().to_be_bytes());
    service.store.hand(&record, &whole);
    service.nothing_opens(&verifier, &service.alice, RecordError::Damaged);
}
