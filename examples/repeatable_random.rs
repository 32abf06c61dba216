//! Random numbers from a seed (`SplitMix64`), so that `attack` and `rotate_keys` can repeat a run.
//! For simulations only: a service uses the operating system's random numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use countersign::otp::RandomError;
use countersign::runtime::RandomSource;

pub(crate) struct RepeatableRandom(AtomicU64);

impl RepeatableRandom {
    /// A separate sequence for each part of a run.
    pub(crate) fn new(seed: u64, part: u64) -> Self {
        let first = Self(AtomicU64::new(seed));
        let seed = first.next();
        Self(AtomicU64::new(mix(seed ^ mix(part))))
    }

    pub(crate) fn next(&self) -> u64 {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed);
        mix(state.wrapping_add(STEP))
    }
}

impl RandomSource for RepeatableRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        for chunk in buffer.chunks_mut(8) {
            for (byte, random) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *byte = random;
            }
        }
        Ok(())
    }
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
