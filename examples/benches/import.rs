//! Measures the example `import` compared with the bare driver, which inserts the same rows in the
//! same transactions.
//!
//! ```text
//! cargo bench -p countersign-examples --bench import -- [--rows N] [--turns N]
//! ```
//!
//! The program reads lines of JSON, and the driver gets records that are encrypted already. The two
//! take turns, each on a new SQLite database. The ratio is the median over the turns.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    dead_code,
    reason = "a benchmark stops at the first error, and uses a part of the program"
)]

#[path = "../import/arguments.rs"]
mod arguments;
#[path = "../import/batch.rs"]
mod batch;
#[path = "../import/database.rs"]
mod database;
#[path = "../import/failure.rs"]
mod failure;
#[path = "../import/fault.rs"]
mod fault;
#[path = "../import/form.rs"]
mod form;
#[path = "../import/lines.rs"]
mod lines;
#[path = "../import/progress.rs"]
mod progress;
#[path = "../import/report.rs"]
mod report;
#[path = "../import/row.rs"]
mod row;
#[path = "../import/run.rs"]
mod run;

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Parser;
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::arguments::ImportArguments;
use crate::failure::Failure;
use crate::report::Report;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 10_000)]
    rows: u32,
    #[arg(long, default_value_t = 51)]
    turns: u32,
    /// Cargo adds this argument.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row as the driver inserts it.
type Row = (String, i64, Vec<u8>, bool, i64, i64);

#[tokio::main]
async fn main() -> Result<(), String> {
    measure(&Options::parse())
        .await
        .map_err(|failure| failure.to_string())
}

async fn measure(options: &Options) -> Result<(), Failure> {
    let lines = lines(options.rows)?;
    let (mut ratios, mut imports, mut inserts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut import_cpu, mut insert_cpu) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..options.turns {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("accounts.db");
        let (imported, cpu) = import(&path, lines.clone()).await?;
        import_cpu += cpu;
        let rows = rows(&path).await?;
        let (inserted, cpu) = insert(&directory.path().join("driver.db"), &rows).await?;
        insert_cpu += cpu;
        let rate = |took: Duration| rows.len() as f64 / took.as_secs_f64();
        ratios.push(rate(imported) / rate(inserted));
        imports.push(rate(imported));
        inserts.push(rate(inserted));
    }
    for measured in [&mut ratios, &mut imports, &mut inserts] {
        measured.sort_by(f64::total_cmp);
    }
    let median = |measured: &[f64]| measured[measured.len() / 2];
    let count = f64::from(options.rows) * f64::from(options.turns);
    let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / count;
    println!(
        "{} rows, {} turns: import {:.0} rows/s, driver {:.0} rows/s, ratio {:.2}, middle half of \
         the turns {:.2} to {:.2}; CPU per row: import {:.1} µs, driver {:.1} µs",
        options.rows,
        options.turns,
        median(&imports),
        median(&inserts),
        median(&ratios),
        ratios[ratios.len() / 4],
        ratios[ratios.len() * 3 / 4],
        each(import_cpu),
        each(insert_cpu),
    );
    Ok(())
}

/// The lines of the input: one authenticator each.
fn lines(count: u32) -> Result<Vec<u8>, Failure> {
    let mut text = String::new();
    for number in 0..count {
        let mut secret = *b"00000000 is a secret";
        secret[..8].copy_from_slice(format!("{number:08}").as_bytes());
        let secret = data_encoding::BASE32_NOPAD.encode(&secret);
        writeln!(
            text,
            r#"{{"account":"{number}","authenticators":[{{"type":"totp","secret":"{secret}","algorithm":"SHA1","digits":6,"period":30,"name":"phone","added_at":1700000000,"last_step":56666666}}]}}"#
        )?;
    }
    Ok(text.into_bytes())
}

async fn import(path: &Path, lines: Vec<u8>) -> Result<(Duration, Duration), Failure> {
    let arguments = ImportArguments {
        db: path.into(),
        key: path.with_extension("key"),
        dry_run: false,
        min_bits: 128,
    };
    let mut report = Report::new()?;
    let (start, cpu) = (Instant::now(), cpu()?);
    run::run(&arguments, Cursor::new(lines), None, &mut report).await?;
    let took = (start.elapsed(), used_since(cpu)?);
    if report.has_refused() {
        return Err(Failure::new("a line was refused"));
    }
    Ok(took)
}

async fn rows(path: &Path) -> Result<Vec<Row>, Failure> {
    let pool = SqlitePool::connect_with(SqliteStore::connect_options(path)).await?;
    let rows = "SELECT account, revision, record, enabled, codes_left, key_id FROM countersign";
    let rows = sqlx::query_as(rows).fetch_all(&pool).await?;
    pool.close().await;
    Ok(rows)
}

async fn insert(path: &Path, rows: &[Row]) -> Result<(Duration, Duration), Failure> {
    let (start, cpu) = (Instant::now(), cpu()?);
    let options = SqliteStore::connect_options(path);
    let pool = SqlitePoolOptions::new().connect_with(options).await?;
    SqliteStore::new(pool.clone()).create_table().await?;
    for batch in rows.chunks(1000) {
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        for (account, revision, record, enabled, codes_left, key) in batch {
            sqlx::query(
                "INSERT INTO countersign \
                 (account, revision, record, enabled, codes_left, key_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .bind(account)
            .bind(revision)
            .bind(record)
            .bind(enabled)
            .bind(codes_left)
            .bind(key)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
    }
    pool.close().await;
    Ok((start.elapsed(), used_since(cpu)?))
}

/// The processor time of this process, threads that ended included. Linux counts it in hundredths
/// of a second.
fn cpu() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks = ticks
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum::<u64>();
    Ok(Duration::from_millis(ticks * 10))
}

fn used_since(begin: Duration) -> Result<Duration, Failure> {
    Ok(cpu()?.saturating_sub(begin))
}
