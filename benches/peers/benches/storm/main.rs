//! How long other tasks of a service wait while many people type backup codes, whose digest takes some 20 ms of one core and
//! 19 MiB each:
//!
//! ```sh
//! cargo bench --bench storm
//! cargo bench --bench storm -- --short     # seconds, to see that it works
//! ```
//!
//! All codes are wrong, which costs as much as a right one. The other tasks sleep for 5 ms and look how late they are woken;
//! tokio's timer ticks once a millisecond. What is printed is also in `target/storm.md`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a benchmark ends at the first surprise, and says where"
)]

mod storm;

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::runtime::{InlineExecutor, TokioPool};
use countersign_benches::{Arguments, Error, Goal, stamp, write_goals};
use countersign_store_testing::bench::Report;

use storm::{Storm, Weather};

fn main() -> Result<(), Error> {
    let short = Arguments::parse()?.short;
    let length = Duration::from_millis(if short { 300 } else { 5_000 });
    let mut report = Report::default();
    report.heading("A storm of backup codes");
    stamp(&mut report)?;

    let threads = available_parallelism()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.get())
        .enable_time()
        .build()?;
    let people = 32 * u32::try_from(threads.get())?;
    let storm = Storm::new(people)?;
    let calm = runtime.block_on(Weather::watch(length, None))?;
    let mut rows = vec![("no backup codes".to_owned(), None, calm)];
    // What they keep is not free for the next one.
    let mut services = Vec::new();
    for limit in [1, threads.get(), 4 * threads.get()] {
        let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
        let service = storm.service(TokioPool::new(limit))?;
        let weather = runtime.block_on(Weather::watch(length, Some(&service)))?;
        rows.push((
            format!("`TokioPool` of {limit}"),
            Some(limit.get()),
            weather,
        ));
        services.push(service);
    }
    let service = storm.service(InlineExecutor)?;
    let weather = runtime.block_on(Weather::watch(length, Some(&service)))?;
    rows.push(("`InlineExecutor`".to_owned(), None, weather));

    report.paragraph(&format!(
        "The runtime has {threads} threads; {people} people type at once, for {} s per row.",
        length.as_secs_f64(),
    ));
    write(&rows, &mut report);
    write_goals(&goals(&rows, threads.get()), &mut report);
    report.write(concat!(env!("CARGO_TARGET_TMPDIR"), "/../storm.md").as_ref())
}

type Row = (String, Option<usize>, Weather);

fn write(rows: &[Row], report: &mut Report) {
    report.columns(&[
        "hash executor",
        "attempts per second",
        "delay, median",
        "delay, p99",
        "delay, maximum",
        "memory",
    ]);
    for (name, _, weather) in rows {
        let late = |share| format!("{:.2} ms", weather.late(share).as_secs_f64() * 1e3);
        report.row(&[
            name.clone(),
            format!("{:.0}", weather.attempts_a_second()),
            late(0.5),
            late(0.99),
            late(1.0),
            format!("{:.0} MiB", weather.memory / MIB),
        ]);
    }
    report.end();
}

fn goals(rows: &[Row], threads: usize) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (name, limit, weather) in rows {
        let Some(limit) = limit else { continue };
        // With as many digests as there are threads, the scheduler decides who waits.
        if *limit < threads {
            goals.push(Goal {
                what: format!("delay of other tasks, p99, {name}"),
                at_most: 5.0,
                measured: weather.late(0.99).as_secs_f64() * 1e3,
                unit: " ms",
            });
        }
        let each = f64::from(Argon2Params::default().memory_kib()) * 1024.0;
        goals.push(Goal::ratio(
            format!(
                "memory, against {limit} {}, {name}",
                if *limit == 1 { "hash" } else { "hashes" }
            ),
            1.25,
            weather.memory / (each * *limit as f64),
        ));
    }
    goals
}

const MIB: f64 = 1024.0 * 1024.0;
