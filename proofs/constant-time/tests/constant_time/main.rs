//! From a key to the result, no branch, no address and no division depends on a secret.
//! `docs/constant-time.md` describes the program and the limits of this check.
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
mod sha_instructions;
