//! Receipts: sealed, opened, refused, and opened again after a key rotation.

use super::login::{START, shown};
use super::{Kept, add_passcode, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::blocking::Verifier;
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, Rejection,
    SealedReceipt, SealingKey,
};
use std::error::Error;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let store = MemoryStore::new();
    let alice = AccountId::new("alice")?;
    let verifier = |keyring| {
        Verifier::builder_with_random(store.clone(), keyring, "Example", random.clone())
            .clock(ManualClock::at(START))
            .build_blocking()
    };

    let old = SealingKey::generate_with(&mut Rng(&random));
    known.add(Kind::RecordKey, old.expose());
    let before = verifier(Keyring::new(KeyId::new(1), old.clone()))?;
    stop.here()?;
    let receipt = sealed(known, &before, &alice, stop)?;
    stop.here()?;
    begin(known, &before, &alice, &receipt)?;
    stop.here()?;
    match begin(known, &before, &alice, &with_another_time(&receipt)) {
        Err(Denied::Rejected(Rejection::ForeignReceipt)) => {}
        _ => return Err("the verifier accepted a changed receipt".into()),
    }
    stop.here()?;
    drop(before);

    let new = SealingKey::generate_with(&mut Rng(&random));
    known.add(Kind::RecordKey, new.expose());
    let keyring = Keyring::new(KeyId::new(2), new).with_retired(KeyId::new(1), old)?;
    let after = verifier(keyring)?;
    stop.here()?;
    begin(known, &after, &alice, &receipt)?;
    stop.here()?;
    Ok(None)
}

/// The receipt of a confirmed enrollment.
#[inline(never)]
fn sealed(
    known: &KnownSecrets,
    verifier: &Verifier<MemoryStore>,
    alice: &AccountId,
    stop: &Stop,
) -> Result<SealedReceipt, Box<dyn Error>> {
    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Password { checked_at: START };
    let begun = verifier.begin_enrollment(alice, request, proof)?;
    add_secret(known, begun.key_uri().secret());
    let passcode = shown(begun.key_uri().secret(), START);
    let passcode = add_passcode(known, &passcode);
    let receipt = verifier.confirm_enrollment(alice, begun.id(), passcode)?;
    stop.here()?;
    Ok(verifier.seal_receipt(&receipt))
}

/// A change whose proof includes the receipt.
#[inline(never)]
fn begin(
    known: &KnownSecrets,
    verifier: &Verifier<MemoryStore>,
    alice: &AccountId,
    receipt: &SealedReceipt,
) -> Result<(), Denied> {
    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(START),
        receipt,
    };
    let begun = verifier.begin_enrollment(alice, request, proof)?;
    add_secret(known, begun.key_uri().secret());
    Ok(())
}

fn with_another_time(receipt: &SealedReceipt) -> SealedReceipt {
    // The time comes after version and key, and before the account.
    const TIME: usize = 12;
    let symbols = receipt.as_str().chars().enumerate();
    let changed = symbols.map(|(index, symbol)| match (index, symbol) {
        (TIME, 'A') => 'B',
        (TIME, _) => 'A',
        _ => symbol,
    });
    SealedReceipt::from(changed.collect::<String>())
}
