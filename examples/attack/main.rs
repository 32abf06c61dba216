//! Simulates a year in which an attacker knows the password and guesses codes against the real
//! verifier. Counts the guesses that the verifier checks, and the chance that one of them is
//! correct.
//!
//! ```text
//! cargo run --release --example attack [-- --years 100000]
//! ```
//!
//! The first part runs every strategy under every policy with wrong guesses, and counts them
//! exactly. Whenever a limit refuses the owner's login, it signs the owner in with consecutive
//! passcodes, on a copy of the account. The second part runs years in which the owner signs in with
//! consecutive passcodes, and measures how long the owner needs. The third part runs years of random
//! guesses, and counts the years in which the attacker got in. All parts compare the counts with
//! `Policy::annual_risk`, and the program exits with 1 if they disagree.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "counts of one year, which are far below every limit"
)]

mod interval;
mod monte_carlo;
mod policies;
#[path = "../repeatable_random.rs"]
mod repeatable_random;
mod report;
mod rows;
mod service;
mod strategy;
mod victim;
mod year;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use crate::policies::Rules;
use crate::rows::SIEGES;
use crate::strategy::STRATEGIES;

/// Attack accounts with a known password for a year, and count the guesses.
#[derive(Parser)]
#[command(name = "attack")]
struct Arguments {
    /// The number of years of random guesses under the default policy. Other policies get at most
    /// as many.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    years: u32,
    /// Only one of the policies: default, strict, lenient or eight-digits.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// The seed of the random numbers. The same seed gives the same figures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("attack: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the counts agree with the policy.
fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let mut policies = Vec::from(policies::all()?);
    if let Some(name) = &arguments.policy {
        policies.retain(|rules| rules.name == name);
        if policies.is_empty() {
            return Err(format!("there is no policy {name:?}").into());
        }
    }
    let mut agree = true;
    report::title_of_counts()?;
    for rules in &policies {
        report::policy(rules)?;
        for strategy in STRATEGIES {
            let tally = year::run(rules, strategy, arguments.seed)?;
            agree &= report::count(rules, strategy, &tally)?;
        }
    }
    report::title_of_sieges()?;
    for rules in &policies {
        for siege in &SIEGES {
            let tally = rows::run(rules, siege, arguments.seed)?;
            agree &= report::siege(rules, siege, &tally)?;
        }
    }
    report::title_of_years()?;
    for rules in &policies {
        let years = years_of(rules, arguments.years);
        let hits = monte_carlo::run(rules, years, arguments.seed)?;
        agree &= report::years(rules, years, hits)?;
    }
    report::summary(agree)?;
    Ok(agree)
}

/// The default policy gets all years, because the documents quote its figures. The other policies
/// get at most a fifth of the guesses.
fn years_of(rules: &Rules, years: u32) -> u32 {
    const DEFAULT: u64 = 131;
    let in_a_year = rules.guesses_in(policies::YEAR);
    if in_a_year == DEFAULT {
        return years;
    }
    let guesses = u64::from(years) * DEFAULT / 5;
    let affordable = u32::try_from(guesses / in_a_year).unwrap_or(years);
    affordable.clamp(1, years)
}
