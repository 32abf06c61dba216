//! Measures whole attempts through a verifier over a `MemoryStore`, and where their time goes:
//!
//! ```sh
//! cargo bench --bench verifier                 # takes up to 8 GB of memory
//! cargo bench --bench verifier -- --short      # takes seconds, and shows that it works
//! ```
//!
//! The benchmark uses only the public API. It measures a stage in one of two ways. It runs the
//! crates that do the work of the stage on the bytes of a real record. Or it takes the difference
//! between two calls, if only one of these calls has the stage. The report is also written to
//! `target/verifier.md`, and the stages as an image to `target/stages.svg`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark stops at the first error, and says where"
)]

mod attempts;
mod backup_codes;
mod chart;
mod imports;
mod person;
mod record;
mod record_content;
mod scale;
mod service;
mod setups;
mod stages;
mod threads;

use std::time::Duration;

use countersign_benches::{Arguments, Effort, Error, write_header, write_targets};
use countersign_store_testing::bench::{Report, available_memory};

fn main() -> Result<(), Error> {
    let short = Arguments::parse()?.short;
    let effort = Effort {
        turns: if short { 5 } else { 1_500 },
        turn: Duration::from_micros(if short { 20 } else { 100 }),
    };
    let mut report = Report::default();
    report.heading("An attempt, stage by stage");
    write_header(&mut report)?;

    let mut targets = attempts::measure(effort, &mut report)?;
    targets.extend(backup_codes::measure(
        if short { 2 } else { 40 },
        &mut report,
    )?);
    setups::measure(effort, &mut report)?;
    targets.extend(imports::measure(effort, &mut report)?);
    let mut rows = vec![1, 1_000, 10_000];
    if !short {
        rows.extend([100_000, 1_000_000, 10_000_000]);
    }
    let memory = available_memory()?;
    // All stores are in memory at once; a store that does not fit is left out.
    rows.retain(|rows| f64::from(*rows) * 800.0 < memory);
    targets.extend(scale::measure(&rows, effort, &mut report)?);
    threads::measure(if short { 2 } else { 40 }, &mut report)?;

    write_targets(&targets, &mut report);
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../verifier.md").as_ref())
}
