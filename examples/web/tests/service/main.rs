//! Tests of the service through its router, without a socket and with a test clock, on SQLite and
//! PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

/// Runs each of these functions as a test on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::support::Service::on_sqlite().await).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(service) = crate::support::Service::on_postgres().await {
                    super::$name(service).await;
                }
            })*
        }
    };
}

mod admin;
mod backup_codes;
mod browser;
mod changes;
mod cookies;
mod defence;
mod partial_sign_in;
mod routes;
mod sessions;
mod setup;
mod sign_in;
mod sign_up;
mod start;
mod support;
