//! Runs countersign with poisoned secrets, section by section. See `docs/constant-time.md`.

mod backup_codes;
mod controls;
mod memcheck;
mod one_time_passwords;
mod random;
mod receipts;
mod records;
mod report;

use std::process::ExitCode;

fn main() -> ExitCode {
    if memcheck::depth() != 1 {
        eprintln!(
            "this program must run under valgrind; run `cargo test -p countersign-constant-time`"
        );
        return ExitCode::FAILURE;
    }
    let report = report::Report;
    controls::run(&report);
    one_time_passwords::run(&report);
    backup_codes::run(&report);
    records::run(&report);
    ExitCode::SUCCESS
}
