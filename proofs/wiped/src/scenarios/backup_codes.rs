//! Backup codes and backup-code sets alone, with a pepper.

use super::Kept;
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::Timestamp;
use countersign::backup::{
    Argon2Params, BackupCodeFile, BackupCodeSet, BackupCodeSetError, BackupCodes, CodeDigest,
    CodeFormat, Pepper, PepperId,
};
use countersign::otp::Code;
use std::error::Error;
use std::ops::Range;
use zeroize::Zeroizing;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
/// The header of the hashes of ten codes, a byte string of 160 bytes (RFC 8949).
const HASHES: [u8; 2] = [0x58, 160];
/// The place of the key in an encoded set of long codes, after version and salt.
const KEY: Range<usize> = 21..53;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    for format in [
        CodeFormat::default(),
        CodeFormat::BITS_64,
        CodeFormat::BITS_112,
    ] {
        issue_and_redeem(known, &random, format, stop)?;
    }
    Ok(None)
}

#[inline(never)]
fn issue_and_redeem(
    known: &KnownSecrets,
    random: &Random,
    format: CodeFormat,
    stop: &Stop,
) -> Result<(), Box<dyn Error>> {
    let mut key = Zeroizing::new(vec![0; 32]);
    countersign::runtime::RandomSource::fill(random, &mut key)?;
    let pepper = Pepper::new(PepperId::new(1), &key)?;
    let codes = BackupCodes::generate_with(format, &mut Rng(random))?;
    for code in codes.iter() {
        known.add(Kind::BackupCode, code.as_bytes());
    }
    stop.here()?;
    drop(codes.to_text(&BackupCodeFile::english("Example", "24 November 2026")));

    stop.here()?;
    let params = Argon2Params::default();
    let code_set = BackupCodeSet::issue(&codes, NOW, params, Some(&pepper), &mut Rng(random))?;
    let stored = Zeroizing::new(code_set.encode());
    let hashes = stored
        .windows(HASHES.len())
        .position(|window| window == HASHES)
        .and_then(|at| stored.get(at.saturating_add(HASHES.len())..)?.get(..160))
        .ok_or("the set has ten hashes")?;
    known.add(Kind::CodeHash, hashes);
    if code_set.digest() == CodeDigest::HmacSha256 {
        known.add(Kind::DigestKey, stored.get(KEY).ok_or("the set has a key")?);
    }
    stop.here()?;

    let mut code_set = BackupCodeSet::decode(&stored)?;
    let typed = Code::parse(codes.iter().nth(4).ok_or("a set has ten codes")?)?;
    let _redemption = code_set.redeem(&typed, NOW, Some(&pepper))?;
    stop.here()?;
    match code_set.redeem(&typed, NOW, Some(&pepper)) {
        Err(BackupCodeSetError::Used { .. }) => Ok(()),
        _ => Err("a code was accepted twice".into()),
    }
}
