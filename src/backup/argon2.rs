//! The password hash of backup codes: Argon2id (RFC 9106).

use crate::backup::Pepper;
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use argon2::{Argon2, Block, Params, Version};
use core::fmt;
use core::ops::{Deref, DerefMut};
use zeroize::{Zeroize, Zeroizing};

/// The cost of the password hash of a backup code: the parameters of Argon2id (RFC 9106, section
/// 3.1).
///
/// A code of eight digits has 26 bits, so an attacker who reads a set can try all codes. Each try
/// costs one hash. Only the memory and the time of a hash protect the codes in a stolen database.
/// Go below [`OWASP_MINIMUM`](Self::OWASP_MINIMUM) only in tests and for codes that are too long to
/// search ([`CodeFormat::BITS_112`](crate::backup::CodeFormat::BITS_112)).
///
/// Each set stores its parameters. So you can change them for new sets, and old sets stay valid.
///
/// ```
/// use countersign::backup::Argon2Params;
///
/// // Another set of parameters from OWASP ASVS 5.0, appendix C.
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
    /// 19 MiB, two passes, one lane: the minimum for Argon2id in the OWASP password storage cheat
    /// sheet, and the default here.
    pub const OWASP_MINIMUM: Self = Self {
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// The largest memory of a hash: 256 MiB.
    pub const MAX_MEMORY_KIB: u32 = 262_144;

    /// Checks parameters.
    ///
    /// - `memory_kib`: the memory in KiB (m), at least eight times the lanes and at most
    ///   [`MAX_MEMORY_KIB`](Self::MAX_MEMORY_KIB).
    /// - `passes`: the passes over the memory (t), 1 to 16.
    /// - `lanes`: the lanes (p), 1 to 4. This crate computes them one after the other, so more
    ///   lanes make a hash weaker and not faster.
    ///
    /// Argon2 itself sets the lower bounds. They are not recommended values: use `new(8, 1, 1)`
    /// only in tests.
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

    /// Returns the memory in KiB: m.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Returns the number of passes over the memory: t.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// Returns the number of lanes: p.
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

/// The error for parameters that are out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Argon2ParamsError {
    /// The memory is less than 8 KiB per lane, or more than 256 MiB.
    #[error("the memory is {memory_kib} KiB; use at least 8 per lane and at most 262144")]
    Memory {
        /// The given memory in KiB.
        memory_kib: u32,
    },
    /// The number of passes is not 1 to 16.
    #[error("the number of passes is {passes}; use 1 to 16")]
    Passes {
        /// The given number of passes.
        passes: u32,
    },
    /// The number of lanes is not 1 to 4.
    #[error("the number of lanes is {lanes}; use 1 to 4")]
    Lanes {
        /// The given number of lanes.
        lanes: u32,
    },
}

/// Password hashes (Argon2id) to compute. Wiped on drop.
///
/// The hashes are deliberately slow. Run the job in a pool of threads for blocking work, with a
/// limit on how many jobs run at the same time. The job owns its whole input.
#[must_use = "a job computes nothing until you call `run`"]
pub struct HashJob {
    salt: [u8; 16],
    params: Argon2Params,
    pepper: Option<Pepper>,
    /// The symbols of all codes, one code after the other.
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

    /// Computes the hashes, one after the other. Allocates the memory once and wipes it at the end.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`] if the memory for the parameters cannot be allocated.
    pub fn run(self) -> Result<Hashes, HashError> {
        self.run_in(&mut HashMemory::new())
    }

    /// Like [`run`](Self::run), in memory that earlier jobs may have used.
    pub(crate) fn run_in(self, memory: &mut HashMemory) -> Result<Hashes, HashError> {
        with_wiped_stack::<8192, _>(|| self.compute(memory))
    }

    fn compute(self, memory: &mut HashMemory) -> Result<Hashes, HashError> {
        let params = Params::new(
            self.params.memory_kib(),
            self.params.passes(),
            self.params.lanes(),
            Some(size_of::<CodeHash>()),
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
        let mut hashes = Hashes::new(vec![CodeHash::default(); codes.len()].into_boxed_slice());
        for (code, hash) in codes.zip(hashes.iter_mut()) {
            argon2
                .hash_password_into_with_memory(code, &self.salt, hash, &mut *blocks)
                .map_err(|_| HashError::Refused)?;
        }
        Ok(hashes)
    }
}

impl fmt::Debug for HashJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashJob")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// The result of a [`HashJob`]: one password hash per code. Wiped on drop.
///
/// Keep the hashes secret: an attacker who has them can search for short codes.
pub struct Hashes(Box<[CodeHash]>);

impl Hashes {
    pub(super) const fn new(hashes: Box<[CodeHash]>) -> Self {
        Self(hashes)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &CodeHash> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut CodeHash> {
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

/// The error for a password hash that could not be computed. This error does not say whether a code
/// is correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The memory could not be allocated.
    #[error("the password hash needs {memory_kib} KiB of memory, which could not be allocated")]
    OutOfMemory {
        /// The memory in KiB.
        memory_kib: u32,
    },
    /// Argon2 refused its input.
    #[error("the password hash refused its input")]
    Refused,
}

/// The hash of one code. It has 128 bits, so two codes practically never have the same hash.
pub(super) type CodeHash = [u8; 16];

/// Working memory of Argon2, reused from one job to the next.
///
/// Blocks are aligned to 64 bytes, and glibc does not reuse the memory of such an allocation. A
/// process that allocates for each hash grows by 19 MiB with nearly every hash, for a long time
/// (`cargo bench --bench storm`).
pub(crate) struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Allocates nothing yet.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Lends this many blocks of zeros; `None` if they cannot be allocated.
    pub(super) fn lend(&mut self, blocks: usize) -> Option<LentBlocks<'_>> {
        if self.0.len() < blocks {
            self.0 = vec![];
            self.0.try_reserve_exact(blocks).ok()?;
            self.0.resize(blocks, Block::new());
        }
        self.0.get_mut(..blocks).map(LentBlocks)
    }
}

/// Borrowed blocks, wiped on drop.
///
/// An attacker who has the blocks can search for the codes faster than with the hashes.
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

#[cfg(test)]
mod tests {
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
    fn failed_allocations_are_errors() {
        let mut memory = HashMemory::new();
        assert!(memory.lend(usize::MAX / Block::SIZE).is_none());
        assert_eq!(memory.lend(8).unwrap().len(), 8);
    }

    #[test]
    fn memory_is_wiped_and_reused() {
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

    #[test]
    fn reused_memory_does_not_change_hashes() {
        let hash = |memory_kib, memory: &mut HashMemory| {
            let params = Argon2Params::new(memory_kib, 1, 1).unwrap();
            let symbols = Zeroizing::new(b"12345678".to_vec());
            let job = HashJob::new([1; 16], params, None, symbols, 8);
            let hashes = job.run_in(memory).unwrap();
            *hashes.iter().next().unwrap()
        };
        let mut memory = HashMemory::new();
        for memory_kib in [64, 8, 16, 64, 128] {
            let fresh = hash(memory_kib, &mut HashMemory::new());
            assert_eq!(hash(memory_kib, &mut memory), fresh, "{memory_kib} KiB");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
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
