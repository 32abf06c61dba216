use std::process::Command;

use countersign_store_testing::bench::{Report, describe_machine};

use super::{Effort, Error, Timings};

/// Writes the computer and the compiler of the run.
pub fn write_header(report: &mut Report) -> Result<(), Error> {
    report.paragraph(&format!("{}; {}.", describe_machine()?, compiler()));
    Ok(())
}

impl Timings {
    /// Writes how the times were measured.
    pub fn explain(&self, effort: Effort, report: &mut Report) {
        report.paragraph(&format!(
            "Medians of {} turns of {} \u{b5}s, interleaved. The middle half of the turns spans at most {:.0} % of the median.",
            effort.turns,
            effort.turn.as_micros(),
            self.spread() * 100.0,
        ));
    }
}

fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.map_or_else(|_| "an unknown compiler".into(), |text| text.trim().into())
}
