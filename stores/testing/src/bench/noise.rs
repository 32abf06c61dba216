/// Records of one size that have nothing in common, as those have that are sealed under fresh nonces. Databases log what
/// has changed of a row: the same record again would be cheaper to write.
pub(super) struct Noise {
    state: u64,
    record: Vec<u8>,
}

impl Noise {
    pub(super) fn new(seed: u64, bytes: usize) -> Self {
        Self {
            state: seed,
            record: vec![0; bytes],
        }
    }

    pub(super) fn next(&mut self) -> &[u8] {
        for chunk in self.record.chunks_mut(8) {
            let word = splitmix64(&mut self.state).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        &self.record
    }
}

/// <https://prng.di.unimi.it/splitmix64.c>
pub(super) fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_their_size_and_nothing_in_common() {
        let mut noise = Noise::new(1, 37);
        let one = noise.next().to_vec();
        let other = noise.next();
        assert_eq!((one.len(), other.len()), (37, 37));
        let same = one.iter().zip(other).filter(|(one, other)| one == other);
        assert!(same.count() < 4);
    }
}
