//! Storms of logins on real databases that crash, and the books that are balanced afterwards. For Unix; not published.
//!
//! A storm has a few accounts and a few client processes (the program `soak-worker`) with several tasks each, which log in
//! over the whole verifier with right passcodes, wrong ones, passcodes that were used, backup codes, and issue new ones.
//! Each process writes down what it is about to try and what it was told, in a [`journal`] that survives it. Then the
//! server or a client is killed, and the [`books`] compare the journals with what is on record: every acceptance that a
//! client was told of is there, exactly once; every failure it was told of is counted; and whatever is used up was either
//! reported, or belongs to an attempt whose client was killed or told that the effect is unknown.
//!
//! Time is not the machine's: each account has a [`Wall`] clock in a file that all processes share, and every attempt moves
//! it on. So a passcode for each second of a month takes no month, and the second of an attempt names it, also on record.
//!
//! | what | where |
//! |---|---|
//! | an engine that can be killed, and how any process reaches it | [`engine`], [`connect`] |
//! | the accounts of a storm, and the codes that somebody printed | [`cast`], [`sheets`] |
//! | what a client does | [`client`] |
//! | one storm with one crash | [`storm`] |
//! | many processes that spend one code | [`race`] |
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test machinery: what goes wrong fails the test"
)]

pub mod books;
pub mod cast;
pub mod client;
pub mod connect;
mod dice;
pub mod engine;
pub mod journal;
pub mod race;
pub mod service;
pub mod sheets;
pub mod storm;
mod wall;
pub mod worker;

pub use books::{Books, Discrepancy};
pub use dice::Dice;
pub use engine::Server;
pub use wall::Wall;
