//! The example `rotate_keys` with few accounts, and after a kill.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::example;

fn over_sqlite(path: &Path, accounts: &str) -> Command {
    let mut command = example("rotate_keys");
    command.args(["--memory", "0", "--sqlite", accounts, "--db"]);
    command
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program, and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The number of records that a pass left unchanged.
fn unchanged(printed: &str, pass: &str) -> u32 {
    let line = printed.lines().find(|line| line.trim().starts_with(pass));
    let words: Vec<&str> = line
        .unwrap_or_else(|| panic!("{printed}"))
        .split_whitespace()
        .collect();
    let [_, _, changed, _, unchanged, ..] = words[..] else {
        panic!("{printed}");
    };
    let _changed: u32 = changed.parse().unwrap();
    unchanged.parse().unwrap()
}

#[test]
fn a_rotation_in_memory_loses_nothing() {
    let printed = run(example("rotate_keys").args(["--memory", "3000", "--sqlite", "0"]));
    assert!(
        printed.contains("old key dropped: all 3000 records can be decrypted"),
        "{printed}"
    );
}

#[test]
fn a_killed_rotation_continues() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("accounts.db");
    let mut child = over_sqlite(&path, "300").spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let reached = lines
        .map(Result::unwrap)
        .find(|line| line.contains("pass 1: 50 %"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached.is_some(), "the program ended before the kill");

    let printed = run(&mut over_sqlite(&path, "300"));
    assert!(unchanged(&printed, "pass 1:") >= 140, "{printed}");
    assert!(
        printed.contains("old key dropped: all 300 records can be decrypted"),
        "{printed}"
    );
    let other = over_sqlite(&path, "301").output().unwrap();
    let errors = String::from_utf8(other.stderr).unwrap();
    assert!(errors.contains("the database has 300 accounts"), "{errors}");
}
