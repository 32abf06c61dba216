//! Measures logins per second on each database, compared with its driver alone, and latencies for
//! tables of different sizes.
//!
//! ```text
//! cargo bench -p countersign-sqlx --all-features --bench engines -- [OPTION]... [sqlite] [postgres] [mariadb]
//! options: --fast, --short, --turns N
//! ```
//!
//! The servers are temporary. Their settings are those that a service needs: an answer means that
//! the disk has the write. With `--fast` they do not wait for the disk. The report is also written
//! to `target/engines.md`.

/// Reads and writes a row with the bare driver: the same code on the pool of each database.
///
/// The struct has the fields `pool`, `select` and `update`. The arguments of `update` are the new
/// revision, the record, the account and the expected revision.
macro_rules! read_and_write_rows {
    ($account:ident => $key:expr) => {
        async fn read(&self, $account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
            let select = sqlx::query(self.select.clone()).bind($key);
            let row = select.fetch_one(&self.pool).await?;
            Ok((row.try_get(1)?, row.try_get(0)?))
        }

        async fn write(
            &self,
            $account: &AccountId,
            expected: i64,
            revision: i64,
            record: &[u8],
        ) -> Result<bool, Error> {
            let update = sqlx::query(self.update.clone())
                .bind(revision)
                .bind(record)
                .bind($key)
                .bind(expected);
            Ok(update.execute(&self.pool).await?.rows_affected() == 1)
        }
    };
}

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

/// A statement that is built once.
fn sql(text: impl Into<String>) -> SqlStr {
    AssertSqlSafe(Arc::<str>::from(text.into())).into_sql_str()
}

/// One connection for each concurrent client.
const CONNECTIONS: u32 = 64;
