//! Sealed records: that they stay readable, and what somebody who can write to the database can do with them: through the
//! public API, by a store that hands out what it is given. Always a typed error, the right one, and never a login.
#![cfg(feature = "verifier")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod altered;
mod handed;
mod keys;
mod known_answers;
mod moved;
mod rolled_back;
mod service;
