//! `PostgresStore` satisfies the contract on a real server, on each kind of connections, and names
//! the reason of each failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

/// The server that all tests share. Without one, the test returns.
macro_rules! server {
    () => {
        match &*crate::support::SERVER {
            Some(server) => server,
            None => return Default::default(),
        }
    };
}

/// Makes a test of each check for each kind of connections.
macro_rules! on_each_kind {
    ($($check:ident),+ $(,)?; $($name:ident: $kind:ty),+ $(,)?) => {
        on_each_kind!(@kinds [$($check),+] $($name: $kind),+);
    };
    (@kinds $checks:tt $($name:ident: $kind:ty),+) => { $(
        mod $name {
            use super::*;
            on_each_kind!(@checks $kind, $checks);
        }
    )+ };
    (@checks $kind:ty, [$($check:ident),+]) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $check() {
            super::$check::<$kind>(server!()).await;
        }
    )+ };
}

mod conformance;
mod errors;
mod example;
mod faults;
mod imports;
mod kinds;
mod open_transactions;
mod pooler;
mod sessions;
mod support;
mod table;
