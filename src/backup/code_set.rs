use super::argon2::Digest;
use crate::Timestamp;
use crate::backup::{
    Argon2Params, BackupCodes, CodeFormat, HashError, HashJob, Hashes, Pepper, PepperId,
};
use crate::constant_time::{reveal, reveal_index};
use crate::otp::Code;
use crate::stack_wipe::with_wiped_stack;
use alloc::vec::Vec;
use core::fmt;
use rand_core::CryptoRng;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroize;

/// One issued set of backup codes as it is kept: a digest of each code, and when it was used.
///
/// `Verifier` keeps one for each account, in the record that it seals. This type is for hosts that want
/// backup codes alone. Such a host
///
/// 1. stores [`encode`](Self::encode) under the account, together with a version that changes with every
///    write, and shows the codes once; a new set overwrites the old one;
/// 2. for an attempt, reads the bytes and the version, [`decode`](Self::decode)s and [`redeem`](Self::redeem)s;
/// 3. if that is `Ok`, writes the bytes back *on condition that the version is still the one it read*, and
///    lets the person in only when that write is known to have happened. If the version has changed, it
///    starts again from 2. Without the condition, two requests at the same time are accepted with one code.
///
/// It must also limit the attempts, for each account and before the digest is computed: NIST SP 800-63B
/// 3.1.2 asks for it below 64 bits, and a digest takes memory and time.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::backup::{Argon2Params, BackupCodeSet, BackupCodeSetError, BackupCodes, CodeFormat};
/// use countersign::otp::Code;
///
/// # #[cfg(feature = "getrandom")] {
/// # let mut rng = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
/// let codes = BackupCodes::generate_with(CodeFormat::default(), &mut rng)?;
/// let issued_at = Timestamp::from_unix(1_795_478_400);
/// let ledger = BackupCodeSet::issue(&codes, issued_at, Argon2Params::default(), None, &mut rng)?;
/// let stored = ledger.encode();
///
/// // Later, with what the person typed:
/// let typed = codes.iter().next().expect("a set has codes");
/// let now = Timestamp::from_unix(1_795_564_800);
/// let mut ledger = BackupCodeSet::decode(&stored)?;
/// let redemption = ledger.redeem(&Code::parse(typed)?, now, None)?;
/// assert_eq!(redemption.number(), 1);
/// assert_eq!(redemption.remaining(), 9);
/// let to_store = ledger.encode();
///
/// // And when somebody types it again:
/// let mut ledger = BackupCodeSet::decode(&to_store)?;
/// let again = ledger.redeem(&Code::parse(typed)?, now, None);
/// assert_eq!(again, Err(BackupCodeSetError::Used { number: 1, at: now }));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BackupCodeSet {
    pub(super) salt: [u8; 16],
    pub(super) params: Argon2Params,
    pub(super) format: CodeFormat,
    pub(super) issued_at: Timestamp,
    pub(super) pepper: Option<PepperId>,
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) digest: Digest,
    pub(super) used_at: Option<Timestamp>,
}

