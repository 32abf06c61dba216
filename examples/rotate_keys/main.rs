//! The sealing key of a service is changed while people sign in, nothing is lost, and the old key is dropped.
//!
//! ```text
//! cargo run --release --example rotate_keys [-- --memory 1000000 --sqlite 100000 --db PATH]
//! ```
//!
//! Once over `MemoryStore`, once over SQLite. Kill it at any moment and run it again with the same `--db`: it goes on. There
//! is no state to keep, because `reseal` does nothing to a record that is sealed with the primary key.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of accounts, which come near no limit"
)]

mod accounts;
mod checks;
mod keys;
mod logins;
mod progress;
#[path = "../repeatable_random.rs"]
mod repeatable_random;
mod rotation;
mod stores;

use std::error::Error;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use countersign::store::{MemoryStore, Store};

use crate::accounts::Accounts;
use crate::logins::Logins;
use crate::stores::Listed;

/// Change the sealing key under load.
#[derive(Parser)]
#[command(name = "rotate_keys")]
struct Arguments {
    /// How many accounts over `MemoryStore`; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    memory: u32,
    /// How many accounts over SQLite; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    sqlite: u32,
    /// The SQLite database. One that has accounts is gone on with; a temporary one, if it is not given.
    #[arg(long, value_name = "PATH")]
    db: Option<PathBuf>,
}

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(worker_threads = 4)]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rotate_keys: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    if arguments.memory > 0 {
        writeln!(stdout(), "MemoryStore, {} accounts", arguments.memory)?;
        let store = MemoryStore::new();
        stores::fill_memory(&store, arguments.memory)?;
        change_the_key(store, arguments.memory).await?;
    }
    if arguments.sqlite > 0 {
        let folder = tempfile::tempdir()?;
        let path = arguments
            .db
            .unwrap_or_else(|| folder.path().join("accounts.db"));
        writeln!(stdout(), "SQLite, {} accounts", arguments.sqlite)?;
        over_sqlite(&path, arguments.sqlite).await?;
    }
    Ok(())
}

async fn over_sqlite(path: &Path, count: u32) -> Result<(), Failure> {
    let (store, pool) = stores::open_sqlite(path).await?;
    stores::fill_sqlite(&pool, count).await?;
    let outcome = change_the_key(store, count).await;
    pool.close().await;
    outcome
}

async fn change_the_key<S>(store: S, count: u32) -> Result<(), Failure>
where
    S: Listed + Clone + 'static,
    <S as Store>::Error: Send + Sync,
{
    let accounts = Accounts::new(count);
    let logins = Logins::begin(&store, accounts)?;
    let begun = Instant::now();
    let passes = rotation::run(&store, count, &logins).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let logins = logins.end().await?;
    for (number, pass) in (1..).zip(&passes) {
        writeln!(
            stdout(),
            "  pass {number}: {} resealed, {} already were",
            pass.changed,
            pass.current
        )?;
    }
    writeln!(
        stdout(),
        "  in {seconds:.1} s, with {} logins meanwhile",
        logins.count
    )?;
    let checked = checks::run(&store, accounts, &logins).await?;
    writeln!(
        stdout(),
        "  old key dropped: all {} records open, all {} last logins are on record, none of their passcodes works again",
        checked.records,
        checked.logins
    )?;
    Ok(())
}
