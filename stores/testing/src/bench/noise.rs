use fastrand::Rng;

/// Records of one size that have nothing in common, as those have that are sealed under fresh nonces. Databases log what
/// has changed of a row: the same record again would be cheaper to write.
pub(super) struct Noise {
    random: Rng,
    record: Vec<u8>,
}

impl Noise {
    pub(super) fn new(seed: u64, bytes: usize) -> Self {
        Self {
            random: Rng::with_seed(seed),
            record: vec![0; bytes],
        }
    }

    pub(super) fn next(&mut self) -> &[u8] {
        self.random.fill(&mut self.record);
        &self.record
    }
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
