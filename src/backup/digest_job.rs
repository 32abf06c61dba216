use super::digest_memory::DigestMemory;
use super::digests::Digest;
use crate::bleach::bleached;
use crate::{DigestParams, Digests, Pepper};
use alloc::vec;
use alloc::vec::Vec;
use argon2::{Argon2, Params, Version};
use core::fmt;
use zeroize::Zeroizing;

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
        self.run_in(&mut DigestMemory::new())
    }

    /// As `run`, in memory that another job may have left.
    pub(crate) fn run_in(self, memory: &mut DigestMemory) -> Result<Digests, DigestError> {
        bleached::<8192, _>(|| self.compute(memory))
    }

    fn compute(self, memory: &mut DigestMemory) -> Result<Digests, DigestError> {
        let params = Params::new(
            self.params.memory_kib(),
            self.params.passes(),
            self.params.lanes(),
            Some(size_of::<Digest>()),
        )
        .map_err(|_| DigestError::Refused)?;
        let mut blocks = memory
            .lend(params.block_count())
            .ok_or(DigestError::OutOfMemory {
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
                .hash_password_into_with_memory(code, &self.salt, digest, &mut *blocks)
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

#[cfg(all(test, feature = "getrandom"))]
mod tests {
    use super::*;
    use crate::backup::Found;
    use crate::{BackupCodes, CodeFormat, Ledger, Passcode, Timestamp};

    #[test]
    fn a_digest_is_the_same_in_memory_that_another_job_has_left() {
        let digests = |memory_kib, memory: &mut DigestMemory| {
            let params = DigestParams::new(memory_kib, 1, 1).unwrap();
            let symbols = Zeroizing::new(b"12345678".to_vec());
            let job = DigestJob::new([1; 16], params, None, symbols, 8);
            let mut digests = job.run_in(memory).unwrap();
            *digests.iter_mut().next().unwrap()
        };
        let mut memory = DigestMemory::new();
        for memory_kib in [64, 8, 16, 64, 128] {
            let fresh = digests(memory_kib, &mut DigestMemory::new());
            assert_eq!(digests(memory_kib, &mut memory), fresh, "{memory_kib} KiB");
        }
    }

    #[test]
    fn an_attempt_takes_one_digest_however_many_codes_there_are() {
        let params = DigestParams::new(8, 1, 1).unwrap();
        let codes = BackupCodes::generate(CodeFormat::default()).unwrap();
        let digests = Ledger::issue_job(&codes, [1; 16], params, None)
            .run()
            .unwrap();
        assert_eq!(digests.iter().len(), 10);

        let at = Timestamp::UNIX_EPOCH;
        let ledger = Ledger::from_digests(codes.format(), [1; 16], params, at, None, digests);
        let typed = Passcode::parse(codes.iter().nth(3).unwrap()).unwrap();
        let digests = ledger.job(&typed, None).unwrap().run().unwrap();
        assert_eq!(digests.iter().len(), 1);
        assert_eq!(ledger.find(&digests), Found::Unused(3));
    }

    #[test]
    fn debug_shows_nothing_that_is_secret() {
        let params = DigestParams::new(8, 1, 1).unwrap();
        let job = DigestJob::new(
            [1; 16],
            params,
            None,
            Zeroizing::new(b"12345678".to_vec()),
            8,
        );
        let shown = std::format!("{job:?}");
        assert_eq!(
            shown,
            "DigestJob { params: DigestParams { memory_kib: 8, passes: 1, lanes: 1 }, .. }"
        );
        let shown = std::format!("{:?}", job.run().unwrap());
        assert_eq!(shown, "Digests { count: 1, .. }");
    }
}
