//! Runs the races of the documentation, and prints their table. Arguments select races: each is a
//! text that the line of a race contains.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code: an error ends the program"
)]

use std::env;
use std::process::ExitCode;

use countersign_clusters::report::{HEAD, Line};
use countersign_clusters::scenarios::Scenario;
use countersign_clusters::settings::Timing;

#[tokio::main]
async fn main() -> ExitCode {
    let wanted: Vec<String> = env::args().skip(1).collect();
    println!("{HEAD}");
    let mut failed = 0;
    for scenario in Scenario::all() {
        let name = format!("{} {}", scenario.cluster, scenario.fault);
        if !wanted.iter().all(|wanted| name.contains(wanted)) {
            continue;
        }
        let report = scenario.run(Timing::LONG).await.unwrap();
        println!("{}", Line(&scenario, &report));
        for (error, count) in &report.errors {
            eprintln!("  {count} x {error}");
        }
        if !scenario.promise.is_kept(&report) {
            eprintln!("  the settings do not keep their promise");
            failed += 1;
        }
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
