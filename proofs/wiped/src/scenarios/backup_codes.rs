//! Backup codes and their ledger alone, with a pepper.

use super::Kept;
use crate::needles::{Kind, Learned};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::Timestamp;
use countersign::backup::{
    Argon2Params, BackupCodeFile, BackupCodeSet, BackupCodeSetError, BackupCodes, CodeFormat,
    Pepper, PepperId,
};
use countersign::otp::Code;
use std::error::Error;
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
/// How the digests of ten codes begin: a byte string of 160 bytes (RFC 8949).
const DIGESTS: [u8; 2] = [0x58, 160];

#[inline(never)]
pub(crate) fn run(learned: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    for format in [CodeFormat::default(), CodeFormat::BITS_64] {
        set(learned, &random, format, stop)?;
    }
    Ok(None)
}

#[inline(never)]
fn set(
    learned: &Learned,
    random: &Random,
    format: CodeFormat,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let mut key = Zeroizing::new(vec![0; 32]);
    countersign::runtime::RandomSource::fill(random, &mut key)?;
    let pepper = Pepper::new(PepperId::new(1), &key)?;
    let codes = BackupCodes::generate_with(format, &mut Rng(random))?;
    for code in codes.iter() {
        learned.learn(Kind::BackupCode, code.as_bytes());
    }
    stop.here()?;
    drop(codes.to_text(&BackupCodeFile::english("Example", "24 November 2026")));

    stop.here()?;
    let params = Argon2Params::default();
    let ledger = BackupCodeSet::issue(&codes, NOW, params, Some(&pepper), &mut Rng(random))?;
    let stored = Zeroizing::new(ledger.encode());
    let digests = stored
        .windows(DIGESTS.len())
        .position(|window| window == DIGESTS)
        .and_then(|at| stored.get(at.saturating_add(DIGESTS.len())..)?.get(..160))
        .ok_or("the ledger has ten digests")?;
    learned.learn(Kind::Digest, digests);
    stop.here()?;

    let mut ledger = BackupCodeSet::decode(&stored)?;
    let typed = Code::parse(codes.iter().nth(4).ok_or("a set has ten codes")?)?;
    let _redemption = ledger.redeem(&typed, NOW, Some(&pepper))?;
    stop.here()?;
    match ledger.redeem(&typed, NOW, Some(&pepper)) {
        Err(BackupCodeSetError::Used { .. }) => Ok(()),
        _ => Err("a code was accepted twice".into()),
    }
}