impl BackupCodeSet {
    /// The ledger of a new set. This computes a digest for each code, so it takes as long as that many
    /// attempts.
    ///
    /// # Errors
    /// [`HashError`] if a digest cannot be computed.
    pub fn issue<R: CryptoRng + ?Sized>(
        codes: &BackupCodes,
        issued_at: Timestamp,
        params: Argon2Params,
        pepper: Option<&Pepper>,
        rng: &mut R,
    ) -> Result<Self, HashError> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let digests = Self::issue_job(codes, salt, params, pepper).run()?;
        let pepper = pepper.map(Pepper::id);
        Ok(Self::from_digests(
            codes.format(),
            salt,
            params,
            issued_at,
            pepper,
            digests,
        ))
    }

    /// Looks for a code, and marks it as used at `at`.
    ///
    /// `pepper` is the one that the set was issued with; a set that was issued without one ignores it. One
    /// digest is computed, however many codes there are, and compared with all of them in constant time.
    ///
    /// # Errors
    /// [`BackupCodeSetError`], which leaves the ledger as it was. Tell the person that the code is wrong or was used;
    /// [`BackupCodeSetError::Digest`] and the errors about peppers are faults of the server.
    pub fn redeem(
        &mut self,
        passcode: &Code,
        at: Timestamp,
        pepper: Option<&Pepper>,
    ) -> Result<Redemption, BackupCodeSetError> {
        if !self.fits(passcode) {
            return Err(BackupCodeSetError::Shape);
        }
        let job = self
            .job(passcode, pepper)
            .ok_or_else(|| self.pepper_error(pepper))?;
        match self.find(&job.run()?) {
            Found::Unused(index) => {
                self.mark_used(index, at);
                Ok(Redemption::new(index, self.remaining()))
            }
            Found::Used(index) => {
                let code = self.status().nth(index).ok_or(BackupCodeSetError::Wrong)?;
                Err(BackupCodeSetError::Used {
                    number: code.number,
                    at: code.used_at.ok_or(BackupCodeSetError::Wrong)?,
                })
            }
            Found::Nothing => Err(BackupCodeSetError::Wrong),
        }
    }

    /// How many codes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.used_at.is_none())
            .count()
    }

    /// Every code of the set, in the order of the file.
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

    /// When the set was issued.
    #[must_use]
    pub const fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// What the codes look like.
    #[must_use]
    pub const fn format(&self) -> CodeFormat {
        self.format
    }

    /// How slow the digest is. A set issued with less than the host asks for today is worth replacing.
    #[must_use]
    pub const fn params(&self) -> Argon2Params {
        self.params
    }

    /// The pepper that the set was issued with.
    #[must_use]
    pub const fn pepper_id(&self) -> Option<PepperId> {
        self.pepper
    }

    /// The digests of a new set, for [`from_digests`](Self::from_digests).
    pub(crate) fn issue_job(
        codes: &BackupCodes,
        salt: [u8; 16],
        params: Argon2Params,
        pepper: Option<&Pepper>,
    ) -> HashJob {
        let length = codes.format().length();
        HashJob::new(salt, params, pepper.cloned(), codes.symbols(), length)
    }

    /// The ledger of the codes whose digests were computed by [`issue_job`](Self::issue_job), with the same
    /// format, salt, parameters and pepper.
    pub(crate) fn from_digests(
        format: CodeFormat,
        salt: [u8; 16],
        params: Argon2Params,
        issued_at: Timestamp,
        pepper: Option<PepperId>,
        digests: Hashes,
    ) -> Self {
        let entries = with_wiped_stack::<512, _>(|| {
            let unused = |digest: &Digest| Entry {
                digest: *digest,
                used_at: None,
            };
            digests.iter().map(unused).collect()
        });
        Self {
            salt,
            params,
            format,
            issued_at,
            pepper,
            entries,
        }
    }

    /// Whether what was typed could be a code of this set.
    pub(crate) fn fits(&self, passcode: &Code) -> bool {
        self.format.fits(passcode)
    }

    /// The one digest to be computed for an attempt, for [`find`](Self::find). `None` if what was typed does
    /// not [fit](Self::fits), or if it is not the pepper of this set.
    pub(crate) fn job(&self, passcode: &Code, pepper: Option<&Pepper>) -> Option<HashJob> {
        let symbols = self.format.canonical(passcode)?;
        let pepper = match self.pepper {
            None => None,
            Some(needed) => Some(pepper.filter(|pepper| pepper.id() == needed)?.clone()),
        };
        let length = self.format.length();
        Some(HashJob::new(
            *self.salt(),
            self.params,
            pepper,
            symbols,
            length,
        ))
    }

    /// Why there is no [`job`](Self::job) for a code that fits.
    fn pepper_error(&self, pepper: Option<&Pepper>) -> BackupCodeSetError {
        match (self.pepper, pepper.map(Pepper::id)) {
            (Some(needed), Some(given)) => BackupCodeSetError::PepperOther { needed, given },
            (Some(needed), None) => BackupCodeSetError::PepperMissing { needed },
            (None, _) => BackupCodeSetError::Shape,
        }
    }

    /// Compares the digest of an attempt with every entry, used ones too.
    pub(crate) fn find(&self, digests: &Hashes) -> Found {
        let mut digests = digests.iter();
        let (Some(digest), None) = (digests.next(), digests.next()) else {
            return Found::Nothing;
        };
        let mut place = 0_u16;
        let mut found = Choice::from(0);
        let mut used = Choice::from(0);
        for (index, entry) in (0_u16..).zip(&self.entries) {
            let hit = entry.digest.ct_eq(digest);
            place.conditional_assign(&index, hit);
            found |= hit;
            used |= hit & Choice::from(u8::from(entry.used_at.is_some()));
        }
        if !reveal(found) {
            return Found::Nothing;
        }
        let index = usize::from(reveal_index(place));
        if reveal(used) {
            Found::Used(index)
        } else {
            Found::Unused(index)
        }
    }

    /// Marks a code as used, unless it is so already. `index` counts from 0, as in [`Found`].
    pub(crate) fn mark_used(&mut self, index: usize, at: Timestamp) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.used_at.get_or_insert(at);
        }
    }

    /// The salt, which tells this set from any other.
    pub(crate) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }
}

