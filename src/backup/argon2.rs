use crate::backup::Pepper;
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use argon2::{Argon2, Block, Params, Version};
use core::fmt;
use core::ops::{Deref, DerefMut};
use zeroize::{Zeroize, Zeroizing};

/// Digests to be computed: slow on purpose, so a server runs them where they hold nobody up (a pool of
/// threads, with a limit on how many run at a time). Owns all that it needs. Wiped on drop.
#[must_use = "nothing is computed until it runs"]
pub struct HashJob {
    salt: [u8; 16],
    params: Argon2Params,
    pepper: Option<Pepper>,
    /// The symbols of all codes in one row.
    symbols: Zeroizing<Vec<u8>>,
    code_length: u8,
}

impl HashJob {
    pub(super) const fn new(
        salt: [u8; 16],
        params: Argon2Params,
        pepper: Option<Pepper>,
        symbols: Zeroizing<Vec<u8>>,
        code_length: u8,
    ) -> Self {
        Self {
            salt,
            params,
            pepper,
            symbols,
            code_length,
        }
    }

    /// Computes the digests, one after the other, in memory that is allocated once and wiped at the end.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`] if the memory that the parameters ask for cannot be had.
    pub fn run(self) -> Result<Hashes, HashError> {
        self.run_in(&mut HashMemory::new())
    }

    /// As `run`, in memory that another job may have left.
    pub(crate) fn run_in(self, memory: &mut HashMemory) -> Result<Hashes, HashError> {
        with_wiped_stack::<8192, _>(|| self.compute(memory))
    }

    fn compute(self, memory: &mut HashMemory) -> Result<Hashes, HashError> {
        let params = Params::new(
            self.params.memory_kib(),
            self.params.passes(),
            self.params.lanes(),
            Some(size_of::<Digest>()),
        )
        .map_err(|_| HashError::Refused)?;
        let mut blocks = memory
            .lend(params.block_count())
            .ok_or(HashError::OutOfMemory {
                memory_kib: self.params.memory_kib(),
            })?;
        let argon2 = match &self.pepper {
            None => Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params),
            Some(pepper) => Argon2::new_with_secret(
                pepper.key(),
                argon2::Algorithm::Argon2id,
                Version::V0x13,
                params,
            )
            .map_err(|_| HashError::Refused)?,
        };

        let codes = self.symbols.chunks_exact(usize::from(self.code_length));
        let mut digests = Hashes::new(vec![Digest::default(); codes.len()].into_boxed_slice());
        for (code, digest) in codes.zip(digests.iter_mut()) {
            argon2
                .hash_password_into_with_memory(code, &self.salt, digest, &mut *blocks)
                .map_err(|_| HashError::Refused)?;
        }
        Ok(digests)
    }
}

impl fmt::Debug for HashJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashJob")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// A digest could not be computed. This is neither a right code nor a wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The memory cannot be had.
    #[error("the {memory_kib} KiB of memory that a digest takes cannot be had")]
    OutOfMemory {
        /// The memory that was asked for.
        memory_kib: u32,
    },
    /// Argon2 refused its input.
    #[error("the digest refused its input")]
    Refused,
}

/// The digest of one code: 128 bits, so that a chance hit is out of the question.
pub(super) type Digest = [u8; 16];

/// What a [`HashJob`](crate::backup::HashJob) computed: one digest a code. Wiped on drop, because short codes
/// can be searched for by their digests.
pub struct Hashes(Box<[Digest]>);

