//! Measures verifiers on a store, compared with the bare driver on the same pool.
//!
//! A benchmark of a store implements [`Database`] and [`Table`], and passes them to a [`Bench`].
//! The benchmark counts accepted logins only: the accounts are enrolled, the passcodes are correct,
//! and no time step is used twice. Every client has a clock of its own that advances with each
//! login.
//!
//! Driver, store and verifier do the same work. They read a row, and write a new record of the same
//! size if the revision has not changed. Each of the three has accounts of its own. They take turns
//! of a quarter of a second, in one order and then in the reverse order. A ratio is the median of
//! the ratios of neighbouring turns, so other load on the computer affects both sides. On one
//! shared account, the loser of a race reads again. It then continues, or finds that a later
//! passcode or revision was first.
//!
//! ```no_run
//! # use countersign_store_testing::{Durability, bench::{Bench, Database, Error, Table}};
//! # async fn measure<MyDatabase: Database>() -> Result<(), Error> {
//! let mut bench = Bench::new("target/engines.md").await?;
//! bench.run::<MyDatabase>().await?;
//! bench.finish()
//! # }
//! ```
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first error"
)]

mod accounts;
mod clients;
mod contender;
mod database;
mod jobs;
mod machine;
mod measure;
mod options;
mod random_record;
mod report;

use std::path::PathBuf;

use accounts::Population;
use measure::Measurement;
use options::Options;

pub use database::{Database, Error, REVISION, Table};
pub use machine::{available_memory, cpu_time, describe as describe_machine, resident};
pub use report::{Report, grouped};

/// A benchmark of one or more databases. It prints its report, and writes it to a file.
#[derive(Debug)]
pub struct Bench {
    options: Options,
    populations: Vec<Population>,
    report: Report,
    file: PathBuf,
    databases: Vec<&'static str>,
}

impl Bench {
    /// Reads the arguments of the program, describes the computer, enrolls the accounts, and
    /// measures the verifier without a database.
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
            databases: Vec::new(),
        })
    }

    /// Measures a database, if the arguments name it or name none.
    ///
    /// # Errors
    /// If the database does not start, or if a correct passcode is not accepted.
    pub async fn run<D: Database>(&mut self) -> Result<(), Error> {
        self.databases.push(D::NAME);
        if !self.options.wants(D::NAME) {
            return Ok(());
        }
        let Some(database) = D::start(self.options.durability()).await? else {
            return Ok(());
        };
        self.report.heading(D::NAME);
        self.report.paragraph(&database.describe().await?);
        self.report.paragraph(&machine::state()?);
        let measurement = Measurement::prepare(&database, &self.populations).await?;
        measurement.rates(&self.options, &mut self.report).await?;
        measurement
            .latencies(&self.options, &mut self.report)
            .await?;
        measurement.bytes(D::PLACE, &mut self.report);
        measurement.reseal(&mut self.report).await?;
        self.report.paragraph(&machine::state()?);
        Ok(())
    }

    /// Compares verifiers on two databases, if the arguments have this name or no name: for example
    /// two drivers on one server.
    ///
    /// # Errors
    /// If a database does not start, or if a correct passcode is not accepted.
    pub async fn compare<A: Database, B: Database>(
        &mut self,
        name: &'static str,
    ) -> Result<(), Error> {
        self.databases.push(name);
        if !self.options.wants(name) {
            return Ok(());
        }
        let Some(first) = A::start(self.options.durability()).await? else {
            return Ok(());
        };
        let Some(second) = B::start(self.options.durability()).await? else {
            return Ok(());
        };
        self.report.heading(name);
        self.report.paragraph(&first.describe().await?);
        self.report.paragraph(&machine::state()?);
        let population = &self.populations[1..2];
        let first = Measurement::prepare(&first, population).await?;
        let second = Measurement::prepare(&second, population).await?;
        let names = [A::NAME, B::NAME];
        measure::compare(names, &first, &second, &self.options, &mut self.report).await?;
        self.report.paragraph(&machine::state()?);
        Ok(())
    }

    /// Writes the report to its file.
    ///
    /// # Errors
    /// If the arguments name an unknown database, or the file cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        if let Some(unknown) = self.options.unknown(&self.databases) {
            return Err(format!(
                "{unknown}: no such database; use {}",
                self.databases.join(", ")
            )
            .into());
        }
        self.report.write(&self.file)
    }
}
