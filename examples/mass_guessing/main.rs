//! Simulates services whose accounts all have stolen passwords, with and without the alarm of
//! `countersign::vigilance`.
//!
//! ```text
//! cargo run --release --example mass_guessing
//! ```
//!
//! Every day of a simulated service has a number of owners who type a wrong code, and perhaps an
//! attacker. The rules of the alarm are the real ones (`History`). Each of them is simulated twice:
//! with every account that had a wrong code, and with the accounts whose wrong code stayed
//! unresolved, which is what the library counts.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts of a simulation, which are far below every limit"
)]

mod attacker;
mod owners;
#[path = "../repeatable_random.rs"]
mod repeatable_random;
mod report;
mod years;

use std::io;
use std::process::ExitCode;

use clap::Parser;

/// Simulate an attacker who guesses codes on all accounts of a service.
#[derive(Parser)]
#[command(name = "mass_guessing")]
struct Arguments {
    /// The number of years for the false alarms.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    years: u32,
    /// The seed of the random numbers. The same seed gives the same figures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { years, seed } = Arguments::parse();
    match report::all(years, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mass_guessing: {error}");
            ExitCode::FAILURE
        }
    }
}
