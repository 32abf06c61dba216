//! What a sealed receipt proves, and when a receipt is no longer accepted.

use crate::world::{START, STEP, World, keyring, rejection, scan, staff};
use countersign::store::MemoryStore;
use countersign::testing::block_on;
use countersign::{
    AcceptedBy, AccountId, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, Receipt,
    Rejection, SealedReceipt, SealingKey,
};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn proof<'a>(world: &World, receipt: &'a SealedReceipt) -> Proof<'a> {
    Proof::Reauthenticated {
        first_factor: FirstFactor::password(world.clock.now()),
        receipt,
    }
}

/// The result of an enrollment of another phone with this receipt as proof.
fn begins(world: &World, receipt: &SealedReceipt) -> Result<(), Rejection> {
    let request = EnrollmentRequest::new("alice");
    match world.begin(request, proof(world, receipt)) {
        Ok(_) => Ok(()),
        other => Err(rejection(other)),
    }
}

/// A service with its own store, namespace and keys.
fn service(world: &World, keyring: Keyring, namespace: &str) -> World {
    world.service(MemoryStore::new(), keyring, |builder| {
        builder.namespace(namespace)
    })
}

#[test]
fn a_receipt_of_another_service_proves_nothing() {
    let (world, _) = World::enrolled();
    let others = [
        service(&world, keyring(1, &SealingKey::generate().unwrap()), ""),
        service(&world, keyring(1, &world.key), "other"),
    ];
    for other in others {
        let phone = other.enroll();
        let receipt = other.verifier.seal_receipt(&other.log_in(&phone));
        assert_eq!(begins(&other, &receipt), Ok(()));
        assert_eq!(begins(&world, &receipt), Err(Rejection::ForeignReceipt));
    }
}

#[test]
fn a_receipt_under_an_unknown_key_is_expired() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let other = service(&world, keyring(2, &SealingKey::generate().unwrap()), "");
    let sealed = other.verifier.seal_receipt(&receipt);
    assert_eq!(begins(&world, &sealed), Err(Rejection::ProofExpired));
}

#[test]
fn every_key_of_the_keyring_verifies_a_receipt() {
    let (mut world, phone) = World::enrolled();
    let receipt = world.verifier.seal_receipt(&world.log_in(&phone));
    let store = world.verifier.store().clone();
    let rotated = keyring(2, &SealingKey::generate().unwrap())
        .with_retired(KeyId::new(1), world.key.clone())
        .unwrap();
    world.verifier = service(&world, rotated, "").verifier.with_store(store);
    assert_eq!(begins(&world, &receipt), Ok(()));
}

#[test]
fn an_altered_receipt_proves_nothing() {
    let (world, phone) = World::enrolled();
    let receipt = world.verifier.seal_receipt(&world.log_in(&phone));
    let bytes = BASE64URL_NOPAD.decode(receipt.as_str().as_bytes()).unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            let changed = SealedReceipt::from(BASE64URL_NOPAD.encode(&changed));
            let outcome = begins(&world, &changed);
            // The verifier reads version and key id before it checks the MAC.
            let expected = match place {
                0..5 => Rejection::ProofExpired,
                _ => Rejection::ForeignReceipt,
            };
            assert_eq!(outcome, Err(expected), "bit {bit} of byte {place}");
        }
    }
    for length in 0..bytes.len() {
        let cut = SealedReceipt::from(BASE64URL_NOPAD.encode(&bytes[..length]));
        assert!(begins(&world, &cut).is_err(), "{length} bytes");
    }
}

#[test]
fn arbitrary_text_as_a_receipt_proves_nothing() {
    let (world, _) = World::enrolled();
    for text in ["", "?", "receipt", "AAAA", &"A".repeat(100_000)] {
        let receipt = SealedReceipt::from(String::from(text));
        assert_eq!(begins(&world, &receipt), Err(Rejection::ForeignReceipt));
    }
}

