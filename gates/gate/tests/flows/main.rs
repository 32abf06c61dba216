//! The flows of the gate, driven as a browser and as a program with JSON drive them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod alarm;
mod backup_codes;
mod browser;
mod changes;
mod crashes;
mod devices;
mod faults;
mod guards;
mod lost;
mod program;
mod prove;
mod required;
mod reset;
mod schemas;
mod setup;
mod sign_in;
mod support;
