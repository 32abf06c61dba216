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
}

/// The chance of at most this many hits, if this is the chance of one trial. Exact, because the
/// Wilson interval is too narrow for a few hits.
fn at_most(hits: u32, trials: u32, chance: f64) -> f64 {
    let odds = (chance / (1.0 - chance)).ln();
    let mut term = f64::from(trials) * (-chance).ln_1p();
    let mut sum = term.exp();
    for hit in 1..=hits {
        term += (f64::from(trials - hit + 1) / f64::from(hit)).ln() + odds;
        sum += term.exp();
    }
    sum
}

/// Whether so many hits have a chance of at least 0.01 %.
pub(crate) fn may_be_so_many(hits: u32, trials: u32, chance: f64) -> bool {
    hits == 0 || 1.0 - at_most(hits - 1, trials, chance) >= 0.0001
}

/// Whether so few hits have a chance of at least 0.01 %.
pub(crate) fn may_be_so_few(hits: u32, trials: u32, chance: f64) -> bool {
    at_most(hits, trials, chance) >= 0.0001
}
