//! This crate, its peers and the floor, side by side:
//!
//! ```sh
//! cargo bench --bench peers
//! cargo bench --bench peers -- --short     # seconds, to see that it works
//! ```
//!
//! All have the same secret and the same times, and whatever one computes is compared with what all others do before it is
//! timed. What is printed is also in `target/peers.md`.
//!
//! Not here: `slauth`, which reads the system's clock and nothing else, so that it cannot be given the times of the
//! others (and comes with RSA and X.509 parsers, even without its features).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark ends at the first surprise, and says where"
)]

mod floor;
mod generating;
mod key_uris;
mod operation;
mod pictures;
mod sample;
mod verifying;

use std::time::Duration;

use countersign_benches::{Arguments, Effort, Error, Race, stamp, write_goals};
use countersign_store_testing::bench::Report;

fn main() -> Result<(), Error> {
    let effort = if Arguments::parse()?.short {
        Effort {
            turns: 5,
            turn: Duration::from_micros(5),
        }
    } else {
        Effort {
            turns: 1_500,
            turn: Duration::from_micros(50),
        }
    };
    let mut report = Report::default();
    report.heading("Beside its peers");
    stamp(&mut report)?;

    let mut race = Race::default();
    let mut operations = generating::enter(&mut race)?;
    operations.extend(verifying::enter(&mut race)?);
    operations.extend(key_uris::enter(&mut race)?);
    let (pictures, sizes) = pictures::enter(&mut race)?;
    operations.extend(pictures);
    let figures = race.run(effort);

    figures.explain(effort, &mut report);
    operation::write(&operations, &figures, &mut report);
    let mut goals = operation::goals(&operations, &figures);
    goals.extend(sizes);
    write_goals(&goals, &mut report);
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../peers.md").as_ref())
}