#[test]
fn hmac_sha_256_covers_the_whole_receipt() {
    let hmac = |key: &[u8], parts: &[&[u8]]| -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    };
    let world = World::new();
    let world = service(&world, keyring(1, &world.key), "shop");
    let phone = world.enroll();
    let receipt = world.log_in(&phone);
    let AcceptedBy::Authenticator { id } = receipt.accepted_by() else {
        panic!("{receipt:?}");
    };
    let sealed = world.verifier.seal_receipt(&receipt);
    let bytes = BASE64URL_NOPAD.decode(sealed.as_str().as_bytes()).unwrap();
    let (content, mac) = bytes.split_at(bytes.len() - 16);
    let id = data_encoding::HEXLOWER
        .decode(id.to_string().as_bytes())
        .unwrap();
    let at = receipt.at().as_unix().to_be_bytes();
    let expected = [&[1, 0, 0, 0, 1][..], &at, &[1], &id, b"alice"].concat();
    assert_eq!(content, expected);
    let key = hmac(world.key.expose(), &[b"countersign receipts"]);
    let length = 4_u64.to_be_bytes();
    let parts = [b"countersign receipt", &length[..], b"shop", content];
    assert_eq!(mac, &hmac(&key, &parts)[..16]);
}

#[test]
fn a_receipt_ends_with_its_authenticator() {
    type End = fn(&World, &Receipt);
    let ends: [(&str, End); 3] = [
        ("force_disable", |world, _| {
            block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
            world.enroll();
        }),
        ("removal", |world, receipt| {
            let old = world.authenticators()[0];
            let request = EnrollmentRequest::new("alice");
            let begun = world
                .begin(request, world.reauthenticated(receipt))
                .unwrap();
            let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
            let proof = world.reauthenticated(receipt);
            let removed = world
                .verifier
                .remove_authenticator(&world.alice, old, proof);
            let _removed = block_on(removed).unwrap();
        }),
        ("replacement", |world, receipt| {
            let request = EnrollmentRequest::replacing(world.authenticators()[0], "alice");
            let begun = world
                .begin(request, world.reauthenticated(receipt))
                .unwrap();
            let _receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
        }),
    ];
    for (name, end) in ends {
        let (world, phone) = World::enrolled();
        let receipt = world.log_in(&phone);
        let sealed = world.verifier.seal_receipt(&receipt);
        assert_eq!(begins(&world, &sealed), Ok(()), "{name}");
        end(&world, &receipt);
        assert_eq!(
            begins(&world, &sealed),
            Err(Rejection::ProofExpired),
            "{name}"
        );
    }
}

#[test]
fn an_enrollment_receipt_ends_with_its_authenticator() {
    let world = World::new();
    let begun = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let receipt = world.confirm(&begun, &world.now(&scan(&begun))).unwrap();
    let sealed = world.verifier.seal_receipt(&receipt);
    assert_eq!(begins(&world, &sealed), Ok(()));
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    world.enroll();
    assert_eq!(begins(&world, &sealed), Err(Rejection::ProofExpired));
}

#[test]
fn a_backup_code_receipt_ends_with_its_set() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let receipt = world
        .verifier
        .seal_receipt(&world.verify(&codes[0]).unwrap());
    assert_eq!(begins(&world, &receipt), Ok(()));
    let codes = world.issue(&phone);
    assert_eq!(begins(&world, &receipt), Ok(()), "the new set is pending");
    let _receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(begins(&world, &receipt), Err(Rejection::ProofExpired));
}

#[test]
fn proof_times_may_be_ten_seconds_ahead() {
    for (ahead, expected) in [(10, Ok(())), (11, Err(Rejection::ProofExpired))] {
        let (world, phone) = World::enrolled();
        let receipt = world.log_in(&phone);
        let then = world.clock.now();
        world
            .clock
            .set(countersign::Timestamp::from_unix(then.as_unix() - ahead));
        let sealed = world.verifier.seal_receipt(&receipt);
        assert_eq!(begins(&world, &sealed), expected, "receipt");

        let world = World::new();
        let checked_at = START.saturating_add(ahead);
        let begun = world.begin(
            EnrollmentRequest::new("alice"),
            Proof::Password { checked_at },
        );
        assert_eq!(
            begun
                .map(drop)
                .map_err(|denied| denied.rejection().unwrap()),
            expected
        );
    }
}

#[test]
fn a_receipt_for_the_longest_account_is_accepted() {
    let (world, _) = World::enrolled();
    let world = World {
        alice: AccountId::new("a".repeat(255)).unwrap(),
        ..world
    };
    let phone = world.enroll();
    let codes = world.issue(&phone);
    world.clock.advance(STEP);
    let receipt = world
        .verifier
        .seal_receipt(&world.verify(&codes[0]).unwrap());
    assert_eq!(begins(&world, &receipt), Ok(()));
}
