//! The password hashes of other systems: bcrypt, PBKDF2, Argon2 and SHA-2.

use super::argon2::{CodeHash, HashMemory};
use crate::backup::{CodeShape, HashError};
#[cfg(feature = "imported-hashes")]
use crate::block_hash::Sha1;
use crate::block_hash::{Sha256, Sha512};
use crate::constant_time::reveal;
use crate::otp::Algorithm;
use alloc::boxed::Box;
use argon2::{Argon2, Params, Version};
use core::fmt;
use core::time::Duration;
use sha1::Digest;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The hash of one imported code: how to compute it, and its first 128 bits.
///
/// 128 bits are enough to compare, as in our own sets. No hash form below gives other first bytes
/// if fewer bytes are asked for, except Argon2, which keeps its output length.
#[derive(Clone)]
pub(super) struct ForeignHash {
    pub(super) input: HashInput,
    pub(super) hash: CodeHash,
}

/// The form of a hash, and its salt. Wiped on drop.
#[derive(Clone)]
pub(super) struct HashInput {
    pub(super) form: HashForm,
    pub(super) salt: Box<[u8]>,
}

/// A hash function of another system, and its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashForm {
    Bcrypt {
        cost: u8,
    },
    Pbkdf2 {
        function: Algorithm,
        iterations: u32,
    },
    Argon2 {
        variant: argon2::Algorithm,
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        /// The bytes of the whole hash, which Argon2 hashes too.
        output: u8,
    },
    /// The hash of the salt followed by the code.
    Sha2(Sha2),
}

/// The functions of the SHA-2 family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sha2 {
    Sha256,
    Sha512,
}

impl HashForm {
    /// Checks that every field is in its range, for codes of a shape. A hash that is out of range
    /// is neither imported nor decoded.
    pub(super) fn check(self, salt: &[u8], shape: &CodeShape) -> Result<(), HashStringError> {
        let bytes = salt.len();
        let (cost_fits, salts, too_costly) = match self {
            Self::Bcrypt { cost } => (
                (4..=MAX_BCRYPT_COST).contains(&cost),
                16..=16,
                HashStringError::BcryptCost { cost },
            ),
            Self::Pbkdf2 { iterations, .. } => (
                (1..=MAX_ITERATIONS).contains(&iterations),
                1..=MAX_SALT,
                HashStringError::Iterations { iterations },
            ),
            Self::Argon2 {
                memory_kib,
                passes,
                lanes,
                ..
            } => (
                (1..=MAX_LANES).contains(&lanes)
                    && (lanes.saturating_mul(8)..=MAX_MEMORY_KIB).contains(&memory_kib)
                    && (1..=MAX_PASSES).contains(&passes),
                8..=MAX_SALT,
                HashStringError::Argon2Cost {
                    memory_kib,
                    passes,
                    lanes,
                },
            ),
            Self::Sha2(_) => (true, 0..=MAX_SALT, HashStringError::Malformed),
        };
        let bits = shape.entropy_bits();
        let is_weak = bytes < MIN_SHA2_SALT && bits < UNSALTED_BITS;
        let text = shape.hashed_bytes();
        match self {
            _ if !cost_fits => Err(too_costly),
            _ if !salts.contains(&bytes) => Err(HashStringError::Salt { bytes }),
            Self::Sha2(_) if is_weak => Err(HashStringError::Unsalted { bits }),
            Self::Bcrypt { .. } if text > MAX_BCRYPT_TEXT => {
                Err(HashStringError::TooLongForBcrypt { bytes: text })
            }
            Self::Argon2 { output, .. } if !(16..=64).contains(&output) => {
                Err(HashStringError::Malformed)
            }
            _ => Ok(()),
        }
    }

    /// Returns the time of one hash by the table in `ImportedCodes::work`, rounded up to
    /// milliseconds.
    ///
    /// The table is fixed, so every server refuses the same sets. It rounds what one hash took on a
    /// computer with other work (release build, best of 40 runs):
    ///
    /// - bcrypt of cost 12: 345 ms; of cost 10: 67 ms
    /// - 100,000 iterations of PBKDF2 with SHA-1, SHA-256 and SHA-512: 21, 26 and 73 ms
    /// - Argon2id with 19 MiB and two passes: 26 ms, and 20 ms without other work
    /// - SHA-512: less than 1 microsecond
    pub(super) fn work(self) -> Duration {
        let milliseconds = match self {
            Self::Bcrypt { cost } => {
                let at_16 = 16_u64.saturating_mul(BCRYPT_12_MS);
                let halvings = 16_u32.saturating_sub(u32::from(cost));
                at_16.div_ceil(1_u64.checked_shl(halvings).unwrap_or(u64::MAX))
            }
            Self::Pbkdf2 {
                function,
                iterations,
            } => {
                let per_100_000 = match function {
                    Algorithm::Sha1 => PBKDF2_SHA1_MS,
                    Algorithm::Sha256 => PBKDF2_SHA256_MS,
                    Algorithm::Sha512 => PBKDF2_SHA512_MS,
                };
                u64::from(iterations)
                    .saturating_mul(per_100_000)
                    .div_ceil(100_000)
            }
            Self::Argon2 {
                memory_kib, passes, ..
            } => u64::from(memory_kib)
                .saturating_mul(u64::from(passes))
                .div_ceil(ARGON2_KIB_PER_MS),
            Self::Sha2(_) => 0,
        };
        Duration::from_millis(milliseconds)
    }

