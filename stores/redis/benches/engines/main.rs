//! Logins a second over Redis, beside what its driver does alone, and how long they take when there are many accounts.
//!
//! ```text
//! cargo bench -p countersign-redis --bench engines [-- [--fast] [--short] [--turns N]]
//! ```
//!
//! The server is a throw-away one with the settings that a service needs: an answer means that the disk has it. `--fast`
//! does not wait for the disk. What is printed is also in `target/engines-redis.md`.

mod redis;

use countersign_store_testing::bench::{Bench, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench =
        Bench::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/../engines-redis.md")).await?;
    bench.run::<redis::Server>().await?;
    bench.finish()
}