impl Hashes {
    pub(super) const fn new(digests: Box<[Digest]>) -> Self {
        Self(digests)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Digest> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Digest> {
        self.0.iter_mut()
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashes")
            .field("count", &self.0.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Hashes {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// What Argon2 computes in, kept from one digest to the next.
///
/// Blocks are aligned to 64 bytes, and glibc does not find the place again that such an allocation was in: a process that
/// allocates for each digest grows by 19 MiB with nearly every one, for a long time (`cargo bench --bench storm`).
pub(crate) struct HashMemory(Vec<Block>);

impl HashMemory {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// So many blocks, unless they cannot be had.
    pub(super) fn lend(&mut self, blocks: usize) -> Option<LentBlocks<'_>> {
        if self.0.len() < blocks {
            self.0 = vec![];
            self.0.try_reserve_exact(blocks).ok()?;
            self.0.resize(blocks, Block::new());
        }
        self.0.get_mut(..blocks).map(LentBlocks)
    }
}

/// Wiped on drop: from what is in them the codes could be searched for faster than from their digests.
pub(super) struct LentBlocks<'a>(&'a mut [Block]);

impl Deref for LentBlocks<'_> {
    type Target = [Block];

    fn deref(&self) -> &[Block] {
        self.0
    }
}

impl DerefMut for LentBlocks<'_> {
    fn deref_mut(&mut self) -> &mut [Block] {
        self.0
    }
}

impl Drop for LentBlocks<'_> {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// How slow the digest of a backup code is: the parameters of Argon2id (RFC 9106, section 3.1).
///
/// Eight digits are 26 bits. Whoever reads a ledger can try them all, and each try costs what the digest
/// costs: memory and time are all that stands between a stolen database and the codes. Go below
/// [`OWASP_MINIMUM`](Self::OWASP_MINIMUM) only for codes that no search can reach
/// ([`CodeFormat::BITS_112`](crate::backup::CodeFormat::BITS_112)), and in tests.
///
/// The parameters are kept in the ledger, so that new sets can have others and old ones stay valid.
///
/// ```
/// use countersign::backup::Argon2Params;
///
/// // The other variant of OWASP ASVS 5.0, appendix C.
/// let params = Argon2Params::new(47_104, 1, 1)?;
/// assert_eq!(params.memory_kib(), 47_104);
/// # Ok::<(), countersign::backup::Argon2ParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Argon2Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2Params {
    /// 19 MiB, two passes, one lane: the least that the OWASP password storage cheat sheet recommends for
    /// Argon2id, and the default here.
    pub const OWASP_MINIMUM: Self = Self {
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// The most memory that a digest may take: 256 MiB.
    pub const MAX_MEMORY_KIB: u32 = 262_144;

    /// Checks parameters: the memory in KiB (m) at least eight times the lanes and at most
    /// [`MAX_MEMORY_KIB`](Self::MAX_MEMORY_KIB), 1 to 16 passes (t), 1 to 4 lanes (p). Lanes are computed
    /// one after the other: more of them make a digest weaker, not faster.
    ///
    /// The lower bounds are those of Argon2 itself, not advice: `new(8, 1, 1)` is for tests.
    ///
    /// # Errors
    /// [`Argon2ParamsError`] names the parameter that is out of bounds.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Argon2ParamsError> {
        if lanes == 0 || lanes > 4 {
            return Err(Argon2ParamsError::Lanes { lanes });
        }
        if passes == 0 || passes > 16 {
            return Err(Argon2ParamsError::Passes { passes });
        }
        if memory_kib < lanes.saturating_mul(8) || memory_kib > Self::MAX_MEMORY_KIB {
            return Err(Argon2ParamsError::Memory { memory_kib });
        }
        Ok(Self {
            memory_kib,
            passes,
            lanes,
        })
    }

    /// The memory in KiB: m.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// The number of passes over the memory: t.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// The number of lanes: p.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self::OWASP_MINIMUM
    }
}

