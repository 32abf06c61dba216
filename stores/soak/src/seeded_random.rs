/// Random choices from a seed. They choose attempts; nothing secret depends on them.
#[derive(Debug, Clone)]
pub struct SeededRandom(fastrand::Rng);

impl SeededRandom {
    /// Starts the sequence of choices of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A number less than `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end)
    }

    /// The same as [`below`](Self::below), for an index.
    pub fn index(&mut self, end: usize) -> usize {
        self.0.usize(..end)
    }

    /// Returns true with this chance in percent.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}
