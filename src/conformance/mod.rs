//! Conformance tests for your own store: does it satisfy the contract of
//! [`Store`](crate::store::Store)?
//!
//! A store that breaks the contract works well in every demonstration, and lets an attacker in
//! under load. So run these cases in your own tests, against the real database instead of a
//! stand-in. The cases use new account ids, so the database may already hold accounts. They leave
//! rows behind.
//!
//! Implement [`Harness`] to open your store. [`conformance_tests!`](crate::conformance_tests) makes
//! a `#[test]` of every case:
//!
//! ```
//! use countersign::store::MemoryStore;
//! use countersign::conformance::Harness;
//!
//! #[derive(Default)]
//! struct InMemory(MemoryStore);
//!
//! impl Harness for InMemory {
//!     type Store = MemoryStore;
//!
//!     fn open(&self) -> MemoryStore {
//!         self.0.clone()
//!     }
//! }
//!
//! countersign::conformance_tests!(InMemory::default());
//! ```
//!
//! A program that checks a live installation can run selected cases, and print a report:
//!
//! ```
//! # use countersign::store::MemoryStore;
//! use countersign::conformance::{Harness, run_cases};
//! # #[derive(Default)]
//! # struct InMemory(MemoryStore);
//! # impl Harness for InMemory {
//! #     type Store = MemoryStore;
//! #     fn open(&self) -> MemoryStore { self.0.clone() }
//! # }
//!
//! let report = run_cases(&InMemory::default(), |case| !case.name().contains("erase"));
//! println!("{report}");
//! assert!(report.is_ok());
//! ```
//!
//! # What the tests catch, and what they cost
//!
//! The chapter `guide::writing_a_store` lists the fault that each case catches, and what no test
//! can see. If a fault hits one write, one load or one stale write in 1,000, fewer than 1 run in
//! 1,000 misses it. For that, the tests commit about 11,000 writes. A database that commits 1,000
//! per second takes 11 seconds. [`Harness::effort`] changes this rate and the number of writes.
//!
//! # Clusters
//!
//! If every node of a cluster answers clients, test them all with [`Rotation`].
//!
//! # Faults
//!
//! [`Faulty`] wraps any store and injects faults from a seed: it fails calls, loses answers and
//! writes late. Use it to test your own sign-in.
//!
//! # Needs
//!
//! The feature `conformance`.

mod cases;
mod faulty_store;
mod harness;
mod linearizability;
mod rotation;
mod store_cases;
mod store_races;
mod values;
mod verifier_races;

pub use cases::Failure;
pub use faulty_store::{Fault, Faults, Faulty, InjectedFault};
pub use harness::{Effort, Harness};
pub use linearizability::*;
pub use rotation::Rotation;
pub use store_cases::*;
pub use store_races::*;
pub use values::*;
pub use verifier_races::*;

use core::fmt;
use std::vec::Vec;

/// One rule that a store must satisfy, as a function over a [`Harness`].
pub struct Case<H> {
    name: &'static str,
    run: fn(&H) -> Result<(), Failure>,
}

impl<H: Harness> Case<H> {
    /// The name: a sentence about a store that passes. The function has the same name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns what an attacker gains from a store that fails.
    #[must_use]
    pub fn attacker_gains(&self) -> &'static str {
        cases::attacker_gains(self.name)
    }

    /// Runs the case.
    ///
    /// # Errors
    /// [`Failure`] if the store breaks the contract, or returns an error when it should not.
    pub fn run(&self, harness: &H) -> Result<(), Failure> {
        (self.run)(harness)
    }
}

impl<H> fmt::Debug for Case<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// Returns all cases in a good order to run them: the simple ones first.
#[must_use]
pub fn cases<H: Harness>() -> Vec<Case<H>> {
    macro_rules! list {
        ($($name:ident: $attacker_gains:literal,)+) => {
            [$(Case { name: stringify!($name), run: $name }),+]
        };
    }
    crate::conformance_cases!([list]).into()
}

/// Runs the selected cases, one after the other. A failure does not stop the others.
pub fn run_cases<H: Harness>(harness: &H, select: impl Fn(&Case<H>) -> bool) -> Report {
    let run = |case: Case<H>| {
        let result = if select(&case) {
            case.run(harness)
                .map_or_else(CaseResult::Failed, |()| CaseResult::Passed)
        } else {
            CaseResult::LeftOut
        };
        (case.name(), result)
    };
    Report {
        cases: cases().into_iter().map(run).collect(),
    }
}

/// The result of every case. `Display` lists them.
#[derive(Clone, Debug)]
#[must_use = "a report may hold failures: check `is_ok`"]
pub struct Report {
    cases: Vec<(&'static str, CaseResult)>,
}

#[derive(Clone, Debug)]
enum CaseResult {
    Passed,
    Failed(Failure),
    LeftOut,
}

impl Report {
    /// Whether at least one case ran, and none failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none() && self.passed().next().is_some()
    }

    /// The names of the cases that passed.
    pub fn passed(&self) -> impl Iterator<Item = &'static str> {
        let passed = |(name, result): &(&'static str, CaseResult)| {
            matches!(result, CaseResult::Passed).then_some(*name)
        };
        self.cases.iter().filter_map(passed)
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.cases.iter().filter_map(|(_, result)| match result {
            CaseResult::Failed(failure) => Some(failure),
            CaseResult::Passed | CaseResult::LeftOut => None,
        })
    }

    /// The names of the cases that were not selected.
    pub fn left_out(&self) -> impl Iterator<Item = &'static str> {
        let left_out = |(name, result): &(&'static str, CaseResult)| {
            matches!(result, CaseResult::LeftOut).then_some(*name)
        };
        self.cases.iter().filter_map(left_out)
    }
}

impl fmt::Display for Report {
    /// Writes a line for each case, then the failures, then the sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, result) in &self.cases {
            let result = match result {
                CaseResult::Passed => "ok",
                CaseResult::Failed(_) => "FAILED",
                CaseResult::LeftOut => "left out",
            };
            writeln!(f, "{name} ... {result}")?;
        }
        for failure in self.failures() {
            writeln!(f, "\n{failure}")?;
        }
        write!(
            f,
            "\n{} passed, {} failed, {} left out",
            self.passed().count(),
            self.failures().count(),
            self.left_out().count()
        )
    }
}
