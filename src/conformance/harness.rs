use crate::store::Store;
use crate::testing::block_on;
use core::fmt;
use core::time::Duration;
use std::vec::Vec;

/// How the suite reaches the store that it is to check.
///
/// A store over tokio brings its runtime, which must be a multi-threaded one, since the cases call
/// [`block_on`](Self::block_on) from many threads at once:
///
/// ```
/// # use countersign::conformance::Harness;
/// # use countersign::store::MemoryStore as PoolStore;
/// # mod tokio { pub mod runtime { pub struct Runtime; impl Runtime {
/// #     pub fn block_on<F: Future>(&self, future: F) -> F::Output { countersign::testing::block_on(future) }
/// # } } }
/// struct OnTokio {
///     runtime: tokio::runtime::Runtime,
///     store: PoolStore,
/// }
///
/// impl Harness for OnTokio {
///     type Store = PoolStore;
///
///     fn open(&self) -> PoolStore {
///         self.store.clone()
///     }
///
///     fn block_on<F: Future>(&self, future: F) -> F::Output {
///         self.runtime.block_on(future)
///     }
/// }
/// ```
pub trait Harness: Sync {
    /// The store to check.
    type Store: Store;

    /// Another handle on the same database. Called several times in a case.
    ///
    /// Give what one request of the host's service gets. If two machines or processes would each have a pool of their own,
    /// give a new pool: then the suite sees what each keeps to itself.
    fn open(&self) -> Self::Store;

    /// Runs a future of the store to its end. As it stands for stores that need no runtime.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }
    /// How rare a fault the suite finds. As it stands: one that hits one call in 1,000.
    fn effort(&self) -> Effort {
        Effort::default()
    }
}

/// How rare a fault the suite finds, and how old a row it expects to find again.
///
/// The default finds a fault that hits one call in 1,000: fewer than 1 run in 1,000 misses it. A
/// nightly run can ask for more:
///
/// ```
/// use countersign::store::MemoryStore;
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

/// One thing that can go wrong between a service and its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The call takes one more await before it acts. It can come several times in a row.
    Delay,
    /// The call fails, and nothing was done: the connection was refused.
    FailBefore,
    /// The write lands, and its answer is lost: the connection broke on the way back.
    FailAfter,
    /// The call fails, and its write is still on its way (it waits for a lock, say). It lands before some later call,
    /// perhaps after a load that did not show it; or never.
    LandLate,
    /// The write is sent twice, and the second answer is given: a driver that repeats by itself.
    Duplicate,
    /// A write that was late lands now. It needs no leave: whoever lets writes be [late](Self::LandLate) is asked.
    Landing,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Delay,
        Self::FailBefore,
        Self::FailAfter,
        Self::LandLate,
        Self::Duplicate,
        Self::Landing,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delay => "the call is delayed",
            Self::FailBefore => "the call fails, and nothing was done",
            Self::FailAfter => "the write lands, and its answer is lost",
            Self::LandLate => "the call fails, and its write is late",
            Self::Duplicate => "the write is sent twice",
            Self::Landing => "a late write lands",
        })
    }
}

/// Which faults there are, how often, and how many at most.
///
/// ```
/// use countersign::conformance::{Fault, Faults};
///
/// // Answers are lost in one call of twenty, and nothing else goes wrong.
/// let faults = Faults::of(&[Fault::FailAfter]).one_in(20);
/// # let _ = faults;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Faults {
    kinds: Vec<Fault>,
    one_in: u32,
    at_most: u64,
}

impl Faults {
    /// Faults of every kind, in one call of eight.
    pub fn all() -> Self {
        Self::of(&Fault::ALL)
    }

    /// No faults: the wrapped store, with an await before and after each of its calls.
    pub fn none() -> Self {
        Self::of(&[])
    }

    /// Faults of these kinds, in one call of eight.
    pub fn of(kinds: &[Fault]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            one_in: 8,
            at_most: u64::MAX,
        }
    }

    /// In one call of `calls`, on average; 0 and 1: in every call.
    pub const fn one_in(mut self, calls: u32) -> Self {
        self.one_in = calls;
        self
    }

    /// At most so many faults in all. Late writes that land are not counted again.
    pub const fn at_most(mut self, faults: u64) -> Self {
        self.at_most = faults;
        self
    }

    /// Those among `candidates` that may happen when `injected` have.
    pub(super) fn possible(&self, candidates: &[Fault], injected: u64) -> Vec<Fault> {
        let allowed = |fault: &Fault| self.kinds.contains(fault) && injected < self.at_most;
        candidates.iter().copied().filter(allowed).collect()
    }

    /// How many calls there are to a fault, at least one.
    pub(super) fn calls(&self) -> u64 {
        u64::from(self.one_in.max(1))
    }
}

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
