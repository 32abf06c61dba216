//! Logins a second over each database, beside what its driver does alone, and how long they take when there are many
//! accounts.
//!
//! ```text
//! cargo bench -p countersign-sqlx --all-features --bench engines [-- [--fast] [--short] [--turns N] [sqlite] [postgres] [mariadb]]
//! ```
//!
//! The servers are throw-away ones with the settings that a service needs: an answer means that the disk has it. `--fast`
//! does not wait for the disk. What is printed is also in `target/engines.md`.

mod maria_db;
mod postgres;
mod sqlite;

use std::sync::Arc;

use countersign_store_testing::bench::{Bench, Error};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut bench = Bench::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/../engines.md")).await?;
    bench.run::<sqlite::Sqlite>().await?;
    bench.run::<postgres::PostgreSql>().await?;
    bench.run::<maria_db::Maria>().await?;
    bench.finish()
}

/// A statement that is put together once.
fn sql(text: impl Into<String>) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text.into())).into_sql_str()
}

/// One connection for every client that there is at once.
const CONNECTIONS: u32 = 64;
