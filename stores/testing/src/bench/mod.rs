//! How fast verifiers are over a store, beside the bare driver on the same pool.
//!
//! A benchmark of a store implements [`Engine`] and [`Table`] for its database and hands them to a [`Bench`]. Everything
//! that is counted was accepted: the accounts are enrolled, the passcodes are right, and each is of a step that was not
//! used before, because every client has a clock of its own that runs as fast as it logs in.
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
mod jobs;
mod machine;
mod measure;
mod options;
mod report;

use std::path::PathBuf;

use countersign::{AccountId, Store};

use crate::Durability;
use accounts::Population;
use measure::Measurement;
use options::Options;
use report::Report;

/// Whatever ends a benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A database to measure.
pub trait Engine: Sized + Send + Sync {
    /// What is kept in it.
    type Table: Table;

    /// Its name, as in the arguments of the program.
    const NAME: &'static str;

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

/// The revision of a row that was never written to since it was made; as long as others are.
pub const REVISION: i64 = 1 << 62;

/// Accounts in a database, with a store over them and the bare driver beside it.
pub trait Table: Clone + Send + Sync + 'static {
    /// The store that is measured.
    type Store: Store + Clone + 'static;

    /// The store over this table.
    fn store(&self) -> Self::Store;

    /// What a verification asks of the database, with the store's own driver and pool and nothing else: reads record and
    /// revision, and then writes as many bytes under another revision if the one that was read is still there. Says
    /// whether it was.
    fn bare(
        &self,
        account: &AccountId,
        revision: i64,
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
        report.paragraph(&machine::describe()?);
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
        })
    }

    /// Measures an engine, if the arguments name it or none.
    ///
    /// # Errors
    /// If it does not start, and if anything but an acceptance is the answer to a right passcode.
    pub async fn run<E: Engine>(&mut self) -> Result<(), Error> {
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
        measurement.bytes(&mut self.report).await?;
        measurement.rates(&self.options, &mut self.report).await?;
        measurement
            .latencies(&self.options, &mut self.report)
            .await?;
        measurement.reseal(&mut self.report).await?;
        self.report.paragraph(&machine::state()?);
        Ok(())
    }

    /// Writes the report to its file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        self.report.write(&self.file)
    }
}
