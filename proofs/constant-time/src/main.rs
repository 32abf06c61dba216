//! Runs countersign with its secrets poisoned, section by section: see `docs/constant-time.md`.

mod leaks;
mod ledger;
mod memcheck;
mod one_time_passwords;
mod random;
mod receipts;
mod records;
mod report;

use std::process::ExitCode;

fn main() -> ExitCode {
    if memcheck::depth() != 1 {
        eprintln!("valgrind does not run this: use `cargo test --test constant_time`");
        return ExitCode::FAILURE;
    }
    let report = report::Report;
    leaks::run(&report);
    one_time_passwords::run(&report);
    ledger::run(&report);
    records::run(&report);
    ExitCode::SUCCESS
}