    /// The feature that this build needs to compute the hash, but does not have.
    pub(super) const fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Bcrypt { .. } | Self::Pbkdf2 { .. } if !cfg!(feature = "imported-hashes") => {
                Some(FEATURE)
            }
            _ => None,
        }
    }
}

impl HashInput {
    /// Computes the first 128 bits of the hash of a text.
    pub(super) fn compute(
        &self,
        text: &[u8],
        hash: &mut CodeHash,
        memory: &mut HashMemory,
    ) -> Result<(), HashError> {
        match self.form {
            HashForm::Bcrypt { cost } => bcrypt(cost, &self.salt, text, hash),
            HashForm::Pbkdf2 {
                function,
                iterations,
            } => pbkdf2(function, iterations, &self.salt, text, hash),
            HashForm::Argon2 {
                variant,
                memory_kib,
                passes,
                lanes,
                output,
            } => {
                let length = usize::from(output);
                let params = Params::new(memory_kib, passes, lanes, Some(length))
                    .map_err(|_| HashError::Refused)?;
                let mut blocks = memory
                    .lend(params.block_count())
                    .ok_or(HashError::OutOfMemory { memory_kib })?;
                let mut whole = Zeroizing::new([0; 64]);
                let whole = whole.get_mut(..length).ok_or(HashError::Refused)?;
                Argon2::new(variant, Version::V0x13, params)
                    .hash_password_into_with_memory(text, &self.salt, whole, &mut *blocks)
                    .map_err(|_| HashError::Refused)?;
                keep_start(whole, hash)
            }
            HashForm::Sha2(Sha2::Sha256) => sha2::<Sha256>(&self.salt, text, hash),
            HashForm::Sha2(Sha2::Sha512) => sha2::<Sha512>(&self.salt, text, hash),
        }
    }
}

#[cfg(feature = "imported-hashes")]
fn bcrypt(cost: u8, salt: &[u8], text: &[u8], hash: &mut CodeHash) -> Result<(), HashError> {
    let salt = salt.try_into().map_err(|_| HashError::Refused)?;
    // bcrypt hashes the text and a NUL, at most 72 bytes together.
    let mut padded = Zeroizing::new([0; MAX_BCRYPT_TEXT]);
    let length = text.len().saturating_add(1).min(MAX_BCRYPT_TEXT);
    padded
        .get_mut(..text.len())
        .ok_or(HashError::Refused)?
        .copy_from_slice(text);
    let read = padded.get(..length).ok_or(HashError::Refused)?;
    if cost > MAX_BCRYPT_COST {
        return Err(HashError::Refused);
    }
    let whole = Zeroizing::new(bcrypt::bcrypt(u32::from(cost), salt, read));
    keep_start(&*whole, hash)
}

#[cfg(feature = "imported-hashes")]
fn pbkdf2(
    function: Algorithm,
    iterations: u32,
    salt: &[u8],
    text: &[u8],
    hash: &mut CodeHash,
) -> Result<(), HashError> {
    match function {
        Algorithm::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(text, salt, iterations, hash),
        Algorithm::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(text, salt, iterations, hash),
        Algorithm::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(text, salt, iterations, hash),
    }
    Ok(())
}

#[cfg(not(feature = "imported-hashes"))]
const fn bcrypt(_: u8, _: &[u8], _: &[u8], _: &mut CodeHash) -> Result<(), HashError> {
    Err(HashError::FeatureMissing { feature: FEATURE })
}

#[cfg(not(feature = "imported-hashes"))]
const fn pbkdf2(
    _: Algorithm,
    _: u32,
    _: &[u8],
    _: &[u8],
    _: &mut CodeHash,
) -> Result<(), HashError> {
    Err(HashError::FeatureMissing { feature: FEATURE })
}

fn sha2<D: Digest>(salt: &[u8], text: &[u8], hash: &mut CodeHash) -> Result<(), HashError> {
    let mut whole = D::new().chain_update(salt).chain_update(text).finalize();
    let kept = keep_start(&whole, hash);
    whole.as_mut_slice().zeroize();
    kept
}

