//! Checks that the time of a check does not show how wrong a code is, by the method of dudect:
//!
//! ```sh
//! cargo bench --bench timing                        # all cases, a million samples each: minutes
//! cargo bench --bench timing -- --control           # only the controls: seconds
//! cargo bench --bench timing -- --samples 100000 "backup code, right in"
//! ```
//!
//! The benchmark fails if a case leaks in its first run and in one of two more runs, or if it does
//! not find a control.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark"
)]

mod backup_codes;
mod case;
mod measure;
mod passcodes;
#[path = "../../tests/support/mod.rs"]
mod support;
mod welch;

use case::Case;
use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;

/// The threshold of dudect: above it, the two classes take different times.
const LEAK: f64 = 4.5;
/// The threshold for controls: the benchmark must find them with certainty.
const FOUND: f64 = 10.0;

fn main() -> ExitCode {
    let mut samples = 1_000_000;
    let mut control_alone = false;
    let mut is_bench = false;
    let mut wanted = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            // `cargo bench` passes `--bench`, and `cargo test` does not.
            "--bench" => is_bench = true,
            "--control" => control_alone = true,
            "--samples" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) => samples = number,
                None => return usage(),
            },
            _ if argument.starts_with('-') => return usage(),
            _ => wanted = argument,
        }
    }

    if !is_bench {
        return ExitCode::SUCCESS;
    }

    let mut failures = Vec::new();
    println!(
        "{:<58} {:>8} {:>8} {:>12}  seed",
        "case", "samples", "|t|", "left slower"
    );
    for case in passcodes::controls() {
        if case.run(samples.min(100_000), seed()) < FOUND {
            failures.push(case.name);
        }
    }
    if !control_alone {
        let cases = passcodes::cases().into_iter().chain(backup_codes::cases());
        for case in cases.filter(|case| case.name.contains(&wanted)) {
            if leaks(&case, samples) {
                failures.push(case.name);
            }
        }
        println!("without a limit, because the answer itself is no secret:");
        let answers = passcodes::answers()
            .into_iter()
            .chain(backup_codes::answers());
        for case in answers.filter(|case| case.name.contains(&wanted)) {
            case.run(samples, seed());
        }
    }
    for name in &failures {
        eprintln!("failed: {name}");
    }
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether two of three runs exceed the threshold. Among many runs, one can exceed it by chance.
fn leaks(case: &Case, samples: usize) -> bool {
    let exceeds = || case.run(samples, seed()) >= LEAK;
    exceeds() && {
        let again = [exceeds(), exceeds()];
        again.contains(&true)
    }
}

fn seed() -> u64 {
    RandomState::new().hash_one(())
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: cargo bench --bench timing -- [--control] [--samples NUMBER] [PART OF A NAME]"
    );
    ExitCode::FAILURE
}
