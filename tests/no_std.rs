//! The module `otp` needs neither the standard library nor an allocator.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

/// Builds and runs the package in `tests/no_std`, offline and with the dependency versions of this
/// workspace.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[test]
fn a_bare_binary_computes_passcodes_without_allocator() {
    use std::path::Path;
    use std::process::Command;

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = root.join("tests/no_std");
    std::fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))
        .expect("a copy of the lock file");
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let output = Command::new(cargo)
        .current_dir(&package)
        .args(["run", "--release", "--offline", "--quiet", "--target-dir"])
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
#[test]
#[ignore = "the bare binary needs Linux on x86-64 or AArch64"]
fn a_bare_binary_computes_passcodes_without_allocator() {}
