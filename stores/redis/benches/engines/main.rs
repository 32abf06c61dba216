//! Measures logins per second on Redis, compared with its driver alone, and latencies for different
//! numbers of accounts.
//!
//! ```text
//! cargo bench -p countersign-redis --bench engines [-- [--fast] [--short] [--turns N]]
//! ```
//!
//! The server is temporary. Its settings are those that a service needs: an answer means that the
//! disk has the write. With `--fast` it does not wait for the disk. The report is also written to
//! `target/engines-redis.md`.

mod redis;

use countersign_store_testing::bench::{Bench, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench =
        Bench::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/../engines-redis.md")).await?;
    bench.run::<redis::Server>().await?;
    bench.finish()
}
