//! The main job: enroll, confirm, log in, backup codes, a new key for the records.

use super::{Kept, learn_codewords, learn_passcode, learn_secret};
use crate::needles::{Kind, Learned};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::blocking::Verifier;
use countersign::otp::{Passcode, Secret, Totp};
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp,
};
use std::error::Error;
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) const START: Timestamp = Timestamp::from_unix(1_800_000_000);
const STEP: Duration = Duration::from_secs(30);

#[inline(never)]
pub(crate) fn run(learned: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    let store = MemoryStore::new();
    let clock = ManualClock::at(START);
    let alice = AccountId::new("alice")?;

    let (old, older_ring) = keys(learned, &random)?;
    stop.here()?;
    let verifier =
        Verifier::builder_with_random(store.clone(), older_ring, "Example", random.clone())
            .clock(clock.clone())
            .build_blocking()?;
    live(learned, &verifier, &clock, &alice, stop)?;
    drop(verifier);

    let new = SealingKey::generate_with(&mut Rng(&random));
    learned.learn(Kind::RecordKey, new.expose());
    let ring = Keyring::new(KeyId::new(3), new).with_retired(KeyId::new(2), old)?;
    let verifier = Verifier::builder_with_random(store, ring, "Example", random)
        .clock(clock.clone())
        .build_blocking()?;
    stop.here()?;
    verifier.reseal(&alice)?;
    stop.here()?;
    verifier.status(&alice)?;
    Ok(None)
}

fn keys(learned: &Learned, random: &Random) -> Result<(SealingKey, Keyring), Box<dyn Error>> {
    let older = SealingKey::generate_with(&mut Rng(random));
    let old = SealingKey::generate_with(&mut Rng(random));
    learned.learn(Kind::RecordKey, older.expose());
    learned.learn(Kind::RecordKey, old.expose());
    let kept = SealingKey::from_bytes(old.expose());
    let ring = Keyring::new(KeyId::new(2), old).with_retired(KeyId::new(1), older)?;
    Ok((kept, ring))
}

#[inline(never)]
fn live(
    learned: &Learned,
    verifier: &Verifier<MemoryStore>,
    clock: &ManualClock,
    alice: &AccountId,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let begun = verifier.begin_enrollment(alice, request, proof)?;
    let secret = begun.key_uri().secret();
    learn_secret(learned, secret);
    learn_codewords(learned, begun.key_uri());
    drop(begun.key_uri().to_secret_text());
    stop.here()?;

    let again = verifier.pending_enrollment(alice, begun.id())?;
    stop.here()?;
    rejected(verifier.confirm_enrollment(alice, again.id(), "000000"))?;
    stop.here()?;
    let otp = shown(secret, clock.now());
    let _receipt = verifier.confirm_enrollment(alice, begun.id(), learn_passcode(learned, &otp))?;
    stop.here()?;

    rejected(verifier.verify(alice, "000000"))?;
    stop.here()?;
    clock.advance(STEP);
    let otp = shown(secret, clock.now());
    let receipt = verifier.verify(alice, learn_passcode(learned, &otp))?;
    stop.here()?;
    rejected(verifier.verify(alice, otp.expose()))?;
    stop.here()?;

    let proof = Proof::Reauthenticated {
        password_checked_at: clock.now(),
        receipt: &verifier.seal_receipt(&receipt),
    };
    let codes = verifier.issue_backup_codes(alice, proof)?;
    for code in codes.iter() {
        learned.learn(Kind::BackupCode, code.as_bytes());
        let mut symbols = Zeroizing::new(String::with_capacity(code.len()));
        symbols.extend(code.chars().filter(|symbol| *symbol != ' '));
        learned.learn(Kind::BackupCode, symbols.as_bytes());
    }
    stop.here()?;
    let code = codes.iter().nth(3).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(alice, code)?;
    stop.here()?;
    rejected(verifier.verify(alice, code))?;
    stop.here()?;
    rejected(verifier.verify(alice, "0000 0000"))?;
    stop.here()?;

    clock.advance(STEP);
    let otp = shown(secret, clock.now());
    verifier.disable(alice, Proof::Code(learn_passcode(learned, &otp)))?;
    stop.here()?;
    Ok(())
}

/// What the owner's phone shows.
#[inline(never)]
pub(super) fn shown(secret: &Secret, at: Timestamp) -> Passcode {
    Totp::new(
        secret.expose(),
        Default::default(),
        Default::default(),
        Default::default(),
    )
    .generate(at)
}

fn rejected<T>(answer: Result<T, Denied>) -> Result<(), Box<dyn Error>> {
    match answer {
        Err(Denied::Rejected(_)) => Ok(()),
        Err(Denied::Failed(error)) => Err(error.into()),
        _ => Err("accepted what is wrong".into()),
    }
}