impl PartialEq for BackupCodeSet {
    fn eq(&self, other: &Self) -> bool {
        let digests = self
            .entries
            .iter()
            .zip(&other.entries)
            .fold(Choice::from(1), |equal, (one, two)| {
                equal & one.digest.ct_eq(&two.digest)
            });
        self.salt == other.salt
            && self.params == other.params
            && self.format == other.format
            && self.issued_at == other.issued_at
            && self.pepper == other.pepper
            && self.status().eq(other.status())
            && reveal(digests)
    }
}

impl Eq for BackupCodeSet {}

impl fmt::Debug for BackupCodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackupCodeSet")
            .field("format", &self.format)
            .field("params", &self.params)
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
            .for_each(|entry| entry.digest.zeroize());
        self.salt.zeroize();
    }
}

/// One backup code, as [`BackupCodeSet::status`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeStatus {
    /// The number of the code, from 1, as in the file.
    pub number: usize,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

/// What a ledger holds for a digest. The index counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A code that was not used.
    Unused(usize),
    /// A code that was used.
    Used(usize),
    /// No code of this set.
    Nothing,
}

/// A code was accepted, and is marked as used in the ledger: which must now be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the ledger before you let anybody in, or the code can be used again"]
pub struct Redemption {
    index: usize,
    remaining: usize,
}

impl Redemption {
    pub(super) const fn new(index: usize, remaining: usize) -> Self {
        Self { index, remaining }
    }

    /// The number of the code, from 1, as in the file.
    #[must_use]
    pub const fn number(self) -> usize {
        self.index.saturating_add(1)
    }

    /// How many codes are left.
    #[must_use]
    pub const fn remaining(self) -> usize {
        self.remaining
    }
}

/// A code was not accepted, and nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackupCodeSetError {
    /// It does not have the length and the symbols of a code of this set. No digest was computed.
    #[error("the code does not have the form of a backup code")]
    Shape,
    /// It is not a code of this set. Count it as a failure.
    #[error("the backup code is wrong")]
    Wrong,
    /// It is a code of this set that was used before. Count it as a failure: without the count, somebody
    /// who found a used code has guesses for free.
    #[error("the backup code was used before")]
    Used {
        /// The number of the code, from 1, as in the file.
        number: usize,
        /// When it was used.
        at: Timestamp,
    },
    /// The set was issued with a pepper, and none is given.
    #[error("the backup codes need pepper {needed}")]
    PepperMissing {
        /// The pepper that the set was issued with.
        needed: PepperId,
    },
    /// The set was issued with another pepper than the one given.
    #[error("the backup codes need pepper {needed}, not {given}")]
    PepperOther {
        /// The pepper that the set was issued with.
        needed: PepperId,
        /// The pepper that was given.
        given: PepperId,
    },
    /// The digest could not be computed.
    #[error(transparent)]
    Digest(#[from] HashError),
}
