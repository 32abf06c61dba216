//! A set of backup codes as your application stores it, and redeeming its codes.

use super::argon2::CodeHash;
use super::digester::Digester;
#[cfg(feature = "verifier")]
use super::digester::Function;
use crate::Timestamp;
use crate::backup::{
    Argon2Params, BackupCodes, CodeDigest, CodeFormat, HashError, HashJob, Hashes, Pepper, PepperId,
};
use crate::constant_time::{reveal, reveal_index};
use crate::otp::Code;
use crate::stack_wipe::with_wiped_stack;
use alloc::vec::Vec;
use core::fmt;
use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// An issued set of backup codes as you store it: the digest of each code, and when each code was
/// used.
///
/// The digest is the password hash Argon2id. Codes of at least 112 bits have a fast digest instead:
/// see [`CodeDigest`].
///
/// `Verifier` stores one set per account in its encrypted record. Use this type directly only for
/// backup codes without `Verifier`:
///
/// 1. [`issue`](Self::issue) a set. Store the bytes of [`encode`](Self::encode) under the account,
///    with a version that changes with every write. Then show the codes once. A new set overwrites
///    the old one.
/// 2. For each attempt, apply your rate limit first. Read the bytes and the version, call
///    [`decode`](Self::decode), then [`redeem`](Self::redeem).
/// 3. If `redeem` returns `Ok`, write the encoded set *on condition that the version is still the
///    one that you read*. If the version has changed, start again from step 2. Without the
///    condition, two concurrent requests are both accepted with one code.
/// 4. Let the user in only after that write has succeeded.
///
/// Limit the attempts per account before the hash is computed. NIST SP 800-63B 3.1.2 requires a
/// limit for codes below 64 bits, and each hash takes memory and time.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::backup::{Argon2Params, BackupCodeSet, BackupCodeSetError};
/// use countersign::backup::{BackupCodes, CodeFormat};
/// use countersign::otp::Code;
///
/// # #[cfg(feature = "getrandom")] {
/// # let mut rng = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
/// let codes = BackupCodes::generate_with(CodeFormat::default(), &mut rng)?;
/// let issued_at = Timestamp::from_unix(1_795_478_400);
/// let set = BackupCodeSet::issue(&codes, issued_at, Argon2Params::default(), None, &mut rng)?;
/// let stored = set.encode();
///
/// // Later the user types a code:
/// let typed = codes.iter().next().expect("a set has codes");
/// let now = Timestamp::from_unix(1_795_564_800);
/// let mut set = BackupCodeSet::decode(&stored)?;
/// let redemption = set.redeem(&Code::parse(typed)?, now, None)?;
/// assert_eq!(redemption.number(), 1);
/// assert_eq!(redemption.remaining(), 9);
/// let to_store = set.encode();
///
/// // The same code is refused the second time:
/// let mut set = BackupCodeSet::decode(&to_store)?;
/// let again = set.redeem(&Code::parse(typed)?, now, None);
/// assert_eq!(again, Err(BackupCodeSetError::Used { number: 1, at: now }));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BackupCodeSet {
    pub(super) digester: Digester,
    pub(super) format: CodeFormat,
    pub(super) issued_at: Timestamp,
    pub(super) pepper: Option<PepperId>,
    pub(super) entries: Vec<Entry>,
}

/// The stored form of one code.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) hash: CodeHash,
    pub(super) used_at: Option<Timestamp>,
}

impl BackupCodeSet {
    /// Makes the set to store for new codes.
    ///
    /// The method computes one digest per code, so it takes as long as that many attempts. `params`
    /// and the optional `pepper` (see [`Pepper`]) are for the password hash. Codes of at least 112
    /// bits have another digest ([`CodeDigest::HmacSha256`]), which needs neither.
    ///
    /// # Errors
    /// [`HashError`] if a hash cannot be computed.
    pub fn issue<R: CryptoRng + ?Sized>(
        codes: &BackupCodes,
        issued_at: Timestamp,
        params: Argon2Params,
        pepper: Option<&Pepper>,
        rng: &mut R,
    ) -> Result<Self, HashError> {
        let format = codes.format();
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let is_keyed = Digester::is_keyed_for(format);
        let digester = match is_keyed {
            true => {
                let mut key = Zeroizing::new([0; 32]);
                rng.fill_bytes(key.as_mut_slice());
                Digester::hmac_sha256(salt, &key)
            }
            false => Digester::argon2id(salt, params),
        };
        let pepper = pepper.filter(|_| !is_keyed);
        let hashes = Self::issue_job(codes, &digester, pepper).run()?;
        let pepper = pepper.map(Pepper::id);
        Ok(Self::from_hashes(
            format, digester, issued_at, pepper, hashes,
        ))
    }

