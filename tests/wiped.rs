//! Secrets leave nothing in the memory of a process when they are dropped.
//!
//! The package `proofs/wiped` runs scenarios in processes of their own, in a release build, and searches all
//! that they can write to. Each scenario is cut off after every one of its operations, because what comes
//! later would overwrite what is left behind before.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The binary, built once.
static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wiped");
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let status = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--release", "--offline", "--quiet"])
        .args(["--package", "countersign-wiped", "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the proof builds: {status}");
    target.join("release/countersign-wiped")
});

/// Runs so many operations of a scenario. What is found, and whether there are more operations.
fn run(scenario: &str, operations: usize) -> (Vec<String>, bool) {
    let output = Command::new(&*BINARY)
        .args([scenario, &operations.to_string()])
        .output()
        .expect("the proof runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {error}");
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    let last = lines.pop();
    (lines, last.as_deref() == Some("stopped"))
}

/// Runs a scenario once for each of its operations, and expects to find nothing.
fn leaves_nothing(scenario: &str, operations: usize) {
    for done in 0..=operations {
        let (found, more) = run(scenario, done);
        assert_eq!(found, [""; 0], "left by {scenario} after {done}");
        assert_eq!(more, done < operations, "{scenario} after {done}");
    }
}

/// The kinds of what a scenario leaves behind that runs to its end.
fn kinds(scenario: &str) -> BTreeSet<String> {
    kinds_of(&run(scenario, usize::MAX).0)
}

fn kinds_of(found: &[String]) -> BTreeSet<String> {
    found
        .iter()
        .filter_map(|line| line.split('\t').next())
        .map(ToOwned::to_owned)
        .collect()
}

fn set<const N: usize>(kinds: [&str; N]) -> BTreeSet<String> {
    kinds.into_iter().map(ToOwned::to_owned).collect()
}

#[test]
fn enrolling_logging_in_backup_codes_and_new_keys_leave_nothing() {
    leaves_nothing("login", 15);
}

#[test]
fn passcodes_of_every_hash_leave_nothing() {
    leaves_nothing("passcodes", 18);
}

#[test]
fn backup_codes_and_their_ledger_leave_nothing() {
    leaves_nothing("backup_codes", 8);
}

#[test]
fn receipts_sealed_and_opened_leave_nothing() {
    leaves_nothing("receipts", 7);
}

#[test]
fn secrets_that_come_in_as_text_leave_nothing() {
    leaves_nothing("typed", 6);
}

#[test]
fn pictures_leave_no_more_than_the_codewords_that_the_qrcode_crate_frees() {
    let left_by_qrcode = set(["Codewords"]);
    for done in 0..=12 {
        let (found, more) = run("pictures", done);
        let kinds = kinds_of(&found);
        assert!(kinds.is_subset(&left_by_qrcode), "after {done}: {found:?}");
        assert_eq!(more, done < 12);
    }
}

#[test]
fn every_kind_of_secret_is_found_where_nothing_is_wiped() {
    let all = set([
        "BackupCode",
        "Base32",
        "CodeEntropy",
        "Codewords",
        "Digest",
        "InnerPad",
        "InnerState",
        "OuterPad",
        "OuterState",
        "Passcode",
        "Picture",
        "ReceiptKey",
        "RecordKey",
        "Secret",
    ]);
    assert_eq!(kinds("control_nothing_is_wiped"), all);
}

#[test]
fn what_is_in_use_is_found() {
    let in_use = set([
        "InnerState",
        "OuterState",
        "Passcode",
        "ReceiptKey",
        "RecordKey",
        "Secret",
    ]);
    assert_eq!(kinds("control_alive"), in_use);
}

#[test]
fn what_a_host_copies_out_and_does_not_wipe_is_found() {
    assert_eq!(kinds("control_copied_out"), set(["Base32", "Secret"]));
}

#[test]
fn what_was_freed_before_it_was_learned_is_found() {
    assert_eq!(kinds("control_freed_before_it_is_learned"), set(["Secret"]));
}

#[test]
fn what_a_function_left_on_the_stack_is_found() {
    assert!(kinds("control_dead_frame").is_superset(&set(["InnerPad", "InnerState"])));
}

#[test]
fn what_nobody_looks_for_is_not_found() {
    assert_eq!(kinds("control_nothing_is_known"), set([]));
}
