//! `RedisStore` keeps the contract on a real server and on a real cluster, and says clearly what is wrong when it cannot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

/// A server or a cluster, or the end of the test.
macro_rules! available {
    ($started:expr) => {
        match countersign_store_testing::available($started) {
            Some(server) => server,
            None => return,
        }
    };
}

/// What all tests share, or the end of the test, with this answer.
macro_rules! shared {
    ($server:ident) => {
        shared!($server, ())
    };
    ($server:ident, $skipped:expr) => {
        match &*crate::support::$server {
            Some(server) => server,
            None => return $skipped,
        }
    };
}

mod cluster;
mod conformance;
mod errors;
mod faults;
mod keys;
mod replicas;
mod support;
mod verdicts;
