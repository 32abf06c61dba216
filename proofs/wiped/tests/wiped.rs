//! Secrets leave nothing in the memory of a process when they are dropped.
//!
//! The release build of `proofs/wiped` runs each scenario in its own process, and searches all
//! writable memory of the process. The tests stop each scenario after each of its operations,
//! because later operations would overwrite secrets that earlier operations left in memory.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The program, built once.
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
    assert!(status.success(), "the build failed: {status}");
    target.join("release/countersign-wiped")
});

/// Runs a number of operations of a scenario. Returns what the search finds, and whether there are
/// more operations.
fn run(scenario: &str, operations: usize) -> (Vec<String>, bool) {
    let output = Command::new(&*BINARY)
        .args([scenario, &operations.to_string()])
        .output()
        .expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {error}");
    let mut lines: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    let last = lines.pop();
    (lines, last.as_deref() == Some("stopped"))
}

/// Runs a scenario once for each of its operations, and checks that the search finds nothing.
fn leaves_nothing(scenario: &str, operations: usize) {
    for operation in 0..=operations {
        let (found, more) = run(scenario, operation);
        assert_eq!(
            found, [""; 0],
            "left by {scenario} after operation {operation}"
        );
        assert_eq!(
            more,
            operation < operations,
            "{scenario} after operation {operation}"
        );
    }
}

/// The kinds of secrets that a scenario leaves behind at its end.
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
fn the_verifier_leaves_no_secrets_in_memory() {
    leaves_nothing("login", 30);
}

#[test]
fn passcodes_of_every_algorithm_leave_no_secrets() {
    leaves_nothing("passcodes", 28);
}

#[test]
fn backup_code_sets_leave_no_secrets() {
    leaves_nothing("backup_codes", 12);
}

#[test]
fn the_verifier_leaves_nothing_of_long_backup_codes() {
    leaves_nothing("long_codes", 8);
}

#[test]
fn sealed_and_opened_receipts_leave_no_secrets() {
    leaves_nothing("receipts", 7);
}

#[test]
fn device_tokens_and_seeds_leave_nothing() {
    leaves_nothing("devices", 7);
}

#[test]
fn secrets_parsed_from_text_leave_no_copies() {
    leaves_nothing("text_input", 6);
}

#[test]
fn written_and_read_exports_leave_no_secrets() {
    leaves_nothing("migration", 5);
}

#[test]
fn qr_images_leave_at_most_codewords() {
    let left_by_qrcode = set(["Codewords"]);
    for operation in 0..=12 {
        let (found, more) = run("qr_images", operation);
        let kinds = kinds_of(&found);
        assert!(
            kinds.is_subset(&left_by_qrcode),
            "after operation {operation}: {found:?}"
        );
        assert_eq!(more, operation < 12);
    }
}

#[test]
fn every_unwiped_kind_of_secret_is_found() {
    let all = set([
        "BackupCode",
        "Base32",
        "Base64",
        "CodeEntropy",
        "Codewords",
        "CodeHash",
        "DeviceSeed",
        "DeviceToken",
        "DigestKey",
        "InnerPad",
        "InnerState",
        "OuterPad",
        "OuterState",
        "Passcode",
        "QrImage",
        "ReceiptKey",
        "RecordKey",
        "Secret",
    ]);
    assert_eq!(kinds("control_unwiped"), all);
}

#[test]
fn secrets_in_use_are_found() {
    let in_use = set([
        "InnerState",
        "OuterState",
        "Passcode",
        "ReceiptKey",
        "RecordKey",
        "Secret",
    ]);
    assert_eq!(kinds("control_in_use"), in_use);
}

#[test]
fn unwiped_copies_are_found() {
    assert_eq!(kinds("control_unwiped_copy"), set(["Base32", "Secret"]));
}

#[test]
fn secrets_freed_before_registration_are_found() {
    assert_eq!(kinds("control_freed_before_registration"), set(["Secret"]));
}

#[test]
fn secrets_left_on_the_stack_are_found() {
    assert!(kinds("control_stack").is_superset(&set(["InnerPad", "InnerState"])));
}

#[test]
fn unregistered_secrets_are_not_found() {
    assert_eq!(kinds("control_unregistered"), set([]));
}
