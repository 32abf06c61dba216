//! Measures logins per second on SQLite, compared with the driver alone, and latencies for tables
//! of different sizes.
//!
//! ```text
//! cargo bench -p countersign-rusqlite --bench engines -- [OPTION]... [NAME]...
//! options: --fast, --short, --turns N
//! ```
//!
//! | name | store | the driver alone |
//! |---|---|---|
//! | `thread` | `SqliteStore` | a thread that runs closures on its connection |
//! | `blocking` | `blocking::SqliteStore` | a connection in a mutex |
//!
//! The files are temporary. An answer means that the disk has the write. With `--fast` the files
//! are in memory, in `/dev/shm`. The report is also written to `target/engines-rusqlite.md`.

mod accounts;
mod bare;
mod database;

use countersign_store_testing::bench::{Bench, Error};

use database::{Blocking, OnThread};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench = Bench::new(concat!(
        env!("CARGO_TARGET_TMPDIR"),
        "/../engines-rusqlite.md"
    ))
    .await?;
    bench.run::<OnThread>().await?;
    bench.run::<Blocking>().await?;
    bench.finish()
}
