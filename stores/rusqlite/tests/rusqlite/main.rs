//! The blocking and the async store satisfy the contract on SQLite, and name the reason of each
//! failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod conformance;
mod connections;
mod errors;
mod support;
mod table;
mod thread;
