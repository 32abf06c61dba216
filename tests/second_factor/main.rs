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
mod blocking;
mod clocks;
mod enrollment;
mod invariants;
mod issuing;
mod keys;
mod limits;
mod lost_answers;
mod passcodes;
mod policy;
mod pool;
mod proofs;
mod random;
mod receipts;
mod records;
mod rounds;
mod salts;
mod secrecy;
mod throttle;
mod world;
mod writes;
