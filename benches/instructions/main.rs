//! Counts the instructions of the central operations with callgrind. Unlike a time, a count is the
//! same in every run.
//!
//! ```sh
//! cargo bench -p countersign --bench instructions               # compares with baseline.txt
//! cargo bench -p countersign --bench instructions -- --renew    # updates baseline.txt
//! ```
//!
//! The benchmark fails if an operation takes over 3 % more instructions than in the baseline, or
//! exceeds its share of totp-rs in `AT_MOST`. The benchmark needs valgrind. Valgrind hides the SHA
//! instructions of a processor, so the counts are of the portable code.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark"
)]

mod account;
mod baseline;
mod callgrind;
mod operations;

use baseline::Baseline;
use operations::OPERATIONS;
use std::process::ExitCode;

/// The maximum increase over the baseline.
const TOLERANCE: f64 = 0.03;

/// The maximum count of an operation, as a share of another operation.
const AT_MOST: [(&str, &str, f64); 2] = [
    ("verify, wrong, key kept", "totp-rs check, wrong", 0.54),
    (
        "verify, wrong, from the secret",
        "totp-rs check, wrong",
        0.72,
    ),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        // `cargo bench` passes `--bench`, and `cargo test` does not.
        ["--bench"] => compare(),
        ["--renew", "--bench"] => renew(),
        ["--operation", name] => operations::run(name),
        [] => ExitCode::SUCCESS,
        _ => {
            eprintln!("usage: cargo bench -p countersign --bench instructions [-- --renew]");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> ExitCode {
    let Some(counts) = count() else {
        return callgrind::absent();
    };
    let baseline = Baseline::read();
    let mut failures = Vec::new();
    println!(
        "{:<34} {:>10} {:>10} {:>8}",
        "operation", "baseline", "now", "change"
    );
    for (name, now) in &counts {
        let Some(before) = baseline.count(name) else {
            failures.push(format!("{name}: not in the baseline"));
            continue;
        };
        let change = share(*now, before) - 1.0;
        println!(
            "{name:<34} {before:>10} {now:>10} {:>+7.2}%",
            100.0 * change
        );
        if change > TOLERANCE {
            failures.push(format!(
                "{name}: {:.2} % more than in the baseline",
                100.0 * change
            ));
        }
    }
    println!();
    for (ours, theirs, at_most) in AT_MOST {
        let of = |wanted| {
            counts
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, count)| *count)
        };
        let share = share(
            of(ours).expect("an operation"),
            of(theirs).expect("an operation"),
        );
        println!("{ours}: {share:.3} of {theirs}, at most {at_most:.2}");
        if share > at_most {
            failures.push(format!(
                "{ours}: {share:.3} of {theirs}, at most {at_most:.2}"
            ));
        }
    }
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    for line in failures {
        eprintln!("failed: {line}");
    }
    eprintln!("{}", baseline.advice());
    ExitCode::FAILURE
}

fn renew() -> ExitCode {
    let Some(counts) = count() else {
        return callgrind::absent();
    };
    Baseline::write(&counts);
    ExitCode::SUCCESS
}

/// The counts of all operations; `None` without valgrind.
fn count() -> Option<Vec<(&'static str, u64)>> {
    OPERATIONS
        .iter()
        .map(|(name, _)| Some((*name, callgrind::count(name)?)))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn share(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}
