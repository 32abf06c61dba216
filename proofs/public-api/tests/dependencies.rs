//! Upper limits for the number of dependencies of countersign.
#![allow(clippy::arithmetic_side_effects, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::process::Command;

/// The number of crates that are built for countersign on this platform, without countersign
/// itself.
fn crates(features: &[&str]) -> usize {
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--package", "countersign"])
        .args(["--edges", "normal,build", "--prefix", "none", "--no-dedupe"])
        .args(features)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo tree: {}", output.status);
    let tree = String::from_utf8(output.stdout).expect("crate names");
    let crates: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect();
    assert!(crates.iter().any(|(name, _)| *name == "countersign"));
    crates.len() - 1
}

#[test]
fn the_otp_layer_brings_at_most_20_crates() {
    let crates = crates(&["--no-default-features"]);
    assert!((10..=20).contains(&crates), "{crates}");
}

#[test]
fn the_default_features_bring_at_most_60_crates() {
    let crates = crates(&[]);
    assert!((20..=60).contains(&crates), "{crates}");
}
