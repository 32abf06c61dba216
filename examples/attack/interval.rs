//! The Wilson score interval (1927) for a chance, from the number of hits and trials.

pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// At 99 % confidence.
    pub(crate) fn of(hits: u32, trials: u32) -> Self {
        const Z: f64 = 2.575_829_303_548_901;
        let (hits, trials) = (f64::from(hits), f64::from(trials));
        let seen = hits / trials;
        let weight = 1.0 + Z * Z / trials;
        let middle = (seen + Z * Z / (2.0 * trials)) / weight;
        let spread = (seen * (1.0 - seen) / trials + Z * Z / (4.0 * trials * trials)).sqrt();
        let reach = Z / weight * spread;
        Self {
            low: (middle - reach).max(0.0),
            high: middle + reach,
        }
    }

    pub(crate) fn contains(&self, chance: f64) -> bool {
        (self.low..=self.high).contains(&chance)
    }
}
