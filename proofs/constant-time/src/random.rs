use crate::memcheck::poison;
use countersign::otp::RandomError;
use countersign::runtime::RandomSource;
use rand_core::{Infallible, TryCryptoRng, TryRng};
use std::sync::atomic::{AtomicU64, Ordering};

/// A random source (SplitMix64) with the same bytes in every run, so that the counts are the same
/// too.
pub(crate) struct Repeatable(AtomicU64);

impl Repeatable {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill_bytes(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

impl RandomSource for Repeatable {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.fill_bytes(buffer);
        Ok(())
    }
}

impl TryRng for Repeatable {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.fill_bytes(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Repeatable {}

/// The same, with poisoned bytes.
pub(crate) struct Poisoned(pub(crate) Repeatable);

impl TryRng for Poisoned {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(buffer);
        poison(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Poisoned {}
