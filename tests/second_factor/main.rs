//! The whole second factor, by the invariants of DESIGN.md: each test names the number that it shows.
#![cfg(feature = "verifier")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod backup_codes;
mod beginnings;
mod clocks;
mod enrollment;
mod issuing;
mod keys;
mod lost_answers;
mod passcodes;
mod policy;
mod proofs;
mod random;
mod receipts;
mod records;
mod secrecy;
mod throttle;
mod world;
