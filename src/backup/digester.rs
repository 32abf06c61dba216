//! How a backup-code set makes the digest that it stores of each code.

use super::argon2::CodeHash;
use crate::backup::{Argon2Params, CodeFormat};
use crate::constant_time::reveal;
use crate::mac::{first_16, hmac_sha256};
use alloc::boxed::Box;
use core::fmt;
use hmac::Mac;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// What a backup-code set stores of each code, from
/// [`BackupCodeSet::digest`](crate::backup::BackupCodeSet::digest). The entropy of the codes
/// decides when the set is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeDigest {
    /// The password hash Argon2id (RFC 9106) with these parameters: for codes of less than 112
    /// bits. It takes milliseconds, so that an attacker who has the set cannot try all codes soon.
    Argon2id(Argon2Params),
    /// HMAC-SHA-256 (RFC 2104) under a random key of 256 bits, which is in the set: for codes of at
    /// least 112 bits. Nobody can try that many codes, so the digest may be fast (NIST SP 800-63B
    /// 3.1.2.2, OWASP ASVS 6.5.2). It takes microseconds.
    HmacSha256,
}

/// Makes the digests of a set. Two sets with equal digesters can share the digest of a typed code.
#[derive(Clone)]
pub(crate) struct Digester {
    /// Identifies the digester. It is also the salt of Argon2id.
    pub(super) salt: [u8; 16],
    pub(super) function: Function,
}

#[derive(Clone)]
pub(super) enum Function {
    Argon2id(Argon2Params),
    HmacSha256(DigestKey),
}

/// The random key of a set. It is wiped on drop.
#[derive(Clone)]
pub(super) struct DigestKey(pub(super) Box<[u8; 32]>);

impl Digester {
    pub(crate) const fn argon2id(salt: [u8; 16], params: Argon2Params) -> Self {
        let function = Function::Argon2id(params);
        Self { salt, function }
    }

    pub(crate) fn hmac_sha256(salt: [u8; 16], key: &[u8; 32]) -> Self {
        let function = Function::HmacSha256(DigestKey(Box::new(*key)));
        Self { salt, function }
    }

    /// Whether new codes of this format get the digest HMAC-SHA-256.
    pub(crate) const fn is_keyed_for(format: CodeFormat) -> bool {
        format.entropy_bits() >= KEYED_BITS
    }

    /// The digest of new codes of this format. `params` are for the password hash.
    #[cfg(feature = "verifier")]
    pub(crate) const fn digest_of(format: CodeFormat, params: Argon2Params) -> CodeDigest {
        match Self::is_keyed_for(format) {
            true => CodeDigest::HmacSha256,
            false => CodeDigest::Argon2id(params),
        }
    }

    pub(crate) const fn digest(&self) -> CodeDigest {
        match self.function {
            Function::Argon2id(params) => CodeDigest::Argon2id(params),
            Function::HmacSha256(_) => CodeDigest::HmacSha256,
        }
    }

    pub(crate) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }
}

impl DigestKey {
    /// The digest of a code, from its canonical symbols.
    pub(super) fn digest(&self, symbols: &[u8]) -> CodeHash {
        const DOMAIN: &[u8] = b"countersign backup code";
        first_16(
            hmac_sha256(&self.0)
                .chain_update(DOMAIN)
                .chain_update(symbols),
        )
    }
}

impl PartialEq for Digester {
    fn eq(&self, other: &Self) -> bool {
        let same_function = match (&self.function, &other.function) {
            (Function::Argon2id(one), Function::Argon2id(two)) => one == two,
            (Function::HmacSha256(one), Function::HmacSha256(two)) => {
                reveal(one.0.as_slice().ct_eq(two.0.as_slice()))
            }
            _ => false,
        };
        self.salt == other.salt && same_function
    }
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digest().fmt(f)
    }
}

impl Drop for Digester {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

impl Drop for DigestKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// NIST SP 800-63B 3.1.2.2 and OWASP ASVS 6.5.2 ask for a password hash below this entropy.
const KEYED_BITS: u32 = 112;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::Alphabet;

    #[test]
    fn the_digest_is_a_truncated_hmac() {
        // Computed with the module `hmac` of Python.
        let key = DigestKey(Box::new([7; 32]));
        let expected = [
            0x39, 0x3c, 0x85, 0xdf, 0x5f, 0xc7, 0x21, 0xd9, 0x4c, 0x3e, 0x2e, 0x7b, 0xff, 0x7c,
            0x8b, 0xcd,
        ];
        assert_eq!(key.digest(b"0123456789ABCDEFGHJKMNP"), expected);
    }

    #[test]
    fn only_long_codes_have_a_fast_digest() {
        let keyed = |alphabet, length| {
            Digester::is_keyed_for(CodeFormat::new(alphabet, length, 0, 1).unwrap())
        };
        assert!(Digester::is_keyed_for(CodeFormat::BITS_112));
        assert!(!Digester::is_keyed_for(CodeFormat::BITS_64));
        assert!(!Digester::is_keyed_for(CodeFormat::default()));
        assert!(keyed(Alphabet::Unambiguous, 23) && !keyed(Alphabet::Unambiguous, 22));
        // 32 digits have 106 bits.
        assert!(!keyed(Alphabet::Digits, 32));
    }

    #[test]
    fn digesters_are_equal_only_as_a_whole() {
        let params = |passes| Argon2Params::new(8, passes, 1).unwrap();
        let all = [
            Digester::argon2id([1; 16], params(1)),
            Digester::argon2id([2; 16], params(1)),
            Digester::argon2id([1; 16], params(2)),
            Digester::hmac_sha256([1; 16], &[1; 32]),
            Digester::hmac_sha256([2; 16], &[1; 32]),
            Digester::hmac_sha256([1; 16], &[2; 32]),
        ];
        for (place, one) in all.iter().enumerate() {
            for (other_place, other) in all.iter().enumerate() {
                assert_eq!(one == other, place == other_place);
            }
        }
        assert_eq!(std::format!("{:?}", all[3]), "HmacSha256");
    }
}
