//! Crash tests: logins on real databases that crash, and a consistency check afterwards. For Unix;
//! not published.
//!
//! A crash test has a few accounts and a few client processes (the program `soak-worker`) with
//! several tasks each. The tasks use a whole verifier. They log in with correct, wrong and used
//! passcodes and with backup codes, and they issue new backup codes. Each process writes each
//! attempt and its result to a [`journal`] that survives the process. Then the test kills the
//! server or a client.
//!
//! Afterwards the [`consistency`] check compares the journals with the stored records:
//!
//! - Every login that the verifier reported to a client as accepted is stored, exactly once.
//! - Every failure that the verifier reported to a client is counted.
//! - Every other used code belongs to an attempt whose client was killed, or got an error that says
//!   that the effect is unknown.
//!
//! The tests do not use the system time. Each account has a [`SharedClock`] in a file that all
//! processes share, and every attempt advances this clock. So a test can use the passcodes of a
//! month in a short time. The time of an attempt, in whole seconds, identifies the attempt, even in
//! the stored record.
//!
//! | content | module |
//! |---|---|
//! | a server that can be killed, and how a process connects to it | [`server`], [`connect`] |
//! | the test users, and their issued backup codes | [`users`], [`backup_code_sets`] |
//! | what a client does | [`client`] |
//! | one test with one crash | [`crash_test`] |
//! | many processes that use one code | [`code_race`] |
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: an error fails the test"
)]

pub mod backup_code_sets;
pub mod client;
pub mod code_race;
pub mod connect;
pub mod consistency;
pub mod crash_test;
pub mod journal;
pub mod race_round;
mod seeded_random;
pub mod server;
pub mod service;
mod shared_clock;
mod starting_line;
pub mod users;
pub mod worker_process;
pub mod worker_program;

pub use consistency::{CheckReport, Discrepancy};
pub use seeded_random::SeededRandom;
pub use server::Server;
pub use shared_clock::SharedClock;
