//! The program under test, and the tools that examine it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{env, fs};

/// `proofs/constant-time`, built for this test as for production, without the flags of the
/// environment.
pub(crate) static UNDER_TEST: LazyLock<PathBuf> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("constant_time");
    let cargo = env::var_os("CARGO").expect("cargo runs the tests");
    let mut build = Command::new(cargo);
    build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--profile", "proof"])
        .args(["--package", "countersign-constant-time", "--target-dir"])
        .arg(&target);
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        build.env_remove(flags);
    }
    output(&mut build);
    target.join("proof/countersign-constant-time")
});

/// An installed program. If it is missing, prints `skipped: no valgrind` and returns `None`, or
/// panics if `COUNTERSIGN_SKIP_NOTHING=1` is set.
pub(crate) fn installed(name: &str) -> Option<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|directory| directory.join(name).is_file());
    // The requests to valgrind exist only for this processor.
    let found = found && cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if found {
        return Some(Command::new(name));
    }
    let required = env::var_os("COUNTERSIGN_SKIP_NOTHING").is_some_and(|value| value == "1");
    assert!(
        !required,
        "{name} is missing, and COUNTERSIGN_SKIP_NOTHING=1 is set"
    );
    // The test harness hides the output of `eprintln!`.
    _ = writeln!(io::stderr(), "skipped: no {name}, or not Linux on x86-64");
    None
}

/// Runs a program that must succeed, and returns its output.
pub(crate) fn output(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The file that allows the results to depend on a secret.
pub(crate) fn suppressions_file() -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("results.supp");
    assert!(fs::exists(&file).is_ok_and(|exists| exists), "{file:?}");
    file
}
