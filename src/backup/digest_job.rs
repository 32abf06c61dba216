use super::digests::Digest;
use crate::{DigestParams, Digests, Pepper};
use alloc::vec;
use alloc::vec::Vec;
use argon2::{Argon2, Block, Params, Version};
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Digests to be computed: slow on purpose, so a server runs them where they hold nobody up (a pool of
/// threads, with a limit on how many run at a time). Owns all that it needs. Wiped on drop.
#[must_use = "nothing is computed until it runs"]
pub struct DigestJob {
    salt: [u8; 16],
    params: DigestParams,
    pepper: Option<Pepper>,
    /// The symbols of all codes in one row.
    symbols: Zeroizing<Vec<u8>>,
    code_length: u8,
}

impl DigestJob {
    pub(super) const fn new(
        salt: [u8; 16],
        params: DigestParams,
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
    /// [`DigestError::OutOfMemory`] if the memory that the parameters ask for cannot be had.
    pub fn run(self) -> Result<Digests, DigestError> {
        let params = Params::new(
            self.params.memory_kib(),
            self.params.passes(),
            self.params.lanes(),
            Some(size_of::<Digest>()),
        )
        .map_err(|_| DigestError::Refused)?;
        let mut memory =
            Memory::allocate(params.block_count()).ok_or(DigestError::OutOfMemory {
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
            .map_err(|_| DigestError::Refused)?,
        };

        let codes = self.symbols.chunks_exact(usize::from(self.code_length));
        let mut digests = Digests::new(vec![Digest::default(); codes.len()].into_boxed_slice());
        for (code, digest) in codes.zip(digests.iter_mut()) {
            argon2
                .hash_password_into_with_memory(code, &self.salt, digest, memory.0.as_mut_slice())
                .map_err(|_| DigestError::Refused)?;
        }
        Ok(digests)
    }
}

impl fmt::Debug for DigestJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestJob")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// The memory of Argon2, from which the codes could be searched for faster than from their digests.
struct Memory(Vec<Block>);

impl Memory {
    fn allocate(blocks: usize) -> Option<Self> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(blocks).ok()?;
        memory.resize(blocks, Block::new());
        Some(Self(memory))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// A digest could not be computed. This is neither a right code nor a wrong one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
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
