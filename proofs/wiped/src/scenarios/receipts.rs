//! Receipts: sealed, opened, refused, and opened once more after the key was changed.

use super::login::{START, shown};
use super::{Kept, learn_passcode, learn_secret};
use crate::needles::{Kind, Learned};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::blocking::Verifier;
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Proof, Rejection, SealedReceipt,
    SealingKey,
};
use std::error::Error;

#[inline(never)]
pub(crate) fn run(learned: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let store = MemoryStore::new();
    let alice = AccountId::new("alice")?;
    let verifier = |keyring| {
        Verifier::builder_with_random(store.clone(), keyring, "Example", random.clone())
            .clock(ManualClock::at(START))
            .build_blocking()
    };

    let old = SealingKey::generate_with(&mut Rng(&random));
    learned.learn(Kind::RecordKey, old.expose());
    let before = verifier(Keyring::new(KeyId::new(1), old.clone()))?;
    stop.here()?;
    let receipt = sealed(learned, &before, &alice, stop)?;
    stop.here()?;
    begin(learned, &before, &alice, &receipt)?;
    stop.here()?;
    match begin(learned, &before, &alice, &with_another_time(&receipt)) {
        Err(Denied::Rejected(Rejection::ForeignReceipt)) => {}
        _ => return Err("accepted what is wrong".into()),
    }
    stop.here()?;
    drop(before);

    let new = SealingKey::generate_with(&mut Rng(&random));
    learned.learn(Kind::RecordKey, new.expose());
    let keyring = Keyring::new(KeyId::new(2), new).with_retired(KeyId::new(1), old)?;
    let after = verifier(keyring)?;
    stop.here()?;
    begin(learned, &after, &alice, &receipt)?;
    stop.here()?;
    Ok(None)
}

/// The receipt of a confirmed enrollment.
#[inline(never)]
fn sealed(
    learned: &Learned,
    verifier: &Verifier<MemoryStore>,
    alice: &AccountId,
    stop: &Stop,
) -> Result<SealedReceipt, Box<dyn Error>> {
    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Password { checked_at: START };
    let begun = verifier.begin_enrollment(alice, request, proof)?;
    learn_secret(learned, begun.key_uri().secret());
    let otp = shown(begun.key_uri().secret(), START);
    let passcode = learn_passcode(learned, &otp);
    let receipt = verifier.confirm_enrollment(alice, begun.id(), passcode)?;
    stop.here()?;
    Ok(verifier.seal_receipt(&receipt))
}

/// A change for which the receipt is half of the proof.
#[inline(never)]
fn begin(
    learned: &Learned,
    verifier: &Verifier<MemoryStore>,
    alice: &AccountId,
    receipt: &SealedReceipt,
) -> Result<(), Denied> {
    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Reauthenticated {
        password_checked_at: START,
        receipt,
    };
    let begun = verifier.begin_enrollment(alice, request, proof)?;
    learn_secret(learned, begun.key_uri().secret());
    Ok(())
}

fn with_another_time(receipt: &SealedReceipt) -> SealedReceipt {
    // Behind version and key, before the account.
    const TIME: usize = 12;
    let symbols = receipt.as_str().chars().enumerate();
    let changed = symbols.map(|(place, symbol)| match (place, symbol) {
        (TIME, 'A') => 'B',
        (TIME, _) => 'A',
        _ => symbol,
    });
    SealedReceipt::from(changed.collect::<String>())
}