/// Parameters that the digest cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Argon2ParamsError {
    /// The memory is less than 8 KiB a lane, or more than 256 MiB.
    #[error("the memory is {memory_kib} KiB; at least 8 a lane and at most 262144 are possible")]
    Memory {
        /// The memory asked for.
        memory_kib: u32,
    },
    /// The number of passes is not 1 to 16.
    #[error("the passes are {passes}; 1 to 16 are possible")]
    Passes {
        /// The passes asked for.
        passes: u32,
    },
    /// The number of lanes is not 1 to 4.
    #[error("the lanes are {lanes}; 1 to 4 are possible")]
    Lanes {
        /// The lanes asked for.
        lanes: u32,
    },
}

#[cfg(test)]
mod params_tests {
    use super::*;

    fn fill(blocks: &mut [Block]) {
        for block in blocks {
            block.as_mut().fill(u64::MAX);
        }
    }

    fn is_wiped(blocks: &[Block]) -> bool {
        let mut words = blocks.iter().flat_map(AsRef::as_ref);
        words.all(|word: &u64| *word == 0)
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error_and_no_abort() {
        let mut memory = HashMemory::new();
        assert!(memory.lend(usize::MAX / Block::SIZE).is_none());
        assert_eq!(memory.lend(8).unwrap().len(), 8);
    }

    #[test]
    fn it_is_wiped_after_each_use_and_lent_again() {
        let mut memory = HashMemory::new();
        fill(&mut memory.lend(16).unwrap());
        let place = memory.0.as_ptr();
        for blocks in [16, 8] {
            let again = memory.lend(blocks).unwrap();
            assert!(again.len() == blocks && is_wiped(&again));
        }
        assert!(is_wiped(&memory.0));
        assert_eq!(memory.0.as_ptr(), place, "the same memory");
        assert_eq!(memory.lend(32).unwrap().len(), 32);
    }
}

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::backup::Found;
    use crate::backup::{BackupCodeSet, BackupCodes, CodeFormat};
    use crate::otp::Code;

    #[test]
    fn a_digest_is_the_same_in_memory_that_another_job_has_left() {
        let digests = |memory_kib, memory: &mut HashMemory| {
            let params = Argon2Params::new(memory_kib, 1, 1).unwrap();
            let symbols = Zeroizing::new(b"12345678".to_vec());
            let job = HashJob::new([1; 16], params, None, symbols, 8);
            let mut digests = job.run_in(memory).unwrap();
            *digests.iter_mut().next().unwrap()
        };
        let mut memory = HashMemory::new();
        for memory_kib in [64, 8, 16, 64, 128] {
            let fresh = digests(memory_kib, &mut HashMemory::new());
            assert_eq!(digests(memory_kib, &mut memory), fresh, "{memory_kib} KiB");
        }
    }

    #[test]
    fn an_attempt_takes_one_digest_however_many_codes_there_are() {
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let codes = BackupCodes::generate(CodeFormat::default()).unwrap();
        let digests = BackupCodeSet::issue_job(&codes, [1; 16], params, None)
            .run()
            .unwrap();
        assert_eq!(digests.iter().len(), 10);

        let at = Timestamp::UNIX_EPOCH;
        let ledger =
            BackupCodeSet::from_digests(codes.format(), [1; 16], params, at, None, digests);
        let typed = Code::parse(codes.iter().nth(3).unwrap()).unwrap();
        let digests = ledger.job(&typed, None).unwrap().run().unwrap();
        assert_eq!(digests.iter().len(), 1);
        assert_eq!(ledger.find(&digests), Found::Unused(3));
    }

    #[test]
    fn debug_shows_nothing_that_is_secret() {
        let params = Argon2Params::new(8, 1, 1).unwrap();
        let job = HashJob::new(
            [1; 16],
            params,
            None,
            Zeroizing::new(b"12345678".to_vec()),
            8,
        );
        let shown = std::format!("{job:?}");
        assert_eq!(
            shown,
            "HashJob { params: Argon2Params { memory_kib: 8, passes: 1, lanes: 1 }, .. }"
        );
        let shown = std::format!("{:?}", job.run().unwrap());
        assert_eq!(shown, "Hashes { count: 1, .. }");
    }
}
