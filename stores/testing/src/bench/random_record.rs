use fastrand::Rng;

/// Random records of one size, because encrypted records with fresh nonces share no content.
/// Databases log the changes of a row, so the same record again would be cheaper to write.
pub(super) struct RandomRecord {
    random: Rng,
    record: Vec<u8>,
}

impl RandomRecord {
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
    fn random_records_have_the_size_and_differ() {
        let mut records = RandomRecord::new(1, 37);
        let one = records.next().to_vec();
        let other = records.next();
        assert_eq!((one.len(), other.len()), (37, 37));
        let same = one.iter().zip(other).filter(|(one, other)| one == other);
        assert!(same.count() < 4);
    }
}
