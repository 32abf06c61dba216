//! Compares guess budgets: what an attacker gets, and what honest owners notice.
//!
//! ```text
//! cargo run --release --example budget [-- --years 1000]
//! ```
//!
//! Owners sign in at random times, 1.5 times a day. Each typed passcode is wrong with a fixed
//! chance. The program runs years of such owners against the real verifier, for every budget, and
//! counts the years in which an owner met a limit. It prints the table of `docs/guide/policy.md`.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "counts of one year, which are far below every limit"
)]

mod owner;
#[path = "../repeatable_random.rs"]
mod repeatable_random;
mod table;

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use clap::Parser;
use countersign::{Policy, PolicyBuilder};

use crate::owner::{Habits, Noticed};

/// Compare guess budgets by the risk, and by what honest owners notice.
#[derive(Parser)]
#[command(name = "budget")]
struct Arguments {
    /// The number of years for each budget and each kind of owner.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    years: u32,
    /// The seed of the random numbers. The same seed gives the same figures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

type Failure = Box<dyn Error + Send + Sync>;

/// The budgets: the burst, and the days until one more guess.
const BUDGETS: [(u32, u64); 7] = [(20, 1), (20, 3), (10, 1), (10, 3), (10, 7), (5, 3), (5, 7)];

/// The kinds of owners: the wrong ones of 100 typed passcodes.
const OWNERS: [u32; 3] = [3, 10, 20];

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let mut rows = Vec::new();
    for (burst, days) in BUDGETS {
        let policy = budget(burst, days).build()?;
        let mut noticed = Vec::new();
        for wrong_percent in OWNERS {
            let habits = Habits { wrong_percent };
            noticed.push(years(&policy, &habits, &arguments)?);
        }
        rows.push(table::Row {
            burst,
            days,
            policy,
            noticed,
        });
    }
    let table = table::markdown(&rows, &OWNERS, arguments.years);
    Ok(write!(stdout(), "{table}")?)
}

fn budget(burst: u32, days: u64) -> PolicyBuilder {
    Policy::builder().budget(burst, Duration::from_secs(days * 86_400))
}

/// Runs this many years, and adds up what the owners noticed.
fn years(policy: &Policy, habits: &Habits, arguments: &Arguments) -> Result<Noticed, Failure> {
    let mut all = Noticed::default();
    for number in 0..arguments.years {
        all += owner::year(policy, habits, arguments.seed, number.into())?;
    }
    Ok(all)
}
