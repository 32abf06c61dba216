//! Whole attempts through a verifier over a `MemoryStore`, and where their time goes:
//!
//! ```sh
//! cargo bench --bench verifier                 # takes 8 GB of memory, if there are as many
//! cargo bench --bench verifier -- --short      # seconds, to see that it works
//! ```
//!
//! What is measured goes through the public API, as hosts use it: nothing is made public for a benchmark. A stage is
//! measured alone, with the crates that do its work, on the bytes of a real record; or as the difference between two calls
//! of which one does it and the other does not. What is printed is also in `target/verifier.md`, and the stages
//! as a picture in `target/stages.svg`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark ends at the first surprise, and says where"
)]

mod attempts;
mod bar;
mod content;
mod digest;
mod record;
mod scale;
mod service;
mod shapes;
mod stages;
mod threads;

use std::time::Duration;

use countersign_benches::{Arguments, Effort, Error, available, stamp, write_goals};
use countersign_store_testing::bench::Report;

fn main() -> Result<(), Error> {
    let short = Arguments::parse()?.short;
    let effort = Effort {
        turns: if short { 5 } else { 1_500 },
        turn: Duration::from_micros(if short { 20 } else { 100 }),
    };
    let mut report = Report::default();
    report.heading("The verifier");
    stamp(&mut report)?;

    let mut goals = attempts::measure(effort, &mut report)?;
    goals.extend(digest::measure(if short { 2 } else { 40 }, &mut report)?);
    shapes::measure(effort, &mut report)?;
    let mut rows = vec![1, 1_000, 10_000];
    if !short {
        rows.extend([100_000, 1_000_000, 10_000_000]);
    }
    let room = available()?;
    // All of them at once; what does not fit is left out.
    rows.retain(|rows| f64::from(*rows) * 800.0 < room);
    goals.extend(scale::measure(&rows, effort, &mut report)?);
    threads::measure(if short { 2 } else { 40 }, &mut report)?;

    write_goals(&goals, &mut report);
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../verifier.md").as_ref())
}
