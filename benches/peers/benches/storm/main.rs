//! Measures how long other tasks of a service wait while many users type backup codes. Each
//! password hash takes about 20 ms of one core and 19 MiB:
//!
//! ```sh
//! cargo bench --bench storm
//! cargo bench --bench storm -- --short     # takes seconds, and shows that it works
//! ```
//!
//! All codes are wrong. A wrong code costs as much as a right code. The other tasks sleep for 5 ms,
//! and measure how late the runtime wakes them. Tokio's timer has a resolution of one millisecond.
//! The report is also written to `target/storm.md`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first error, and says where"
)]

mod load;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::runtime::{InlineExecutor, TokioPool};
use countersign_benches::{Arguments, Error, Target, write_header, write_targets};
use countersign_store_testing::bench::Report;

use load::{Accounts, Measurement};

fn main() -> Result<(), Error> {
    let short = Arguments::parse()?.short;
    let length = Duration::from_millis(if short { 300 } else { 5_000 });
    let mut report = Report::default();
    report.heading("Many backup codes at once");
    write_header(&mut report)?;

    let threads = available_parallelism()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.get())
        .enable_time()
        .build()?;
    let users = 32 * u32::try_from(threads.get())?;
    let accounts = Accounts::new(users)?;
    let idle = runtime.block_on(Measurement::run(length, None))?;
    let mut rows = vec![("no backup codes".to_owned(), None, idle)];
    // The services stay alive, because the next service must not reuse their memory.
    let mut services = Vec::new();
    for limit in [1, threads.get(), 4 * threads.get()] {
        let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
        let service = accounts.service(TokioPool::new(limit))?;
        let measurement = runtime.block_on(Measurement::run(length, Some(&service)))?;
        rows.push((
            format!("`TokioPool` of {limit}"),
            Some(limit.get()),
            measurement,
        ));
        services.push(service);
    }
    let service = accounts.service(InlineExecutor)?;
    let measurement = runtime.block_on(Measurement::run(length, Some(&service)))?;
    rows.push(("`InlineExecutor`".to_owned(), None, measurement));

    report.paragraph(&format!(
        "The runtime has {threads} threads; {users} people type at once, for {} s per row.",
        length.as_secs_f64(),
    ));
    write(&rows, &mut report);
    write_targets(&targets(&rows, threads.get()), &mut report);
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../storm.md").as_ref())
}

type Row = (String, Option<usize>, Measurement);

fn write(rows: &[Row], report: &mut Report) {
    report.columns(&[
        "hash executor",
        "attempts per second",
        "delay, median",
        "delay, p99",
        "delay, maximum",
        "memory",
    ]);
    for (name, _, measurement) in rows {
        let delay = |share| format!("{:.2} ms", measurement.delay(share).as_secs_f64() * 1e3);
        report.row(&[
            name.clone(),
            format!("{:.0}", measurement.attempts_per_second()),
            delay(0.5),
            delay(0.99),
            delay(1.0),
            format!("{:.0} MiB", measurement.memory / MIB),
        ]);
    }
    report.end();
}

fn targets(rows: &[Row], threads: usize) -> Vec<Target> {
    let mut targets = Vec::new();
    for (name, limit, measurement) in rows {
        let Some(limit) = limit else { continue };
        // With as many hashes as threads, the scheduler decides which task waits.
        if *limit < threads {
            targets.push(Target {
                what: format!("delay of other tasks, p99, {name}"),
                at_most: 5.0,
                measured: measurement.delay(0.99).as_secs_f64() * 1e3,
                unit: " ms",
            });
        }
        let each = f64::from(Argon2Params::default().memory_kib()) * 1024.0;
        targets.push(Target::ratio(
            format!(
                "memory, against {limit} {}, {name}",
                if *limit == 1 { "hash" } else { "hashes" }
            ),
            1.25,
            measurement.memory / (each * *limit as f64),
        ));
    }
    targets
}

const MIB: f64 = 1024.0 * 1024.0;
