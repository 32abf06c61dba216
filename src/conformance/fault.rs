use core::fmt;
use std::vec::Vec;

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
