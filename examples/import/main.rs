//! Imports the accounts of another system: users keep their phones and their backup codes.
//!
//! ```text
//! cargo run --release --example import -- --db accounts.db --key accounts.key < rows.jsonl
//! cargo run --release --example import -- check --db accounts.db --key accounts.key --account 42 123456
//! cargo run --release --example import -- pskc tokens.xml > rows.jsonl
//! ```
//!
//! `docs/migrating.md` describes the lines. `row` reads a line, and `batch` stores a thousand
//! accounts in one transaction, so you can kill the program at any moment and run it again.

mod arguments;
mod batch;
mod check;
mod database;
mod failure;
mod fault;
mod form;
mod lines;
mod progress;
mod pskc;
mod report;
mod row;
mod run;

use std::io::{stdin, stdout};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use countersign::AccountId;

use crate::arguments::{Arguments, Command, ImportArguments};
use crate::failure::Failure;
use crate::report::Report;

/// A line was refused, or a code was not accepted.
const REFUSED: u8 = 1;
const FAILED: u8 = 3;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match (&arguments.command, &arguments.import) {
        (Some(Command::Check(check)), _) => {
            let account = AccountId::new(&check.account).unwrap_or_else(|error| usage(&error));
            check::run(check, &account).await
        }
        (Some(Command::Pskc(arguments)), _) => pskc::run(arguments),
        (None, Some(import)) => run(import).await,
        (None, None) => usage(&"--db and --key are missing"),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(REFUSED),
        Err(failure) => {
            eprintln!("import: {failure}");
            ExitCode::from(FAILED)
        }
    }
}

/// Imports standard input. Returns whether no line was refused.
async fn run(arguments: &ImportArguments) -> Result<bool, Failure> {
    let mut report = Report::new()?;
    let outcome = run::run(arguments, stdin(), run::size(&stdin()), &mut report).await;
    let has_refused = report.has_refused();
    // After a failure, the report has what was stored before.
    report.write(stdout().lock())?;
    outcome?;
    Ok(!has_refused)
}

/// Ends the program with status 2.
fn usage(problem: &impl std::fmt::Display) -> ! {
    Arguments::command()
        .error(ErrorKind::ValueValidation, problem)
        .exit()
}
