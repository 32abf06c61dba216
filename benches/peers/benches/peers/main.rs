//! Compares this crate with other crates and with the floor, in one run:
//!
//! ```sh
//! cargo bench --bench peers
//! cargo bench --bench peers -- --short     # takes seconds, and shows that it works
//! ```
//!
//! All crates have the same secret and the same times. The benchmark checks that all crates compute
//! the same result before it measures them. The report is also written to `target/peers.md`, and some
//! times as an image to `target/peers.svg`.
//!
//! `slauth` is missing, because it reads only the system clock and cannot use the times of the
//! other crates. It also comes with RSA and X.509 parsers, even without its features.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first error, and says where"
)]

mod chart;
mod floor;
mod generating;
mod hmac_crate;
mod inputs;
mod key_uris;
mod operation;
mod qr_codes;
mod verifying;

use std::time::Duration;

use countersign_benches::{Arguments, Effort, Error, Timer, write_header, write_targets};
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
    report.heading("Compared with other crates");
    write_header(&mut report)?;

    let mut timer = Timer::default();
    let mut operations = generating::add(&mut timer)?;
    operations.extend(verifying::add(&mut timer)?);
    operations.extend(hmac_crate::add(&mut timer)?);
    operations.extend(key_uris::add(&mut timer)?);
    let (qr_codes, sizes) = qr_codes::add(&mut timer)?;
    operations.extend(qr_codes);
    let timings = timer.run(effort);

    timings.explain(effort, &mut report);
    operation::write(&operations, &timings, &mut report);
    std::fs::write(
        concat!(env!("CARGO_TARGET_TMPDIR"), "/../peers.svg"),
        chart::draw(&operations, &timings),
    )?;
    let mut targets = operation::targets(&operations, &timings);
    targets.extend(sizes);
    write_targets(&targets, &mut report);
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../peers.md").as_ref())
}
