//! The password hash of backup codes: Argon2id (RFC 9106).

use alloc::vec;
use alloc::vec::Vec;
use argon2::Block;
use core::ops::{Deref, DerefMut};
use zeroize::Zeroize;

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
    /// The hash of an imported code needs a feature that this build does not have.
    #[error("the hash of an imported code needs the feature `{feature}`; enable it in Cargo.toml")]
    FeatureMissing {
        /// The name of the feature.
        feature: &'static str,
    },
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
}
