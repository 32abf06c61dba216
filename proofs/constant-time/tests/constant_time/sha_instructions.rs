//! One option of a compiler must not make a hash a hundred times slower.
//!
//! The SHA instructions of x86-64 exist only in the old encoding of SSE. In a function that also
//! uses the wide registers of AVX, each of them can take a hundred times as long. With
//! `target-cpu=native` and `lto = "fat"`, the compiler inlines a compression function into its
//! callers, which use wide registers (`docs/performance.md`). The disassembly of such a build shows
//! this. The build is for a fixed processor, so the result does not depend on the computer of the
//! test.

use crate::programs::{installed, output};
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A processor with SHA instructions and wide registers.
const PROCESSOR: &str = "icelake-server";

/// Instructions of the rounds of SHA-1 and SHA-256.
const ROUNDS: [&str; 2] = ["sha1rnds4", "sha256rnds2"];

#[test]
fn no_function_mixes_sha_instructions_and_wide_registers() {
    let Some(mut objdump) = installed("objdump") else {
        return;
    };
    objdump.args(["--disassemble", "--demangle", "--no-show-raw-insn"]);
    let output = output(objdump.arg(build()));
    let functions = functions(&String::from_utf8_lossy(&output.stdout));

    for (hash, name) in ROUNDS.iter().enumerate() {
        let found = functions.values().any(|function| function.rounds[hash]);
        assert!(found, "no {name}");
    }
    assert!(functions.values().any(|function| function.wide));
    let mixed: Vec<&String> = functions
        .iter()
        .filter(|(_, function)| function.wide && function.rounds.contains(&true))
        .map(|(name, _)| name)
        .collect();
    assert!(
        mixed.is_empty(),
        "call the hashes of src/block_hash.rs instead: {mixed:#?}"
    );
}

/// Builds the program under test for [`PROCESSOR`] as one piece, and returns its path.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sha_instructions");
    let host = host();
    let mut build = Command::new(env::var_os("CARGO").expect("cargo runs the tests"));
    build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // With a target, the flags are not for build scripts, which run on this computer.
        .args(["build", "--quiet", "--release", "--target", &host])
        .args(["--package", "countersign-constant-time", "--target-dir"])
        .arg(&target)
        .env("CARGO_PROFILE_RELEASE_LTO", "fat")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("RUSTFLAGS", format!("-C target-cpu={PROCESSOR}"))
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    output(&mut build);
    target.join(host).join("release/countersign-constant-time")
}

/// The target that rustc compiles for by default.
fn host() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = output(Command::new(rustc).arg("-vV"));
    String::from_utf8_lossy(&version.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names the host")
        .to_owned()
}

/// What a function uses.
#[derive(Default)]
struct Function {
    /// In the order of [`ROUNDS`].
    rounds: [bool; 2],
    /// Registers of 256 or 512 bits.
    wide: bool,
}

fn functions(disassembly: &str) -> BTreeMap<String, Function> {
    let mut functions = BTreeMap::new();
    let mut before_the_first = Function::default();
    let mut current = &mut before_the_first;
    for line in disassembly.lines() {
        if let Some(function) = line.strip_suffix(">:") {
            let (_, name) = function.split_once(" <").expect("an address and a name");
            current = functions.entry(name.to_owned()).or_default();
        } else if let Some((_, instruction)) = line.split_once(":\t") {
            let mnemonic = instruction.split_whitespace().next().unwrap_or_default();
            for (has, round) in current.rounds.iter_mut().zip(ROUNDS) {
                *has |= mnemonic == round;
            }
            current.wide |= instruction.contains("%ymm") || instruction.contains("%zmm");
        }
    }
    functions
}
