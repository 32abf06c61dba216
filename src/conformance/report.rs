use core::fmt;
use std::vec::Vec;

use super::{Case, Failure, Harness, cases};

/// What became of every case of the suite: `Display` lists them.
#[derive(Clone, Debug)]
#[must_use = "it may hold failures"]
pub struct Report {
    cases: Vec<(&'static str, Verdict)>,
}

#[derive(Clone, Debug)]
enum Verdict {
    Passed,
    Failed(Failure),
    LeftOut,
}

/// Runs the cases that are selected, one after the other, to the last.
pub fn run_cases<H: Harness>(harness: &H, select: impl Fn(&Case<H>) -> bool) -> Report {
    let run = |case: Case<H>| {
        let verdict = if select(&case) {
            case.run(harness)
                .map_or_else(Verdict::Failed, |()| Verdict::Passed)
        } else {
            Verdict::LeftOut
        };
        (case.name(), verdict)
    };
    Report {
        cases: cases().into_iter().map(run).collect(),
    }
}

impl Report {
    /// Whether some case ran, and none failed.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.failures().next().is_none() && self.passed().next().is_some()
    }

    /// The names of the cases that passed.
    pub fn passed(&self) -> impl Iterator<Item = &'static str> {
        let passed = |(name, verdict): &(&'static str, Verdict)| {
            matches!(verdict, Verdict::Passed).then_some(*name)
        };
        self.cases.iter().filter_map(passed)
    }

    /// The failures.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.cases.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Failed(failure) => Some(failure),
            Verdict::Passed | Verdict::LeftOut => None,
        })
    }

    /// The names of the cases that were not selected.
    pub fn left_out(&self) -> impl Iterator<Item = &'static str> {
        let left_out = |(name, verdict): &(&'static str, Verdict)| {
            matches!(verdict, Verdict::LeftOut).then_some(*name)
        };
        self.cases.iter().filter_map(left_out)
    }
}

impl fmt::Display for Report {
    /// A line for each case, then the failures, then the sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.cases {
            let verdict = match verdict {
                Verdict::Passed => "ok",
                Verdict::Failed(_) => "FAILED",
                Verdict::LeftOut => "left out",
            };
            writeln!(f, "{name} ... {verdict}")?;
        }
        for failure in self.failures() {
            writeln!(f, "\n{failure}")?;
        }
        write!(
            f,
            "\n{} passed, {} failed, {} left out",
            self.passed().count(),
            self.failures().count(),
            self.left_out().count()
        )
    }
}