/// Copies the first 128 bits of a hash.
fn keep_start(whole: &[u8], hash: &mut CodeHash) -> Result<(), HashError> {
    *hash = *whole.first_chunk().ok_or(HashError::Refused)?;
    Ok(())
}

impl PartialEq for ForeignHash {
    fn eq(&self, other: &Self) -> bool {
        self.input.form == other.input.form
            && self.input.salt == other.input.salt
            && reveal(self.hash.ct_eq(&other.hash))
    }
}

impl Eq for ForeignHash {}

impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignHash")
            .field("form", &self.input.form)
            .finish_non_exhaustive()
    }
}

impl Drop for ForeignHash {
    fn drop(&mut self) {
        self.hash.zeroize();
    }
}

impl Drop for HashInput {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

/// The error for a hash string of another system. It does not show the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashStringError {
    /// The string has none of the forms of
    /// [`ImportedCodes::hashed`](crate::backup::ImportedCodes::hashed).
    #[error("unknown form; see `ImportedCodes::hashed` for the known forms")]
    UnknownForm,
    /// The string has a known form, but is damaged or cut short, or its hash has fewer than 16
    /// bytes.
    #[error("the hash string is damaged or cut short")]
    Malformed,
    /// The cost of bcrypt is not from 4 to 16.
    #[error("the bcrypt cost is {cost}; use 4 to 16")]
    BcryptCost {
        /// The cost.
        cost: u8,
    },
    /// The iterations of PBKDF2 are not from 1 to 10,000,000.
    #[error("PBKDF2 has {iterations} iterations; use 1 to 10000000")]
    Iterations {
        /// The number of iterations.
        iterations: u32,
    },
    /// A parameter of Argon2 is out of range.
    #[error(
        "Argon2 has {memory_kib} KiB, {passes} passes and {lanes} lanes; use at least 8 KiB per \
         lane, and at most 262144 KiB, 64 passes and 16 lanes"
    )]
    Argon2Cost {
        /// The memory in KiB.
        memory_kib: u32,
        /// The number of passes.
        passes: u32,
        /// The number of lanes.
        lanes: u32,
    },
    /// The salt is longer than 64 bytes, or too short for its hash function.
    #[error("the salt has {bytes} bytes; use at most 64, at least 8 for Argon2 and 1 for PBKDF2")]
    Salt {
        /// The bytes of the salt.
        bytes: usize,
    },
    /// A SHA-2 hash has a salt of fewer than 8 bytes, and codes of fewer than 60 bits.
    #[error("SHA-2 without a salt of 8 bytes needs codes of 60 bits; these codes have {bits}")]
    Unsalted {
        /// The entropy of one code.
        bits: u32,
    },
    /// bcrypt reads at most 72 bytes of a text.
    #[error("bcrypt hashes 72 bytes; the text of a code has {bytes}")]
    TooLongForBcrypt {
        /// The bytes of the hashed text.
        bytes: usize,
    },
    /// This build cannot compute the hash.
    #[error("the hash needs the feature `{feature}`; enable it in Cargo.toml")]
    FeatureMissing {
        /// The name of the feature.
        feature: &'static str,
    },
}

/// The feature for hashes whose crates are not in the default build.
const FEATURE: &str = "imported-hashes";

/// The longest text that bcrypt hashes as a whole.
const MAX_BCRYPT_TEXT: usize = 72;

/// The longest salt.
const MAX_SALT: usize = 64;

/// The shortest salt with which a SHA-2 hash counts as salted.
const MIN_SHA2_SALT: usize = 8;

/// The entropy of a code from which a SHA-2 hash needs no salt.
const UNSALTED_BITS: u32 = 60;

const MAX_BCRYPT_COST: u8 = 16;
const MAX_ITERATIONS: u32 = 10_000_000;
const MAX_MEMORY_KIB: u32 = 262_144;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 16;

const BCRYPT_12_MS: u64 = 250;
const PBKDF2_SHA1_MS: u64 = 20;
const PBKDF2_SHA256_MS: u64 = 25;
const PBKDF2_SHA512_MS: u64 = 75;
const ARGON2_KIB_PER_MS: u64 = 2_000;

#[cfg(all(test, not(feature = "imported-hashes")))]
mod tests {
    use super::*;

    #[test]
    fn a_stored_hash_without_its_feature_is_an_error() {
        let pbkdf2 = HashForm::Pbkdf2 {
            function: Algorithm::Sha1,
            iterations: 1,
        };
        for form in [HashForm::Bcrypt { cost: 4 }, pbkdf2] {
            let salt = [0; 16].into();
            let computed =
                HashInput { form, salt }.compute(b"code", &mut [0; 16], &mut HashMemory::new());
            let feature = "imported-hashes";
            assert_eq!(computed, Err(HashError::FeatureMissing { feature }));
        }
    }
}
