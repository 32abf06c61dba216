//! Random numbers that are the same in every run, so that the result does not depend on chance.

use crate::known_secrets::{Kind, KnownSecrets};
use countersign::otp::RandomError;
use countersign::runtime::RandomSource;
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The library generates backup codes from this number of random bytes at a time.
const CODE_ENTROPY: usize = 32;

/// The library generates the id of a device, and then its seed, of these numbers of bytes.
const DEVICE: (usize, usize) = (8, 16);

/// The verifier generates the id of a set of long backup codes, and then its key, of these numbers
/// of bytes.
const LONG_CODES: (usize, usize) = (16, 32);

/// A generator (`SplitMix64`) that adds the random bytes of backup codes to the known secrets.
/// Clones share one state.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: Arc<AtomicU64>,
    /// The length of the last buffer.
    last: Arc<AtomicUsize>,
    known: KnownSecrets,
}

impl Random {
    /// A generator in its initial state.
    pub(crate) fn new(known: KnownSecrets) -> Self {
        Self {
            state: Arc::new(AtomicU64::new(0x5eed)),
            last: Arc::default(),
            known,
        }
    }

    fn fill_all(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let state = self
                .state
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (mixed ^ (mixed >> 31)).to_le_bytes();
            for (target, byte) in chunk.iter_mut().zip(word) {
                *target = byte;
            }
        }
    }
}

impl RandomSource for Random {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.fill_all(buffer);
        if buffer.len() == CODE_ENTROPY {
            self.known.add(Kind::CodeEntropy, buffer);
        }
        let last = self.last.swap(buffer.len(), Ordering::Relaxed);
        match (last, buffer.len()) {
            DEVICE => self.known.add(Kind::DeviceSeed, buffer),
            LONG_CODES => self.known.add(Kind::DigestKey, buffer),
            _ => {}
        }
        Ok(())
    }
}

/// The same generator, as a `CryptoRng`.
#[derive(Debug)]
pub(crate) struct Rng<'a>(pub &'a Random);

impl TryRng for Rng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill_all(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill_all(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_all(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Rng<'_> {}
