//! Erasing: what can be erased, and which records stay.

use crate::world::{World, keyring, rejection, staff};
use countersign::record::RecordError;
use countersign::store::{
    ConditionalWrite, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{AccountId, Denied, KeyId, Rejection, SealingKey, Status, VerifierError};

fn load(world: &World) -> StoredRecord {
    let Ok(stored) = block_on(Store::load(world.verifier.store(), &world.alice));
    stored.unwrap()
}

/// Writes a record without a verifier, as an attacker with write access to the database can.
fn forge(
    world: &World,
    account: &AccountId,
    expected: Option<Revision>,
    revision: Revision,
    record: &[u8],
) {
    let summary = Summary::new(true, 0, KeyId::new(1));
    let write = ConditionalWrite::put(expected, revision, record, WriteKind::Enrolled, summary);
    let store = world.verifier.store();
    let Ok(result) = block_on(Store::compare_and_swap(store, account, write));
    assert_eq!(result, WriteResult::Done);
}

/// A service with another namespace and key on the same store.
fn service(world: &World, key: &SealingKey, id: u32, namespace: &str) -> World {
    let store = world.verifier.store().clone();
    world.service(store, keyring(id, key), |builder| {
        builder.namespace(namespace)
    })
}

fn is_of_another(outcome: Result<(), VerifierError>) -> bool {
    matches!(
        outcome,
        Err(VerifierError::Record(RecordError::OtherAccount))
    )
}

#[test]
fn erasing_keeps_the_record_of_another_namespace() {
    let (world, phone) = World::enrolled();
    for (key, id) in [
        (world.key.clone(), 1),
        (SealingKey::generate().unwrap(), 1),
        (SealingKey::generate().unwrap(), 2),
    ] {
        let other = service(&world, &key, id, "other");
        assert!(is_of_another(block_on(
            other.verifier.erase(&world.alice, &staff())
        )));
    }
    let _receipt = world.log_in(&phone);
}

#[test]
fn records_under_unknown_keys_can_be_erased() {
    let (world, _) = World::enrolled();
    let other = service(&world, &SealingKey::generate().unwrap(), 2, "");
    block_on(other.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn erasing_keeps_the_record_of_a_folded_id() {
    let (world, _) = World::enrolled();
    let stored = load(&world);
    let folded = AccountId::new("Alice").unwrap();
    forge(&world, &folded, None, stored.revision, &stored.record);
    assert!(is_of_another(block_on(
        world.verifier.erase(&folded, &staff())
    )));
}

#[test]
fn a_damaged_record_can_be_erased() {
    for length in [0, 20, 60] {
        let (world, _) = World::enrolled();
        let StoredRecord { record, revision } = load(&world);
        forge(
            &world,
            &world.alice,
            Some(revision),
            revision,
            &record[..length],
        );
        block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
        assert_eq!(world.status(), Status::Absent);
    }
}

#[test]
fn a_record_of_unknown_version_can_be_erased() {
    let (world, _) = World::enrolled();
    let old = load(&world).revision;
    let revision = Revision::from_i64(5).unwrap();
    forge(&world, &world.alice, Some(old), revision, b"garbage");
    let outcome = world.verify("123456");
    let Err(Denied::Failed(VerifierError::Record(error))) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(error, RecordError::UnknownVersion(b'g'));
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(rejection(world.verify("123456")), Rejection::Absent);
}
