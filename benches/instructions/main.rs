//! How many instructions the central operations take, counted by callgrind: unlike a time, the same in every run.
//!
//! ```sh
//! cargo bench -p countersign --bench instructions               # compares with baseline.txt beside this file
//! cargo bench -p countersign --bench instructions -- --renew    # writes that file anew
//! ```
//!
//! It fails if an operation takes 3 % more than in the baseline, or more of what totp-rs takes than `AT_MOST` says. It
//! takes valgrind. Valgrind hides the SHA instructions of a processor, so this is the portable code.
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

/// How much more than in the baseline is too much.
const TOLERATED: f64 = 0.03;

/// What an operation may take at most, as a share of what another does.
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
        // What `cargo bench` says to every benchmark, and `cargo test` does not.
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
    let mut broken = Vec::new();
    println!(
        "{:<34} {:>10} {:>10} {:>8}",
        "operation", "baseline", "now", "change"
    );
    for (name, now) in &counts {
        let Some(before) = baseline.count(name) else {
            broken.push(format!("{name}: not in the baseline"));
            continue;
        };
        let change = share(*now, before) - 1.0;
        println!(
            "{name:<34} {before:>10} {now:>10} {:>+7.2}%",
            100.0 * change
        );
        if change > TOLERATED {
            broken.push(format!(
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
            broken.push(format!("{ours}: {share:.3} of {theirs}"));
        }
    }
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    for line in broken {
        eprintln!("broken: {line}");
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
