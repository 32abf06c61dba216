//! Tests the results of a verifier on real databases. The server or the client process is killed,
//! the network fails, or many clients use one code.
//!
//! Run the long tests by hand: `cargo test --release -p countersign-store-soak -- --ignored
//! --nocapture soak`.
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
mod galera;
mod late;
mod races;
mod records;
mod serializable;
mod sqlite;
mod standby;

const WORKER: &str = env!("CARGO_BIN_EXE_soak-worker");
