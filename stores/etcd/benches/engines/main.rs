//! Measures logins per second on etcd, compared with its HTTP client alone, and latencies for
//! different numbers of accounts.
//!
//! ```text
//! cargo bench -p countersign-etcd --bench engines [-- [--short] [--turns N]]
//! ```
//!
//! The server is temporary and alone. It waits for the disk before it answers a write; `--fast`
//! changes nothing. The report is also written to `target/engines-etcd.md`.

mod etcd;

use countersign_store_testing::bench::{Bench, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench = Bench::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/../engines-etcd.md")).await?;
    bench.run::<etcd::Server>().await?;
    bench.finish()
}
