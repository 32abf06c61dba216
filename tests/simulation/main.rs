//! Checks the guarantees of the library under simulated faults. The connection to the store loses,
//! delays and duplicates calls. One part simulates whole accounts from random seeds; the other runs
//! every order of a few operations.
//!
//! `COUNTERSIGN_SCHEDULES=1000000` runs a million seeds. `COUNTERSIGN_SEED=...` runs one seed and
//! prints everything that happens:
//!
//! `cargo test --release --all-features --test simulation -- --nocapture`
#![cfg(feature = "conformance")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod checker;
mod coverage;
mod decisions;
mod devices;
mod entry;
mod explorer;
mod operation;
mod random_operations;
mod reference;
mod rules;
mod scenarios;
mod seeded_run;
mod seeds;
mod state_hash;
mod stores;
mod world;