    /// Checks a code, and marks it as used at `at`.
    ///
    /// Pass the pepper that the set was issued with. A set that was issued without a pepper ignores
    /// it. The method computes one digest, however many codes the set has. It compares the digest
    /// with all codes in constant time.
    ///
    /// # Errors
    /// [`BackupCodeSetError`] if the code is not accepted; the set is unchanged. Tell the user that
    /// the code is wrong or was used before. [`BackupCodeSetError::Hash`] and the errors about
    /// peppers are faults of the server.
    pub fn redeem(
        &mut self,
        code: &Code,
        at: Timestamp,
        pepper: Option<&Pepper>,
    ) -> Result<Redemption, BackupCodeSetError> {
        if !self.format.matches_shape(code) {
            return Err(BackupCodeSetError::Shape);
        }
        let job = self
            .redeem_job(code, pepper)
            .ok_or_else(|| self.pepper_error(pepper))?;
        match self.find(&job.run()?) {
            CodeMatch::Unused(index) => {
                self.mark_used(index, at);
                Ok(Redemption::new(index, self.remaining()))
            }
            CodeMatch::Used(index) => {
                let status = self.status().nth(index).ok_or(BackupCodeSetError::Wrong)?;
                Err(BackupCodeSetError::Used {
                    number: status.number,
                    at: status.used_at.ok_or(BackupCodeSetError::Wrong)?,
                })
            }
            CodeMatch::None => Err(BackupCodeSetError::Wrong),
        }
    }

