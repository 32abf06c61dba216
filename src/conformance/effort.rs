use core::time::Duration;

/// How rare a fault the suite finds, and how old a row it expects to find again.
///
/// The default finds a fault that hits one call in 1,000: fewer than 1 run in 1,000 misses it. A
/// nightly run can ask for more:
///
/// ```
/// use countersign::MemoryStore;
/// use countersign::conformance::{Effort, Harness};
/// use std::time::Duration;
///
/// struct Nightly(MemoryStore);
///
/// impl Harness for Nightly {
///     type Store = MemoryStore;
///
///     fn open(&self) -> MemoryStore {
///         self.0.clone()
///     }
///
///     fn effort(&self) -> Effort {
///         let effort = Effort::default().one_in(20_000);
///         effort.row_age(Duration::from_secs(3600))
///     }
/// }
/// # assert_eq!(Nightly(MemoryStore::new()).effort().repetitions(), 138_160);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Effort {
    one_in: u32,
    row_age: Duration,
}

impl Effort {
    /// Finds faults that hit one call in `calls`. Default: 1,000.
    pub const fn one_in(mut self, calls: u32) -> Self {
        self.one_in = calls;
        self
    }

    /// Expects a row to be there after this time. Default: 1 second. The case that checks it waits
    /// as long.
    pub const fn row_age(mut self, age: Duration) -> Self {
        self.row_age = age;
        self
    }

    /// How often each of the three cases that look for rare faults repeats its call.
    ///
    /// A fault with the probability `p` per call is missed with the probability `(1 - p)^n`. That is
    /// less than `exp(-p * n)`, and so less than 1 in 1,000 if `n` is at least `ln(1000) / p`. For
    /// one in 1,000 that makes 6,908 repetitions.
    #[must_use]
    pub fn repetitions(&self) -> u64 {
        let calls = u64::from(self.one_in.max(1));
        calls.saturating_mul(LN_1000_IN_1000THS).div_ceil(1000)
    }

    pub(super) const fn oldest_row(&self) -> Duration {
        self.row_age
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            one_in: 1000,
            row_age: Duration::from_secs(1),
        }
    }
}

/// The natural logarithm of 1,000, rounded up.
const LN_1000_IN_1000THS: u64 = 6908;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_1_run_in_1000_misses_the_fault() {
        for calls in [2, 3, 10, 999, 1000, 20_000, 1_000_000, u32::MAX] {
            let repetitions = Effort::default().one_in(calls).repetitions();
            let log_of_sound_call = (-1.0 / f64::from(calls)).ln_1p();
            let missed = (log_of_sound_call * repetitions as f64).exp();
            assert!(missed < 1e-3, "one in {calls}: {missed}");
        }
        assert_eq!(Effort::default().repetitions(), 6908);
        assert_eq!(Effort::default().one_in(0).repetitions(), 7);
    }

    #[test]
    fn repetitions_are_no_more_than_needed() {
        let missed = (1.0 - 1e-3_f64).powi(6904);
        assert!(missed > 1e-3, "{missed}");
    }
}
