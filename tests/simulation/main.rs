//! The promise of the library, put to the test by machines: whole lives of accounts on a connection that loses, delays and
//! doubles what is sent, drawn from seeds; and every order there is of a few operations.
//!
//! `COUNTERSIGN_SCHEDULES=1000000 cargo test --release --all-features --test simulation -- --nocapture` for many;
//! `COUNTERSIGN_SEED=...` for one, with all that happens in it.
#![cfg(feature = "conformance")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod books;
mod choices;
mod coverage;
mod draws;
mod entry;
mod explorer;
mod known_phone;
mod life;
mod lives;
mod mirror;
mod operation;
mod rules;
mod scenarios;
mod stores;
mod tracks;
mod world;
