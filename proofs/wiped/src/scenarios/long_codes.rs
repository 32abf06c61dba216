//! Backup codes of at least 112 bits: issued, accepted, refused, and a second set that is pending.

use super::login::{START, shown};
use super::{Kept, add_passcode, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::backup::CodeFormat;
use countersign::blocking::Verifier;
use countersign::store::MemoryStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, Denied, EnrollmentRequest, FirstFactor, IssuedBackupCodes, KeyId, Keyring, Policy,
    Proof, Rejection, SealedReceipt, SealingKey,
};
use std::error::Error;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    let alice = AccountId::new("alice")?;
    let key = SealingKey::generate_with(&mut Rng(&random));
    known.add(Kind::RecordKey, key.expose());
    let keyring = Keyring::new(KeyId::new(1), key);
    let verifier = Verifier::builder_with_random(MemoryStore::new(), keyring, "Example", random)
        .policy(
            Policy::builder()
                .code_format(CodeFormat::BITS_112)
                .build()?,
        )
        .clock(ManualClock::at(START))
        .build_blocking()?;

    let request = EnrollmentRequest::new("alice@example.com");
    let proof = Proof::Password { checked_at: START };
    let begun = verifier.begin_enrollment(&alice, request, proof)?;
    let secret = begun.key_uri().secret();
    add_secret(known, secret);
    let passcode = shown(secret, START);
    let receipt =
        verifier.confirm_enrollment(&alice, begun.id(), add_passcode(known, &passcode))?;
    let receipt = verifier.seal_receipt(&receipt);
    stop.here()?;

    let codes = issue(known, &verifier, &alice, &receipt)?;
    stop.here()?;
    let code = codes.iter().nth(3).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(&alice, code)?;
    stop.here()?;
    refused(verifier.verify(&alice, code))?;
    stop.here()?;
    refused(verifier.verify(&alice, "00000 00000 00000 00000 000"))?;
    stop.here()?;
    let pending = issue(known, &verifier, &alice, &receipt)?;
    stop.here()?;
    let code = codes.iter().nth(4).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(&alice, code)?;
    stop.here()?;
    let code = pending.iter().nth(4).ok_or("a set has ten codes")?;
    let _receipt = verifier.verify(&alice, code)?;
    stop.here()?;
    Ok(None)
}

fn issue(
    known: &KnownSecrets,
    verifier: &Verifier<MemoryStore>,
    alice: &AccountId,
    receipt: &SealedReceipt,
) -> Result<IssuedBackupCodes, Box<dyn Error>> {
    let first_factor = FirstFactor::password(START);
    let proof = Proof::Reauthenticated {
        first_factor,
        receipt,
    };
    let codes = verifier.issue_backup_codes(alice, proof)?;
    for code in codes.iter() {
        known.add(Kind::BackupCode, code.as_bytes());
    }
    Ok(codes)
}

fn refused<T>(outcome: Result<T, Denied>) -> Result<(), Box<dyn Error>> {
    match outcome {
        Err(Denied::Rejected(Rejection::WrongCode | Rejection::BackupCodeUsed)) => Ok(()),
        _ => Err("a code was accepted that must not be".into()),
    }
}
