//! The hashes of one attempt or one new set, as a job for a pool of threads.

use super::argon2::{CodeHash, HashMemory};
use super::digester::{DigestKey, Digester, Function};
#[cfg(feature = "verifier")]
use super::foreign_hash::HashInput;
use crate::backup::{Argon2Params, HashError, Pepper};
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use argon2::{Argon2, Params, Version};
use core::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Hashes of backup codes to compute: [`CodeDigest`](crate::backup::CodeDigest)s, or the hashes of
/// an imported set. Wiped on drop.
///
/// Password hashes are deliberately slow. Run the job in a pool of threads for blocking work, with
/// a limit on how many jobs run at the same time. The job owns its whole input.
#[must_use = "a job computes nothing until you call `run`"]
pub struct HashJob(Work);

enum Work {
    /// Hashes of many codes with one salt.
    Argon2id {
        salt: [u8; 16],
        params: Argon2Params,
        pepper: Option<Pepper>,
        /// The symbols of all codes, one code after the other.
        symbols: Zeroizing<Vec<u8>>,
        code_length: u8,
    },
    /// Fast digests of many codes.
    HmacSha256 {
        key: DigestKey,
        /// The symbols of all codes, one code after the other.
        symbols: Zeroizing<Vec<u8>>,
        code_length: u8,
    },
    /// Hashes of one typed code with many salts.
    #[cfg(feature = "verifier")]
    Imported {
        text: Zeroizing<Vec<u8>>,
        /// The place of each code in its set, counted from 0.
        places: Box<[u8]>,
        inputs: Box<[HashInput]>,
    },
}

impl HashJob {
    pub(super) fn new(
        digester: &Digester,
        pepper: Option<Pepper>,
        symbols: Zeroizing<Vec<u8>>,
        code_length: u8,
    ) -> Self {
        Self(match &digester.function {
            Function::Argon2id(params) => Work::Argon2id {
                salt: digester.salt,
                params: *params,
                pepper,
                symbols,
                code_length,
            },
            Function::HmacSha256(key) => Work::HmacSha256 {
                key: key.clone(),
                symbols,
                code_length,
            },
        })
    }

    /// Makes the job that hashes one text for each of these places of an imported set.
    #[cfg(feature = "verifier")]
    pub(super) fn imported(
        text: Zeroizing<Vec<u8>>,
        places: Box<[u8]>,
        inputs: Box<[HashInput]>,
    ) -> Self {
        Self(Work::Imported {
            text,
            places,
            inputs,
        })
    }

    /// Computes the hashes, one after the other. Allocates the memory once and wipes it at the end.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`] if the memory for the parameters cannot be allocated.
    /// [`HashError::FeatureMissing`] if an imported hash needs a feature that this build does not
    /// have.
    pub fn run(self) -> Result<Hashes, HashError> {
        self.run_in(&mut HashMemory::new())
    }

    /// Like [`run`](Self::run), in memory that earlier jobs may have used.
    pub(crate) fn run_in(self, memory: &mut HashMemory) -> Result<Hashes, HashError> {
        match &self.0 {
            Work::Argon2id { .. } | Work::HmacSha256 { .. } => {
                with_wiped_stack::<8192, _>(|| self.compute(memory))
            }
            #[cfg(feature = "verifier")]
            Work::Imported { .. } => with_wiped_stack::<IMPORTED_STACK, _>(|| self.compute(memory)),
        }
    }

    fn compute(self, memory: &mut HashMemory) -> Result<Hashes, HashError> {
        match self.0 {
            Work::Argon2id {
                salt,
                params,
                pepper,
                symbols,
                code_length,
            } => {
                let codes = symbols.chunks_exact(usize::from(code_length));
                argon2id(codes, &salt, params, pepper.as_ref(), memory)
            }
            Work::HmacSha256 {
                key,
                symbols,
                code_length,
            } => {
                let codes = symbols.chunks_exact(usize::from(code_length));
                let mut hashes = Hashes::zeros(codes.len(), Box::default());
                for (code, hash) in codes.zip(hashes.iter_mut()) {
                    *hash = key.digest(code);
                }
                Ok(hashes)
            }
            #[cfg(feature = "verifier")]
            Work::Imported {
                text,
                places,
                inputs,
            } => {
                let mut hashes = Hashes::zeros(inputs.len(), places);
                for (input, hash) in inputs.iter().zip(hashes.iter_mut()) {
                    input.compute(&text, hash, memory)?;
                }
                Ok(hashes)
            }
        }
    }
}

