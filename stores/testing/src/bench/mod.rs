//! How fast verifiers are over a store, beside the bare driver on the same pool.
//!
//! A benchmark of a store implements [`Engine`] and [`Table`] for its database and hands them to a [`Bench`]. Everything
//! that is counted was accepted: the accounts are enrolled, the passcodes are right, and each is of a step that was not
//! used before, because every client has a clock of its own that runs as fast as it logs in.
//!
//! Driver, store and verifier do the same: they read a row and write a new record of the same size if the revision is still
//! the same. Each has accounts of its own, and they take turns of a quarter of a second, in one order and then in the other.
//! A ratio is the median of those of neighbouring turns, so what else the machine does falls out. On one account, who loses
//! reads again, and goes on or finds that a later passcode (or revision) was first.
//!
//! ```no_run
//! # use countersign_store_testing::{Durability, bench::{Bench, Engine, Error, Table}};
//! # async fn measure<MyEngine: Engine>() -> Result<(), Error> {
//! let mut bench = Bench::new("target/engines.md").await?;
//! bench.run::<MyEngine>().await?;
//! bench.finish()
//! # }
//! ```
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark ends at the first surprise, and says where"
)]

mod accounts;
mod clients;
mod contender;
mod jobs;
mod machine;
mod measure;
mod noise;
mod options;
mod report;

use std::path::PathBuf;

use countersign::AccountId;
use countersign::store::Store;

use crate::Durability;
use accounts::Population;
use measure::Measurement;
use options::Options;

pub use machine::describe as describe_machine;
pub use report::{Report, grouped};

/// Whatever ends a benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A database to measure.
pub trait Engine: Sized + Send + Sync {
    /// What is kept in it.
    type Table: Table;

    /// Its name, as in the arguments of the program.
    const NAME: &'static str;

    /// Where the bytes are that [`Table::bytes`] counts.
    const PLACE: &'static str = "on disk";

    /// Starts it, or says why there is nothing to measure.
    fn start(durability: Durability) -> impl Future<Output = Result<Option<Self>, Error>> + Send;

    /// Its version, and what it was set to.
    fn describe(&self) -> impl Future<Output = Result<String, Error>> + Send;

    /// Makes a table with the accounts `1` to `rows`, all with this record and the revision [`REVISION`].
    fn table(
        &self,
        rows: u32,
        record: &[u8],
    ) -> impl Future<Output = Result<Self::Table, Error>> + Send;
}

/// The revision of a row that was not written to since it was made: lower than those that follow, and as long.
pub const REVISION: i64 = 1 << 62;

/// Accounts in a database, with a store over them and the bare driver beside it.
pub trait Table: Clone + Send + Sync + 'static {
    /// The store that is measured.
    type Store: Store + Clone + 'static;

    /// The store over this table.
    fn store(&self) -> Self::Store;

    /// Reads a row, with the store's own driver and pool and nothing else: its revision and its record.
    fn read(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<(i64, Vec<u8>), Error>> + Send;

    /// Writes a row in the same way, if the expected revision is still there. Says whether it was.
    fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// What the table and its index take on the disk (or in memory, where that is where they are).
    fn bytes(&self) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// A run over one or more engines. It prints as it goes, and writes the same to a file.
#[derive(Debug)]
pub struct Bench {
    options: Options,
    populations: Vec<Population>,
    report: Report,
    file: PathBuf,
    engines: Vec<&'static str>,
}

impl Bench {
    /// Reads the arguments of the program, looks at the machine, enrolls the accounts, and measures what the verifier does
    /// without a database.
    ///
    /// # Errors
    /// If an argument is unknown or the accounts cannot be made.
    pub async fn new(file: impl Into<PathBuf>) -> Result<Self, Error> {
        let options = Options::parse(std::env::args().skip(1))?;
        let mut report = Report::default();
        report.paragraph(&format!(
            "{}. Clients and server share them.",
            machine::describe()?
        ));
        let mut populations = Vec::new();
        for &rows in options.sizes() {
            populations.push(Population::enroll(rows, options.accounts())?);
        }
        measure::own_work(&populations[0], &options, &mut report).await?;
        Ok(Self {
            options,
            populations,
            report,
            file: file.into(),
            engines: Vec::new(),
        })
    }

    /// Measures an engine, if the arguments name it or none.
    ///
    /// # Errors
    /// If it does not start, and if anything but an acceptance is the answer to a right passcode.
    pub async fn run<E: Engine>(&mut self) -> Result<(), Error> {
        self.engines.push(E::NAME);
        if !self.options.wants(E::NAME) {
            return Ok(());
        }
        let Some(engine) = E::start(self.options.durability()).await? else {
            return Ok(());
        };
        self.report.heading(E::NAME);
        self.report.paragraph(&engine.describe().await?);
        self.report.paragraph(&machine::state()?);
        let measurement = Measurement::prepare(&engine, &self.populations).await?;
        measurement.rates(&self.options, &mut self.report).await?;
        measurement
            .latencies(&self.options, &mut self.report)
            .await?;
        measurement.bytes(E::PLACE, &mut self.report);
        measurement.reseal(&mut self.report).await?;
        self.report.paragraph(&machine::state()?);
        Ok(())
    }

    /// Writes the report to its file.
    ///
    /// # Errors
    /// If an engine was asked for that does not exist, or the file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        if let Some(unknown) = self.options.unknown(&self.engines) {
            return Err(format!("{unknown}: not one of {}", self.engines.join(", ")).into());
        }
        self.report.write(&self.file)
    }
}
