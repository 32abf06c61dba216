//! The suite for a host's own store: does it keep the contract of [`Store`](crate::Store)?
//!
//! A store that breaks the contract works well in every demonstration, and lets an attacker in under load. So run the
//! suite in the host's tests, against the real database, not against a stand-in for it. It takes some seconds. It uses
//! account ids of its own, so a database that already holds accounts will do; it leaves its rows behind.
//!
//! Say how to open the store ([`Harness`]), and let [`conformance_tests!`](crate::conformance_tests) make a `#[test]` of
//! every case:
//!
//! ```
//! use countersign::MemoryStore;
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
//! Or take the [`cases`] and run those that are wanted, as a program can that checks a live installation:
//!
//! ```
//! # use countersign::MemoryStore;
//! use countersign::conformance::{Harness, cases};
//! # #[derive(Default)]
//! # struct InMemory(MemoryStore);
//! # impl Harness for InMemory {
//! #     type Store = MemoryStore;
//! #     fn open(&self) -> MemoryStore { self.0.clone() }
//! # }
//!
//! let harness = InMemory::default();
//! for case in cases().iter().filter(|case| !case.name().contains("erase")) {
//!     case.run(&harness)?;
//!     println!("{} ... ok", case.name());
//! }
//! # Ok::<(), countersign::conformance::Failure>(())
//! ```
//!
//! # Faults
//!
//! [`Faulty`] wraps any store into one that fails, loses answers and writes late, from a seed: for a host's tests of its
//! own sign-in.

mod case;
mod failure;
mod fault;
mod faulty;
mod harness;
mod list;
mod run;
mod store_cases;
mod store_races;
mod verifier_races;

pub use case::{Case, cases};
pub use failure::Failure;
pub use fault::{Fault, Faults};
pub use faulty::{Faulty, InjectedFault};
pub use harness::Harness;
pub use store_cases::*;
pub use store_races::*;
pub use verifier_races::*;
