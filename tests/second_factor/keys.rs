//! Encrypted records and the keys that decrypt them.

use crate::world::World;
use countersign::record::RecordError;
use countersign::store::MemoryStore;
use countersign::testing::block_on;
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Resealed, SealingKey, Verifier,
    VerifierError,
};

const fn key(id: u32) -> KeyId {
    KeyId::new(id)
}

#[test]
fn a_usual_record_has_at_most_600_bytes() {
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
    let length = world.record().len();
    assert!(length <= 600, "{length} bytes with every code used");
    println!("{length} bytes");
}

#[test]
fn key_rotation_interrupts_no_login() {
    let (world, phone) = World::enrolled();
    let new = SealingKey::generate().unwrap();
    let with = |keyring: Keyring| {
        let store = world.verifier.store().clone();
        world.service(store, keyring, |builder| builder).verifier
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
        "every write encrypts with the new primary key"
    );
    let nobody = AccountId::new("nobody").unwrap();
    assert_eq!(block_on(changed.reseal(&nobody)).unwrap(), Resealed::Absent);
}

#[test]
fn a_keyring_lists_its_primary_id_first() {
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
