//! Measures logins per second on PostgreSQL, compared with diesel-async alone, and latencies for
//! tables of different sizes.
//!
//! ```text
//! cargo bench -p countersign-diesel --all-features --bench engines -- [OPTION]... [NAME]...
//! options: --fast, --short, --turns N
//! ```
//!
//! | name | what it measures |
//! |---|---|
//! | `deadpool`, `bb8` | a pool that only the store uses |
//! | `shared` | a pool of deadpool whose open transactions the store ends before each call |
//!
//! The server is temporary. Its settings are those that a service needs: an answer means that the
//! disk has the write. With `--fast` it does not wait for the disk. The report is also written to
//! `target/engines-diesel.md`.

mod database;
mod pools;
mod statements;

use countersign_store_testing::bench::{Bench, Error};

use database::DieselPostgres;
use pools::{Bb8, Deadpool, Shared};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench = Bench::new(concat!(
        env!("CARGO_TARGET_TMPDIR"),
        "/../engines-diesel.md"
    ))
    .await?;
    bench.run::<DieselPostgres<Deadpool>>().await?;
    bench.run::<DieselPostgres<Bb8>>().await?;
    bench.run::<DieselPostgres<Shared>>().await?;
    bench.finish()
}

/// One connection for each concurrent client.
const CONNECTIONS: u32 = 64;
