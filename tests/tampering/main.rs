//! Encrypted records: old records stay readable, and an attacker with write access to the database
//! gets the right error and never a login. The tests use the public API and a store of their own.
#![cfg(feature = "verifier")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod altered;
mod controlled_store;
mod keys;
mod known_answers;
mod misplaced;
mod rolled_back;
mod service;
