//! The owners: how many of them type a wrong code on a day.

use crate::repeatable_random::RepeatableRandom;

/// A service, and how its owners behave.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    pub(crate) accounts: f64,
    /// How much the accounts grow in 30 days: 0.1 is 10 %.
    pub(crate) growth: f64,
    /// The share of wrong codes after which the owner gives up.
    pub(crate) give_up: f64,
}

/// The sign-ins of an account on a working day.
pub(crate) const SIGN_INS: f64 = 1.5;
/// The share of sign-ins that begin with a wrong code.
const ERRORS: f64 = 0.03;
/// The sign-ins on a Saturday or Sunday, compared with a working day.
const WEEKEND: f64 = 0.6;
/// The standard deviation of the logarithm of a day's sign-ins.
const NOISE: f64 = 0.2;
/// How long an owner takes to correct a code, in seconds.
const CORRECTION: f64 = 30.0;
/// The busiest time of a day, compared with the mean.
const PEAK: f64 = 3.0;

/// The accounts of the owners on one day.
#[derive(Clone, Copy)]
pub(crate) struct Honest {
    /// The accounts with a wrong code.
    pub(crate) wrong: u32,
    /// The accounts whose wrong code stayed unresolved.
    pub(crate) unresolved: u32,
    /// The accounts whose wrong code is about to be resolved, at the busiest time.
    pub(crate) open: u32,
}

impl Service {
    pub(crate) const fn of(accounts: f64) -> Self {
        Self {
            accounts,
            growth: 0.0,
            give_up: 0.02,
        }
    }

    /// The accounts on a day.
    fn size(&self, day: u64) -> f64 {
        self.accounts * (1.0 + self.growth).powf(day as f64 / 30.0)
    }

    /// A day of the owners.
    pub(crate) fn day(&self, day: u64, random: &RepeatableRandom) -> Honest {
        let weekend = if day % 7 >= 5 { WEEKEND } else { 1.0 };
        let sign_ins = SIGN_INS * weekend * (NOISE * normal(random)).exp();
        let has_wrong = 1.0 - (-sign_ins * ERRORS).exp();
        let wrong = poisson(self.size(day) * has_wrong, random);
        let unresolved = poisson(f64::from(wrong) * self.give_up, random).min(wrong);
        let open = f64::from(wrong) * PEAK * CORRECTION / 86_400.0;
        Honest {
            wrong,
            unresolved,
            open: open.ceil() as u32,
        }
    }
}

/// A number between 0 and 1.
fn uniform(random: &RepeatableRandom) -> f64 {
    const BITS: u32 = 53;
    ((random.next() >> (64 - BITS)) as f64 + 0.5) / (1_u64 << BITS) as f64
}

/// A standard normal number (Box and Muller).
fn normal(random: &RepeatableRandom) -> f64 {
    let (radius, angle) = (uniform(random), uniform(random));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// A Poisson number: counted for a small mean, and by its normal approximation for a large one.
fn poisson(mean: f64, random: &RepeatableRandom) -> u32 {
    if mean > 200.0 {
        return (mean + mean.sqrt() * normal(random)).round().max(0.0) as u32;
    }
    let (mut count, mut product) = (0, uniform(random));
    while product > (-mean).exp() {
        product *= uniform(random);
        count += 1;
    }
    count
}
