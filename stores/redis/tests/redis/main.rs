//! `RedisStore` satisfies the contract on a real server and on a real cluster, and names the reason
//! of each failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

/// A server or a cluster. Without one, the test returns.
macro_rules! available {
    ($started:expr) => {
        match countersign_store_testing::available($started) {
            Some(server) => server,
            None => return,
        }
    };
}

/// A server or a cluster that all tests share. Without one, the test returns this answer.
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
mod example;
mod faults;
mod keys;
mod replicas;
mod results;
mod sentinels;
mod support;
mod vigilance;
