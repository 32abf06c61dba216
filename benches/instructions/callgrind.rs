//! Runs this program under callgrind, one operation at a time.

use std::env;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

/// The function whose instructions are counted, with all functions that it calls.
pub(crate) const COUNTED: &str = "*instructions*counted*";

/// The number of instructions of an operation; `None` without valgrind.
pub(crate) fn count(name: &str) -> Option<u64> {
    let this = env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(this)
        .args(["--operation", name])
        // Otherwise the count includes the work of the dynamic linker at the first call of each
        // libc function.
        .env("LD_BIND_NOW", "1")
        .output();
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.expect("valgrind runs"),
    };
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {report}");
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, count)| count.trim().parse().ok());
    let count = collected.unwrap_or_else(|| panic!("{name}: callgrind reports no count: {report}"));
    assert_ne!(count, 0, "{name}: callgrind does not find {COUNTED}");
    Some(count)
}

/// Skips, or fails if `COUNTERSIGN_SKIP_NOTHING=1` is set.
pub(crate) fn absent() -> ExitCode {
    eprintln!("skipped: no valgrind");
    match env::var("COUNTERSIGN_SKIP_NOTHING").as_deref() {
        Ok("1") => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
