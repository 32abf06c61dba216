//! Runs this program under callgrind, one operation at a time.

use std::env;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

/// The function whose instructions are counted, with all that it calls.
pub(crate) const COUNTED: &str = "*instructions*counted*";

/// How many instructions an operation takes; `None` without valgrind.
pub(crate) fn count(name: &str) -> Option<u64> {
    let this = env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(this)
        .args(["--operation", name])
        // Else the first call of a function of libc counts the search for it too.
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
    let count = collected.unwrap_or_else(|| panic!("{name}: callgrind says no count: {report}"));
    assert_ne!(count, 0, "{name}: callgrind does not find {COUNTED}");
    Some(count)
}

/// With `COUNTERSIGN_SKIP_NOTHING=1` in the environment, that there is no valgrind is a failure.
pub(crate) fn absent() -> ExitCode {
    eprintln!("skipped: no valgrind");
    match env::var("COUNTERSIGN_SKIP_NOTHING").as_deref() {
        Ok("1") => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
