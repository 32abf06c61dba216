//! Random tokens, and the hashes that the database stores instead of the tokens.

use countersign::otp::RandomError;
use countersign::runtime::{RandomSource, SystemRandom};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// 128 random bits, as 32 hexadecimal digits.
pub(crate) fn new() -> Result<String, RandomError> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    Ok(HEXLOWER.encode(&bytes))
}

/// The hash that is stored instead of a token: an attacker who reads the database cannot use it.
pub(crate) fn hash(token: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(&Sha256::digest(token))
}