    /// Returns how many codes are unused.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.used_at.is_none())
            .count()
    }

    /// Returns the status of every code of the set, in the order of the backup-code file.
    #[must_use]
    pub fn status(&self) -> impl ExactSizeIterator<Item = CodeStatus> {
        self.entries
            .iter()
            .enumerate()
            .map(|(index, entry)| CodeStatus {
                number: index.saturating_add(1),
                used_at: entry.used_at,
            })
    }

    /// Returns when the set was issued.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// Returns the format of the codes.
    #[must_use]
    pub const fn format(&self) -> CodeFormat {
        self.format
    }

    /// Returns what the set stores of each code. Replace a set whose password hash costs less than
    /// your current parameters.
    #[must_use]
    pub const fn digest(&self) -> CodeDigest {
        self.digester.digest()
    }

    /// Returns the id of the pepper that the set was issued with.
    #[must_use]
    pub const fn pepper_id(&self) -> Option<PepperId> {
        self.pepper
    }

    /// Returns the job that hashes new codes, for [`from_hashes`](Self::from_hashes).
    pub(crate) fn issue_job(
        codes: &BackupCodes,
        digester: &Digester,
        pepper: Option<&Pepper>,
    ) -> HashJob {
        let length = codes.format().length();
        HashJob::new(digester, pepper.cloned(), codes.symbols(), length)
    }

    /// Makes the set from the hashes of [`issue_job`](Self::issue_job). Pass the same format,
    /// digester and pepper.
    pub(crate) fn from_hashes(
        format: CodeFormat,
        digester: Digester,
        issued_at: Timestamp,
        pepper: Option<PepperId>,
        hashes: Hashes,
    ) -> Self {
        let entries = with_wiped_stack::<512, _>(|| {
            let unused = |hash: &CodeHash| Entry {
                hash: *hash,
                used_at: None,
            };
            hashes.iter().map(unused).collect()
        });
        Self {
            digester,
            format,
            issued_at,
            pepper,
            entries,
        }
    }

    /// Returns the job that hashes a typed code, for [`find`](Self::find).
    ///
    /// Returns `None` if the code does not have the format of this set, or if the pepper is not the
    /// pepper of this set.
    pub(crate) fn redeem_job(&self, code: &Code, pepper: Option<&Pepper>) -> Option<HashJob> {
        let symbols = self.format.canonical(code)?;
        let pepper = match self.pepper {
            None => None,
            Some(needed) => Some(pepper.filter(|pepper| pepper.id() == needed)?.clone()),
        };
        let length = self.format.length();
        Some(HashJob::new(&self.digester, pepper, symbols, length))
    }

    /// Returns the digest of a typed code, for [`find`](Self::find), if the digest is fast.
    ///
    /// Returns `None` if the set needs a [`redeem_job`](Self::redeem_job), or if the code does not
    /// have the format of this set.
    #[cfg(feature = "verifier")]
    pub(crate) fn fast_digest(&self, code: &Code) -> Option<Hashes> {
        match &self.digester.function {
            Function::Argon2id(_) => None,
            Function::HmacSha256(key) => {
                let symbols = self.format.canonical(code)?;
                Some(with_wiped_stack::<2048, _>(|| {
                    Hashes::one(key.digest(&symbols))
                }))
            }
        }
    }

    /// Returns the reason why there is no [`redeem_job`](Self::redeem_job) for a code of this
    /// format.
    fn pepper_error(&self, pepper: Option<&Pepper>) -> BackupCodeSetError {
        match (self.pepper, pepper.map(Pepper::id)) {
            (Some(needed), Some(given)) => BackupCodeSetError::PepperOther { needed, given },
            (Some(needed), None) => BackupCodeSetError::PepperMissing { needed },
            (None, _) => BackupCodeSetError::Shape,
        }
    }

    /// Finds the code with a hash. Compares the hash with every code, used codes included.
    pub(crate) fn find(&self, hashes: &Hashes) -> CodeMatch {
        let mut hashes = hashes.iter();
        let (Some(hash), None) = (hashes.next(), hashes.next()) else {
            return CodeMatch::None;
        };
        find_hash((0_u16..).zip(&self.entries).map(|(index, entry)| {
            let is_used = entry.used_at.is_some();
            (index, &entry.hash, hash, is_used)
        }))
    }

    /// Marks a code as used, unless it is marked already. `index` counts from 0, as in
    /// [`CodeMatch`].
    pub(crate) fn mark_used(&mut self, index: usize, at: Timestamp) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.used_at.get_or_insert(at);
        }
    }

    #[cfg(feature = "verifier")]
    pub(crate) const fn digester(&self) -> &Digester {
        &self.digester
    }
}

impl PartialEq for BackupCodeSet {
    fn eq(&self, other: &Self) -> bool {
        let hashes = self
            .entries
            .iter()
            .zip(&other.entries)
            .fold(Choice::from(1), |equal, (one, two)| {
                equal & one.hash.ct_eq(&two.hash)
            });
        self.digester == other.digester
            && self.format == other.format
            && self.issued_at == other.issued_at
            && self.pepper == other.pepper
            && self.status().eq(other.status())
            && reveal(hashes)
    }
}

impl Eq for BackupCodeSet {}

impl fmt::Debug for BackupCodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackupCodeSet")
            .field("format", &self.format)
            .field("digest", &self.digester)
            .field("issued_at", &self.issued_at)
            .field("pepper", &self.pepper)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

impl Drop for BackupCodeSet {
    fn drop(&mut self) {
        self.entries
            .iter_mut()
            .for_each(|entry| entry.hash.zeroize());
    }
}

/// The status of one backup code, from [`BackupCodeSet::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeStatus {
    /// The number of the code, from 1, as in the backup-code file.
    pub number: usize,
    /// When the code was used; `None` if it was not.
    pub used_at: Option<Timestamp>,
}

/// An accepted code, which is now marked as used in the set. Store the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the set before you let the user in, or the code can be used again"]
pub struct Redemption {
    index: usize,
    remaining: usize,
}