/// Computes the Argon2id hash of each code.
fn argon2id<'a>(
    codes: impl ExactSizeIterator<Item = &'a [u8]>,
    salt: &[u8; 16],
    params: Argon2Params,
    pepper: Option<&Pepper>,
    memory: &mut HashMemory,
) -> Result<Hashes, HashError> {
    let memory_kib = params.memory_kib();
    let params = Params::new(
        memory_kib,
        params.passes(),
        params.lanes(),
        Some(size_of::<CodeHash>()),
    )
    .map_err(|_| HashError::Refused)?;
    let mut blocks = memory
        .lend(params.block_count())
        .ok_or(HashError::OutOfMemory { memory_kib })?;
    let algorithm = argon2::Algorithm::Argon2id;
    let argon2 = match pepper {
        None => Argon2::new(algorithm, Version::V0x13, params),
        Some(pepper) => Argon2::new_with_secret(pepper.key(), algorithm, Version::V0x13, params)
            .map_err(|_| HashError::Refused)?,
    };
    let mut hashes = Hashes::zeros(codes.len(), Box::default());
    for (code, hash) in codes.zip(hashes.iter_mut()) {
        argon2
            .hash_password_into_with_memory(code, salt, hash, &mut *blocks)
            .map_err(|_| HashError::Refused)?;
    }
    Ok(hashes)
}

impl fmt::Debug for HashJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HashJob");
        match &self.0 {
            Work::Argon2id { params, .. } => shown.field("params", params),
            Work::HmacSha256 { .. } => &mut shown,
            #[cfg(feature = "verifier")]
            Work::Imported { inputs, .. } => shown.field("imported", &inputs.len()),
        };
        shown.finish_non_exhaustive()
    }
}

/// The result of a [`HashJob`]: one hash per code. Wiped on drop.
///
/// Keep the hashes secret: an attacker who has them can search for short codes.
pub struct Hashes {
    hashes: Box<[CodeHash]>,
    /// The place of each hash in an imported set of hashes; empty for other jobs.
    #[cfg_attr(
        not(feature = "verifier"),
        expect(dead_code, reason = "imported sets need the verifier")
    )]
    places: Box<[u8]>,
}

impl Hashes {
    fn zeros(count: usize, places: Box<[u8]>) -> Self {
        Self {
            hashes: vec![CodeHash::default(); count].into_boxed_slice(),
            places,
        }
    }

    #[cfg(feature = "verifier")]
    pub(super) fn one(hash: CodeHash) -> Self {
        Self {
            hashes: Box::new([hash]),
            places: Box::default(),
        }
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &CodeHash> {
        self.hashes.iter()
    }

    /// Returns each hash of an imported set with its place in that set.
    #[cfg(feature = "verifier")]
    pub(super) fn with_places(&self) -> impl Iterator<Item = (u8, &CodeHash)> {
        self.places.iter().copied().zip(self.iter())
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut CodeHash> {
        self.hashes.iter_mut()
    }
}

impl fmt::Debug for Hashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashes")
            .field("count", &self.hashes.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Hashes {
    fn drop(&mut self) {
        self.hashes.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// The stack to wipe after the hashes of other systems. Without it, whole codes were left up to
/// 4,255 bytes deep in a release build.
#[cfg(feature = "verifier")]
const IMPORTED_STACK: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reused_memory_does_not_change_hashes() {
        let hash = |memory_kib, memory: &mut HashMemory| {
            let params = Argon2Params::new(memory_kib, 1, 1).unwrap();
            let symbols = Zeroizing::new(b"12345678".to_vec());
            let job = HashJob::new(&Digester::argon2id([1; 16], params), None, symbols, 8);
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
            &Digester::argon2id([1; 16], params),
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
