//! The chance per year that an attacker who knows the password gets past the second factor.
//! One model computes it for the default policies of countersign and of its alternatives.
//!
//! ```text
//! cargo run --example annual_risk -- --image docs/images/annual-risk.svg
//! ```
//!
//! Prints the table of `docs/comparison.md`, which describes the model and its limits.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "counts of one year, which come near no limit"
)]

mod image;
mod model;
mod policies;
mod table;

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::Parser;

/// Compare default policies by the chance of an attacker who knows the password.
#[derive(Parser)]
#[command(name = "annual_risk")]
struct Arguments {
    /// Where to write the image, as SVG.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let all = policies::all();
    if let Some(file) = arguments.image {
        std::fs::write(file, image::svg(&all, policies::ours().name))?;
    }
    write!(stdout(), "{}", table::markdown(&all))?;
    Ok(())
}
