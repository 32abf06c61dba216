//! Changes the encryption key of a service while users sign in, checks that nothing is lost, and
//! drops the old key.
//!
//! ```text
//! cargo run --release --example rotate_keys [-- --memory 1000000 --sqlite 100000 --db PATH]
//! ```
//!
//! It runs over `MemoryStore` and over SQLite. You can kill the program and run it again with the
//! same `--db`: it continues. It stores no progress, because `reseal` skips a record that is
//! encrypted with the primary key.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of accounts, which are far below every limit"
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

/// Change the encryption key under load.
#[derive(Parser)]
#[command(name = "rotate_keys")]
struct Arguments {
    /// The number of accounts over `MemoryStore`; 0 skips this part.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    memory: u32,
    /// The number of accounts over SQLite; 0 skips this part.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    sqlite: u32,
    /// The SQLite database. The program continues with the accounts in it. Without a path it uses a
    /// temporary database.
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
        let directory = tempfile::tempdir()?;
        let path = arguments
            .db
            .unwrap_or_else(|| directory.path().join("accounts.db"));
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
    let started = Instant::now();
    let passes = rotation::run(&store, count, &logins).await?;
    let seconds = started.elapsed().as_secs_f64();
    let logins = logins.end().await?;
    for (number, pass) in (1..).zip(&passes) {
        writeln!(
            stdout(),
            "  pass {number}: {} re-encrypted, {} unchanged",
            pass.changed,
            pass.unchanged
        )?;
    }
    writeln!(
        stdout(),
        "  took {seconds:.1} s, with {} logins at the same time",
        logins.count
    )?;
    let checked = checks::run(&store, accounts, &logins).await?;
    writeln!(
        stdout(),
        "  old key dropped: all {} records can be decrypted, all {} last logins are stored, and none of their passcodes is \
         accepted again",
        checked.records,
        checked.logins
    )?;
    Ok(())
}
