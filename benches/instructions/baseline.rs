//! The counts to compare with, and the tools that counted.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

pub(crate) struct Baseline {
    /// The compiler, valgrind and libc.
    made_by: Vec<String>,
    counts: Vec<(String, u64)>,
}

impl Baseline {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(file()).expect("the baseline");
        let made_by = text
            .lines()
            .filter_map(|line| line.strip_prefix("# made by "));
        let counts = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let (count, name) = line.split_once(' ').expect("a count and a name");
                (name.into(), count.parse().expect("a count"))
            });
        Self {
            made_by: made_by.map(Into::into).collect(),
            counts: counts.collect(),
        }
    }

    pub(crate) fn write(counts: &[(&str, u64)]) {
        let mut text = String::from(
            "# Instructions by callgrind: `cargo bench -p countersign --bench instructions -- --renew` writes this file.\n",
        );
        for tool in tools() {
            text.push_str(&format!("# made by {tool}\n"));
        }
        for (name, count) in counts {
            text.push_str(&format!("{count} {name}\n"));
        }
        fs::write(file(), &text).expect("the baseline is written");
        print!("{text}");
    }

    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        let (_, count) = self.counts.iter().find(|(known, _)| known == name)?;
        Some(*count)
    }

    /// Advice for counts that differ from the baseline.
    pub(crate) fn advice(&self) -> String {
        let (then, now) = (self.made_by.join(", "), tools().join(", "));
        let cause = if then == now {
            "The tools are the same, so the code has changed.".into()
        } else {
            format!("The tools have changed, which can be the cause: now {now}.")
        };
        format!(
            "The baseline was made by {then}. {cause}\n\
             If the new counts are right, run `cargo bench -p countersign --bench instructions -- --renew`, \
             and commit {}",
            "benches/instructions/baseline.txt"
        )
    }
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/instructions/baseline.txt")
}

/// The tools that the counts depend on.
fn tools() -> Vec<String> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    [
        (rustc.as_str(), "--version"),
        ("valgrind", "--version"),
        ("ldd", "--version"),
    ]
    .into_iter()
    .filter_map(|(program, argument)| {
        let output = Command::new(program).arg(argument).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().next().map(Into::into)
    })
    .collect()
}
