use alloc::vec;
use alloc::vec::Vec;
use argon2::Block;
use core::ops::{Deref, DerefMut};
use zeroize::Zeroize;

/// What Argon2 computes in, kept from one digest to the next.
///
/// Blocks are aligned to 64 bytes, and glibc does not find the place again that such an allocation was in: a process that
/// allocates for each digest grows by 19 MiB with nearly every one, for a long time (`cargo bench --bench storm`).
pub(crate) struct DigestMemory(Vec<Block>);

impl DigestMemory {
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
    fn memory_that_cannot_be_had_is_an_error_and_no_abort() {
        let mut memory = DigestMemory::new();
        assert!(memory.lend(usize::MAX / Block::SIZE).is_none());
        assert_eq!(memory.lend(8).unwrap().len(), 8);
    }

    #[test]
    fn it_is_wiped_after_each_use_and_lent_again() {
        let mut memory = DigestMemory::new();
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
