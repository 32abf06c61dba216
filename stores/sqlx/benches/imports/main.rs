//! Measures imports per second on each database, compared with its driver alone.
//!
//! ```text
//! cargo bench -p countersign-sqlx --all-features --bench imports -- [--short] [--fast] [--turns N] [sqlite] [postgres] [mariadb]
//! ```
//!
//! Both sides insert the same rows, a thousand in a transaction, one statement for each row. The
//! driver gets records that are encrypted already. The two take turns of five transactions, in one
//! order and then in the reverse order. The ratio is the median of the ratios of neighbouring turns.
//!
//! The servers are temporary. An answer means that the disk has the rows; with `--fast` they do not
//! wait for the disk. The report is also written to `target/imports.md`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first error"
)]

mod contenders;
mod rows;

use std::time::Instant;

use contenders::{Contenders, Maria, PostgreSql, SqliteFile};
use countersign_store_testing::Durability;
use countersign_store_testing::bench::{Error, Report, cpu_time, describe_machine, grouped};
use rows::{BATCH, Rows};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut report = Report::default();
    report.paragraph(&format!(
        "{}. Clients and server share them.",
        describe_machine()?
    ));
    report.columns(&[
        "database",
        "imports / driver",
        "middle half of the turns",
        "imports/s",
        "driver/s",
        "client CPU per row: import, driver",
    ]);
    options.run::<SqliteFile>("sqlite", &mut report).await?;
    options.run::<PostgreSql>("postgres", &mut report).await?;
    options.run::<Maria>("mariadb", &mut report).await?;
    report.end();
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../imports.md").as_ref())
}

struct Options {
    turns: usize,
    /// The transactions of a turn.
    transactions: usize,
    durability: Durability,
    databases: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut options = Self {
            turns: 24,
            transactions: 5,
            durability: Durability::Durable,
            databases: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo adds this argument.
                "--bench" => {}
                "--short" => (options.turns, options.transactions) = (2, 1),
                "--fast" => options.durability = Durability::Fast,
                "--turns" => {
                    let turns = arguments.next().ok_or("--turns needs a number")?;
                    options.turns = turns.parse()?;
                }
                "sqlite" | "postgres" | "mariadb" => options.databases.push(argument),
                _ => return Err(format!("{argument}: no such option or database").into()),
            }
        }
        Ok(options)
    }

    async fn run<C: Contenders>(&self, name: &str, report: &mut Report) -> Result<(), Error> {
        let wanted = self.databases.is_empty() || self.databases.iter().any(|one| one == name);
        if !wanted {
            return Ok(());
        }
        let Some(contenders) = C::start(self.durability).await? else {
            return Ok(());
        };
        let mut rows = Rows::new()?;
        // The first turn fills caches, and counts for nothing.
        self.turn(&contenders, &mut rows, true).await?;
        let (mut ratios, mut imports, mut inserts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut import_cpu, mut insert_cpu) = (0.0, 0.0);
        for turn in 0..self.turns {
            let (import, insert) = self.turn(&contenders, &mut rows, turn % 2 == 0).await?;
            ratios.push(import.rate / insert.rate);
            imports.push(import.rate);
            inserts.push(insert.rate);
            import_cpu += import.cpu / self.turns as f64;
            insert_cpu += insert.cpu / self.turns as f64;
        }
        for measured in [&mut ratios, &mut imports, &mut inserts] {
            measured.sort_by(f64::total_cmp);
        }
        let quarter = |measured: &[f64], quarter: usize| measured[measured.len() * quarter / 4];
        report.row(&[
            name.into(),
            format!("{:.2}", quarter(&ratios, 2)),
            format!("{:.2} to {:.2}", quarter(&ratios, 1), quarter(&ratios, 3)),
            grouped(quarter(&imports, 2)),
            grouped(quarter(&inserts, 2)),
            format!("{import_cpu:.1} µs, {insert_cpu:.1} µs"),
        ]);
        Ok(())
    }

    /// One turn of the imports, and one of the driver.
    async fn turn<C: Contenders>(
        &self,
        contenders: &C,
        rows: &mut Rows,
        imports_first: bool,
    ) -> Result<(Turn, Turn), Error> {
        let mut turns = [None, None];
        for imports in [imports_first, !imports_first] {
            let batches: Vec<_> = (0..self.transactions).map(|_| rows.next()).collect();
            let (start, cpu) = (Instant::now(), cpu_time()?);
            for batch in &batches {
                if imports {
                    contenders.import(batch).await?;
                } else {
                    contenders.insert(batch).await?;
                }
            }
            let count = (batches.len() * BATCH) as f64;
            let cpu = cpu_time()?.saturating_sub(cpu);
            turns[usize::from(!imports)] = Some(Turn {
                rate: count / start.elapsed().as_secs_f64(),
                cpu: cpu.as_secs_f64() * 1e6 / count,
            });
        }
        let [Some(import), Some(insert)] = turns else {
            return Err("a turn is missing".into());
        };
        Ok((import, insert))
    }
}

struct Turn {
    /// Rows per second.
    rate: f64,
    /// Microseconds of processor time per row.
    cpu: f64,
}
