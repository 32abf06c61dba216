//! Random tokens, and the digests of them that the database keeps.

use countersign::otp::RandomError;
use countersign::runtime::{RandomSource, SystemRandom};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 128 random bits, as 32 hexadecimal digits.
pub(crate) fn new() -> Result<String, RandomError> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    Ok(HEXLOWER.encode(&bytes))
}

/// What is kept in the place of a token: whoever reads the database cannot use it.
pub(crate) fn digest(token: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(token))
}

/// Whether two tokens are the same, in a time that tells nothing of how much of them is.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
