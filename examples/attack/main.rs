//! A year of an attacker who has the password, in virtual time, against the real verifier: how many guesses are looked at,
//! and how likely one of them is right.
//!
//! ```text
//! cargo run --release --example attack [-- --years 100000]
//! ```
//!
//! First every strategy under every policy, with guesses that are known to be wrong, counted exactly. Then years of random
//! guesses, counting those in which the attacker got in. Both beside `Policy::annual_risk`. Exits with 1 if they disagree.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "counts of one year, which come near no limit"
)]

mod interval;
mod monte_carlo;
mod policies;
#[path = "../repeatable_random.rs"]
mod repeatable_random;
mod report;
mod service;
mod strategy;
mod victim;
mod year;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use crate::policies::Rules;
use crate::strategy::STRATEGIES;

/// Attack accounts for a year, whose password is known, and count.
#[derive(Parser)]
#[command(name = "attack")]
struct Arguments {
    /// How many years of random guesses under the default policy; under the others at most so many.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    years: u32,
    /// Only one of the policies: default, strict, lenient or eight-digits.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Where the random numbers begin: the same seed, the same figures.
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

/// Whether what was counted agrees with what the policy says.
fn run(arguments: &Arguments) -> Result<bool, Failure> {
    let mut policies = Vec::from(policies::all()?);
    if let Some(name) = &arguments.policy {
        policies.retain(|rules| rules.name == name);
        if policies.is_empty() {
            return Err(format!("there is no policy {name:?}").into());
        }
    }
    let mut agreed = true;
    report::title_of_counts()?;
    for rules in &policies {
        report::policy(rules)?;
        for strategy in STRATEGIES {
            let tally = year::run(rules, strategy, arguments.seed)?;
            agreed &= report::count(rules, strategy, &tally)?;
        }
    }
    report::title_of_years()?;
    for rules in &policies {
        let years = years_of(rules, arguments.years);
        let hits = monte_carlo::run(rules, years, arguments.seed)?;
        agreed &= report::years(rules, years, hits)?;
    }
    report::verdict(agreed)?;
    Ok(agreed)
}

/// Under the default policy as many as asked for. Under the others at most a fifth of its guesses: their years are checked
/// too, but what is quoted is the default.
fn years_of(rules: &Rules, years: u32) -> u32 {
    const DEFAULT: u64 = 385;
    let in_a_year = rules.guesses_in(policies::YEAR);
    if in_a_year == DEFAULT {
        return years;
    }
    let guesses = u64::from(years) * DEFAULT / 5;
    let affordable = u32::try_from(guesses / in_a_year).unwrap_or(years);
    affordable.clamp(1, years)
}