impl Redemption {
    pub(super) const fn new(index: usize, remaining: usize) -> Self {
        Self { index, remaining }
    }

    /// Returns the number of the code, from 1, as in the backup-code file.
    #[must_use]
    pub const fn number(self) -> usize {
        self.index.saturating_add(1)
    }

    /// Returns how many codes are unused.
    #[must_use]
    pub const fn remaining(self) -> usize {
        self.remaining
    }
}

/// The error for a code that is not accepted. The set is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupCodeSetError {
    /// The code does not have the length and the symbols of this set. No hash was computed.
    #[error("the code does not have the format of a backup code")]
    Shape,
    /// The code is not in this set. Count it as a failure.
    #[error("the backup code is wrong")]
    Wrong,
    /// The code is in this set, and was used before. Count it as a failure: otherwise an attacker
    /// who found a used code has free guesses.
    #[error("the backup code was used before")]
    Used {
        /// The number of the code, from 1, as in the backup-code file.
        number: usize,
        /// When the code was used.
        at: Timestamp,
    },
    /// The set was issued with a pepper, and you passed none.
    #[error("the backup-code set needs pepper {needed}; none was given")]
    PepperMissing {
        /// The id of the pepper that the set was issued with.
        needed: PepperId,
    },
    /// The set was issued with another pepper than the one that you passed.
    #[error("the backup-code set needs pepper {needed}, not {given}")]
    PepperOther {
        /// The id of the pepper that the set was issued with.
        needed: PepperId,
        /// The id of the pepper that you passed.
        given: PepperId,
    },
    /// The hash could not be computed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// Compares pairs of hashes in constant time. Each pair has the index of its code, and whether the
/// code was used.
#[inline]
pub(super) fn find_hash<'a>(
    pairs: impl Iterator<Item = (u16, &'a CodeHash, &'a CodeHash, bool)>,
) -> CodeMatch {
    let (mut place, mut last) = (0_u16, 0);
    // All ones or 0. A `Choice` hides its two values from the compiler, so these masks become no
    // branches.
    let (mut found, mut used) = (0_u16, 0_u16);
    for (index, stored, computed, is_used) in pairs {
        let hit = u16::from(is_equal(stored, computed).unwrap_u8()).wrapping_neg();
        place ^= hit & (place ^ index);
        found |= hit;
        used |= if is_used { hit } else { 0 };
        last = index;
    }
    if !reveal(choice(found)) {
        return CodeMatch::None;
    }
    let index = usize::from(reveal_index(place, last));
    if reveal(choice(used)) {
        CodeMatch::Used(index)
    } else {
        CodeMatch::Unused(index)
    }
}

/// Compares two hashes by words. A comparison of slices calls a function for each byte.
fn is_equal(one: &CodeHash, two: &CodeHash) -> Choice {
    let difference = u128::from_ne_bytes(*one) ^ u128::from_ne_bytes(*two);
    ((difference >> 64) as u64 | difference as u64).ct_eq(&0)
}

fn choice(mask: u16) -> Choice {
    Choice::from((mask & 1) as u8)
}

/// The result of [`BackupCodeSet::find`]. The index counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeMatch {
    /// The hash belongs to a code that was not used.
    Unused(usize),
    /// The hash belongs to a code that was used.
    Used(usize),
    /// The hash belongs to no code of this set.
    None,
}

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_takes_one_hash_however_many_codes_there_are() {
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let codes = BackupCodes::generate(CodeFormat::default()).unwrap();
        let digester = Digester::argon2id([1; 16], params);
        let hashes = BackupCodeSet::issue_job(&codes, &digester, None)
            .run()
            .unwrap();
        assert_eq!(hashes.iter().len(), 10);

        let at = Timestamp::UNIX_EPOCH;
        let set = BackupCodeSet::from_hashes(codes.format(), digester, at, None, hashes);
        let code = Code::parse(codes.iter().nth(3).unwrap()).unwrap();
        let hashes = set.redeem_job(&code, None).unwrap().run().unwrap();
        assert_eq!(hashes.iter().len(), 1);
        assert_eq!(set.find(&hashes), CodeMatch::Unused(3));
    }
}
