//! The program under proof, and the programs that look at it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::{env, fs};

/// `proofs/constant-time`, built for this test alone, as it would be built for production: no flags of whoever runs
/// the tests.
pub(crate) static UNDER_PROOF: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("constant_time");
    let cargo = env::var_os("CARGO").expect("cargo runs the tests");
    let mut build = Command::new(cargo);
    build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--profile", "proof"])
        .args(["--package", "countersign-constant-time", "--target-dir"])
        .arg(&folder);
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        build.env_remove(flags);
    }
    output(&mut build);
    folder.join("proof/countersign-constant-time")
});

/// A program of the system, or `None`, which a test takes as leave to skip: then `skipped: no valgrind` is printed.
/// With `COUNTERSIGN_SKIP_NOTHING=1` in the environment its absence is a failure.
pub(crate) fn installed(name: &str) -> Option<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    // The requests to valgrind are written for this processor alone.
    let found = found && cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if found {
        return Some(Command::new(name));
    }
    let required = env::var_os("COUNTERSIGN_SKIP_NOTHING").is_some_and(|value| value == "1");
    assert!(
        !required,
        "COUNTERSIGN_SKIP_NOTHING=1, and there is no {name}"
    );
    // Not `eprintln!`, which the test harness hides.
    _ = writeln!(io::stderr(), "skipped: no {name}, or not Linux on x86-64");
    None
}

/// What a program prints, if it succeeds.
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

/// The file that names the verdicts.
pub(crate) fn verdicts() -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("proofs/constant-time/verdicts.supp");
    assert!(fs::exists(&file).is_ok_and(|exists| exists), "{file:?}");
    file
}
