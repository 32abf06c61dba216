//! The suite for a host's own store: does it keep the contract of [`Store`](crate::store::Store)?
//!
//! A store that breaks the contract works well in every demonstration, and lets an attacker in under load. So run the
//! suite in the host's tests, against the real database, not against a stand-in for it. It uses account ids
//! of its own, so a database that already holds accounts will do; it leaves rows behind.
//!
//! Say how to open the store ([`Harness`]), and let [`conformance_tests!`](crate::conformance_tests) make a `#[test]` of
//! every case:
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
//! Or run those cases that are wanted, as a program can that checks a live installation, and print what ran:
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
//! # What it catches, and what it costs
//!
//! The chapter `guide::writing_a_store` lists the fault that each case catches, and what no suite can see.
//! A fault that hits one write, one load or one stale swap in 1,000 is missed by fewer than 1 run in
//! 1,000. For that the suite commits about 11,000 writes. A database that commits 1,000 per second
//! takes 11 seconds. [`Harness::effort`] asks for more or for less.
//!
//! # Faults
//!
//! [`Faulty`] wraps any store into one that fails, loses answers and writes late, from a seed: for a host's tests of its
//! own sign-in.

mod faulty_store;
mod harness;
mod history;
mod odd_ids;
mod report;
mod run;
mod store_cases;
mod store_races;
mod verifier_races;
mod write_kinds;

pub use faulty_store::{Faulty, InjectedFault};
pub use harness::Effort;
pub use harness::Harness;
pub use harness::{Fault, Faults};
pub use history::*;
pub use odd_ids::*;
pub use report::Failure;
pub use report::{Case, cases};
pub use report::{Report, run_cases};
pub use store_cases::*;
pub use store_races::*;
pub use verifier_races::*;
pub use write_kinds::*;
