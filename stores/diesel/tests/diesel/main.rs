//! The stores satisfy the contract on each kind of pool and on each database, and name the reason
//! of each failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

/// Makes a test of each check for each kind of pool. Without the server, the test returns.
macro_rules! on_each_kind {
    ($($check:ident),+ $(,)?; $($kind:ident),+ $(,)?) => {
        on_each_kind!(@checks [$($kind),+] $($check),+);
    };
    (@checks $kinds:tt $($check:ident),+) => { $(
        #[expect(non_snake_case, reason = "each test has the name of its kind")]
        mod $check {
            on_each_kind!(@kinds $check, $kinds);
        }
    )+ };
    (@kinds $check:ident, [$($kind:ident),+]) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $kind() {
            if let Some(database) = crate::kinds::database::<crate::kinds::$kind>() {
                super::$check::<crate::kinds::$kind>(&database).await;
            }
        }
    )+ };
}

mod cluster;
mod conformance;
mod databases;
mod errors;
mod example;
mod faults;
mod imports;
mod kinds;
mod open_transactions;
mod other_code;
mod poolers;
mod rows;
mod settings;
mod silence;
mod support;
mod table;
