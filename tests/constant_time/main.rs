//! From a key to the verdict, no branch and no address depends on a secret, and no division sees one.
//! `docs/constant-time.md` says what is run, and what it does not prove.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod divisions;
mod memcheck;
mod programs;
