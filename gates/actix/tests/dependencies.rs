//! An upper limit for the number of dependencies.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::process::Command;

/// The crates that are built for these packages on this platform.
fn crates(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .args(arguments)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo tree: {}", output.status);
    let tree = String::from_utf8(output.stdout).expect("crate names");
    let crate_of = |line: &str| {
        let mut words = line.split_whitespace();
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    tree.lines().filter_map(crate_of).collect()
}

#[test]
fn the_gate_adds_at_most_15_crates() {
    let with = crates(&["--package", "countersign-actix", "--all-features"]);
    let mut known = crates(&[
        "--package",
        "countersign",
        "--features",
        "serde,tokio,tracing",
    ]);
    // What an application without the gate has: the framework with its macros and cookies, and
    // sessions.
    for framework in ["actix-web", "actix-session"] {
        known.extend(crates(&["--package", framework]));
    }
    let added: Vec<_> = with.difference(&known).collect();
    assert!(
        added
            .iter()
            .any(|name| name.starts_with("countersign-gate "))
    );
    assert!(added.len() <= 15, "{} crates: {added:?}", added.len());
}
