//! The whole flow: enroll, confirm, log in, use backup codes, and rotate the key of the records.

use super::{Kept, add_codewords, add_passcode, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::blocking::Verifier;
use countersign::otp::{Hotp, Passcode, Secret, Totp};
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring, Policy, Proof, RequestId,
    SealingKey, Timestamp,
};
use std::error::Error;
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) const START: Timestamp = Timestamp::from_unix(1_800_000_000);
const STEP: Duration = Duration::from_secs(30);

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let store = MemoryStore::new();
    let clock = ManualClock::at(START);
    let alice = AccountId::new("alice")?;

    let (old, older_ring) = keys(known, &random)?;
    stop.here()?;
    let policy = Policy::builder().hotp_enrollment(true).build()?;
    let verifier =
        Verifier::builder_with_random(store.clone(), older_ring, "Example", random.clone())
            .policy(policy)
            .clock(clock.clone())
            .build_blocking()?;
    let bob = AccountId::new("bob")?;
    log_in_with_token(known, &verifier, &clock, &bob, stop)?;
    enroll_and_log_in(known, &verifier, &clock, &alice, stop)?;
    drop(verifier);

    let new = SealingKey::generate_with(&mut Rng(&random));
    known.add(Kind::RecordKey, new.expose());
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

fn keys(known: &KnownSecrets, random: &Random) -> Result<(SealingKey, Keyring), Box<dyn Error>> {
    let older = SealingKey::generate_with(&mut Rng(random));
    let old = SealingKey::generate_with(&mut Rng(random));
    known.add(Kind::RecordKey, older.expose());
    known.add(Kind::RecordKey, old.expose());
    let kept = SealingKey::from_bytes(old.expose());
    let ring = Keyring::new(KeyId::new(2), old).with_retired(KeyId::new(1), older)?;
    Ok((kept, ring))
}

#[inline(never)]
fn enroll_and_log_in(
    known: &KnownSecrets,
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
    add_secret(known, secret);
    add_codewords(known, begun.key_uri());
    drop(begun.key_uri().to_secret_text());
    stop.here()?;

    let again = verifier.pending_enrollment(alice, begun.id())?;
    stop.here()?;
    rejected(verifier.confirm_enrollment(alice, again.id(), "000000"))?;
    stop.here()?;
    let passcode = shown(secret, clock.now());
    let _receipt =
        verifier.confirm_enrollment(alice, begun.id(), add_passcode(known, &passcode))?;
    stop.here()?;

    rejected(verifier.verify(alice, "000000"))?;
    stop.here()?;
    clock.advance(STEP);
    let passcode = shown(secret, clock.now());
    let receipt = verifier.verify(alice, add_passcode(known, &passcode))?;
    stop.here()?;
    rejected(verifier.verify(alice, passcode.expose()))?;
    stop.here()?;

    clock.advance(STEP.saturating_mul(3));
    let now = clock.now().as_unix();
    let before = |seconds: u64| Timestamp::from_unix(now.saturating_sub(seconds));
    // One variable each: moving a passcode into an array would leave a copy.
    let one = shown(secret, before(60));
    let two = shown(secret, before(30));
    let three = shown(secret, before(0));
    let [one, two, three] = [&one, &two, &three].map(|passcode| add_passcode(known, passcode));
    rejected(verifier.verify_consecutive(alice, &[one, "000000", three]))?;
    stop.here()?;
    let _receipt = verifier.verify_consecutive(alice, &[one, two, three])?;
    stop.here()?;
    rejected(verifier.verify_consecutive(alice, &[one, two, three]))?;
    stop.here()?;

    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(clock.now()),
        receipt: &verifier.seal_receipt(&receipt),
    };
    let codes = verifier.issue_backup_codes(alice, proof)?;
    for code in codes.iter() {
        known.add(Kind::BackupCode, code.as_bytes());
        let mut symbols = Zeroizing::new(String::with_capacity(code.len()));
        symbols.extend(code.chars().filter(|symbol| *symbol != ' '));
        known.add(Kind::BackupCode, symbols.as_bytes());
    }
    stop.here()?;
    let code = codes.iter().nth(3).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(alice, code)?;
    stop.here()?;
    rejected(verifier.verify(alice, code))?;
    stop.here()?;
    rejected(verifier.verify(alice, "0000 0000"))?;
    stop.here()?;

    let request = RequestId::generate()?;
    clock.advance(STEP);
    let passcode = shown(secret, clock.now());
    let _receipt = verifier.verify_request(alice, add_passcode(known, &passcode), &request)?;
    stop.here()?;
    let _receipt = verifier.verify_request(alice, passcode.expose(), &request)?;
    stop.here()?;
    let code = codes.iter().nth(4).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify_request(alice, code, &request)?;
    stop.here()?;

    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(clock.now()),
        receipt: &verifier.seal_receipt(&receipt),
    };
    let pending = verifier.issue_backup_codes(alice, proof)?;
    for code in pending.iter() {
        known.add(Kind::BackupCode, code.as_bytes());
    }
    stop.here()?;
    let code = codes.iter().nth(5).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(alice, code)?;
    stop.here()?;
    let code = pending.iter().nth(5).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(alice, code)?;
    stop.here()?;

    clock.advance(STEP);
    let passcode = shown(secret, clock.now());
    _ = verifier.disable(alice, Proof::Code(add_passcode(known, &passcode)))?;
    stop.here()?;
    Ok(())
}

/// The same with passcodes from a counter.
#[inline(never)]
fn log_in_with_token(
    known: &KnownSecrets,
    verifier: &Verifier<MemoryStore>,
    clock: &ManualClock,
    bob: &AccountId,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let request = EnrollmentRequest::new("bob@example.com").hotp();
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let begun = verifier.begin_enrollment(bob, request, proof)?;
    let secret = begun.key_uri().secret();
    add_secret(known, secret);
    add_codewords(known, begun.key_uri());
    stop.here()?;
    let passcode = counter(secret, 1);
    let _receipt = verifier.confirm_enrollment(bob, begun.id(), add_passcode(known, &passcode))?;
    stop.here()?;
    rejected(verifier.verify(bob, passcode.expose()))?;
    stop.here()?;
    let passcode = counter(secret, 3);
    let _receipt = verifier.verify(bob, add_passcode(known, &passcode))?;
    stop.here()?;
    rejected(verifier.verify(bob, "000000"))?;
    stop.here()?;
    let one = counter(secret, 9);
    let two = counter(secret, 10);
    let three = counter(secret, 11);
    let four = counter(secret, 12);
    let row = [&one, &two, &three, &four].map(|passcode| add_passcode(known, passcode));
    let _receipt = verifier.verify_consecutive(bob, &row)?;
    stop.here()?;
    Ok(())
}

/// The passcode of a counter.
#[inline(never)]
fn counter(secret: &Secret, counter: u64) -> Passcode {
    Hotp::new(secret.expose(), Default::default(), Default::default()).generate(counter)
}

/// The passcode on the user's phone.
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
        Err(Denied::Rejected(_) | Denied::Repeated(_)) => Ok(()),
        Err(Denied::Failed(error)) => Err(error.into()),
        _ => Err("the verifier accepted a wrong code".into()),
    }
}
