//! What the verifier was told and what it told holds on real engines, when they crash, when its own process is killed,
//! when the network fails, and when everybody comes at once.
//!
//! What takes long is run by hand: `cargo test --release -p countersign-store-soak -- --ignored --nocapture soak`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod crashes;
mod faults;
mod late;
mod races;
mod sqlite;

const WORKER: &str = env!("CARGO_BIN_EXE_soak-worker");
