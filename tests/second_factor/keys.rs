//! Sealed records and the keys that open them.

use crate::world::{World, policy, rejection};
use countersign::record::RecordError;
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, Store, StoredRecord, Summary, WriteKind, WriteResult,
};
use countersign::testing::block_on;
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Rejection, Resealed, SealingKey,
    Verifier, VerifierError,
};

const fn key(id: u32) -> KeyId {
    KeyId::new(id)
}

fn load(store: &MemoryStore, account: &AccountId) -> StoredRecord {
    let Ok(stored) = block_on(Store::load(store, account));
    stored.unwrap()
}

/// Writes past the verifier, as somebody can who may write to the database.
fn forge(store: &MemoryStore, account: &AccountId, record: &[u8], revision: Revision) {
    let Ok(found) = block_on(Store::load(store, account));
    let expected = found.map(|stored| stored.revision);
    let summary = Summary::new(true, 0, key(1));
    let swap = ConditionalWrite::put(expected, revision, record, WriteKind::Accepted, summary);
    let Ok(swapped) = block_on(Store::compare_and_swap(store, account, swap));
    assert_eq!(swapped, WriteResult::Done);
}

fn record_error(verifier: &Verifier<MemoryStore>, account: &AccountId) -> RecordError {
    match block_on(verifier.verify(account, "123456")) {
        Err(Denied::Failed(VerifierError::Record(error))) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_of_the_usual_size_is_at_most_600_bytes() {
    let world = World::new();
    let request = EnrollmentRequest::new("alice@example.com")
        .authenticator_name(countersign::AuthenticatorName::new("a name of 20 letters").unwrap());
    let enrollment = world.begin(request, world.password()).unwrap();
    let phone = crate::world::scan(&enrollment);
    let _receipt = world.confirm(&enrollment, &world.now(&phone)).unwrap();
    let codes = world.issue(&phone);
    for code in codes {
        let _receipt = world.verify(&code).unwrap();
    }
    let length = load(world.verifier.store(), &world.alice).record.len();
    assert!(length <= 600, "{length} bytes with every code used");
    println!("{length} bytes");
}

#[test]
fn keys_are_changed_without_a_gap() {
    let (world, phone) = World::enrolled();
    let new = SealingKey::generate().unwrap();
    let with = |keyring: Keyring| {
        Verifier::builder(world.verifier.store().clone(), keyring, "Example")
            .policy(policy().build().unwrap())
            .clock(world.clock.clone())
            .build()
            .unwrap()
    };
    let prepared = with(
        Keyring::new(key(1), world.key.clone())
            .with_retired(key(2), new.clone())
            .unwrap(),
    );
    let changed = with(
        Keyring::new(key(2), new.clone())
            .with_retired(key(1), world.key.clone())
            .unwrap(),
    );
    let dropped = with(Keyring::new(key(2), new));
    let verify = |verifier: &Verifier<MemoryStore>| {
        world.clock.advance(crate::world::STEP);
        block_on(verifier.verify(&world.alice, &world.now(&phone)))
    };

    let _receipt = verify(&prepared).unwrap();
    assert_eq!(
        block_on(prepared.reseal(&world.alice)).unwrap(),
        Resealed::Unchanged
    );
    assert!(
        matches!(verify(&dropped), Err(Denied::Failed(VerifierError::Record(RecordError::UnknownKey(id)))) if id == key(1))
    );
    assert_eq!(
        block_on(changed.reseal(&world.alice)).unwrap(),
        Resealed::Changed
    );
    assert_eq!(
        block_on(changed.reseal(&world.alice)).unwrap(),
        Resealed::Unchanged
    );
    let _receipt = verify(&prepared).unwrap();
    let _receipt = verify(&changed).unwrap();
    assert!(
        verify(&dropped).is_ok(),
        "any write under the new primary key reseals"
    );
    let nobody = AccountId::new("nobody").unwrap();
    assert_eq!(block_on(changed.reseal(&nobody)).unwrap(), Resealed::Absent);
}

#[test]
fn a_keyring_tells_its_ids_the_primary_one_first() {
    let generated = || SealingKey::generate().unwrap();
    let keyring = Keyring::new(key(2), generated());
    let keyring = keyring.with_retired(key(1), generated()).unwrap();
    assert_eq!(keyring.ids().collect::<Vec<_>>(), [key(2), key(1)]);
    assert_eq!(keyring.primary(), key(2));
    assert_eq!(
        format!("{keyring:?}"),
        "Keyring { primary: KeyId(2), keys: 2, .. }"
    );
    assert_eq!(format!("{:?}", generated()), "SealingKey { .. }");
}

#[test]
fn two_keys_with_one_id_are_refused() {
    let keyring = Keyring::new(key(1), SealingKey::generate().unwrap());
    let error = keyring
        .with_retired(key(1), SealingKey::generate().unwrap())
        .unwrap_err();
    assert_eq!(error.id, key(1));
}

#[test]
fn a_damaged_record_can_be_erased() {
    let (world, _) = World::enrolled();
    let store = world.verifier.store();
    forge(
        store,
        &world.alice,
        b"garbage",
        Revision::from_i64(5).unwrap(),
    );
    assert_eq!(
        record_error(&world.verifier, &world.alice),
        RecordError::UnknownVersion(b'g')
    );
    block_on(world.verifier.erase(&world.alice)).unwrap();
    assert_eq!(rejection(world.verify("123456")), Rejection::Absent);
}
