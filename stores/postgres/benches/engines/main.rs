//! Measures logins per second on PostgreSQL, compared with the driver alone and with
//! countersign-sqlx, and latencies for tables of different sizes.
//!
//! ```text
//! cargo bench -p countersign-postgres --all-features --bench engines -- [OPTION]... [NAME]...
//! options: --fast, --short, --turns N
//! ```
//!
//! | name | what it measures |
//! |---|---|
//! | `deadpool`, `bb8` | a pool that only the store uses |
//! | `shared` | a pool whose connections other code uses before each call of the store |
//! | `pooler` | a pool with `behind_pooler`; no pooler is there |
//! | `NAME-sqlx` | logins with one of these stores, compared with logins with countersign-sqlx |
//!
//! The server is temporary. Its settings are those that a service needs: an answer means that the
//! disk has the write. With `--fast` it does not wait for the disk. The report is also written to
//! `target/engines-postgres.md`.

mod against_sqlx;
mod database;
mod pools;

use countersign_store_testing::bench::{Bench, Error};

use against_sqlx::Sqlx;
use database::TokioPostgres;
use pools::{Bb8, Deadpool, Pooler, Shared};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench = Bench::new(concat!(
        env!("CARGO_TARGET_TMPDIR"),
        "/../engines-postgres.md"
    ))
    .await?;
    bench.run::<TokioPostgres<Deadpool>>().await?;
    bench.run::<TokioPostgres<Bb8>>().await?;
    bench.run::<TokioPostgres<Shared>>().await?;
    bench.run::<TokioPostgres<Pooler>>().await?;
    bench
        .compare::<TokioPostgres<Deadpool>, Sqlx>("deadpool-sqlx")
        .await?;
    bench
        .compare::<TokioPostgres<Shared>, Sqlx>("shared-sqlx")
        .await?;
    bench
        .compare::<TokioPostgres<Pooler>, Sqlx>("pooler-sqlx")
        .await?;
    bench.finish()
}

/// One connection for each concurrent client.
const CONNECTIONS: u32 = 64;
