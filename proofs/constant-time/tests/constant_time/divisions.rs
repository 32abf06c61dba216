//! memcheck does not see divisions, and their time depends on the operands. The disassembly shows
//! them.

use crate::programs::{UNDER_TEST, installed, output};
use std::collections::BTreeMap;

/// Functions that handle secrets. Argon2id is not among them, nor are functions of times and
/// counts.
const WITH_SECRETS: [&str; 13] = [
    "countersign::constant_time::",
    "countersign::otp::",
    "countersign::backup::code_set::",
    "countersign::record::receipt::",
    "countersign::factor::request::",
    "digest::",
    "hmac::",
    "block_buffer::",
    "sha1::",
    "sha2::",
    "subtle::",
    "aes::",
    "polyval::",
];

/// Divides the time by the period, and handles no secret.
const EXCEPTION: &str = "countersign::otp::totp::Totp::step";

#[test]
fn no_function_with_a_secret_divides() {
    let Some(mut objdump) = installed("objdump") else {
        return;
    };
    objdump.args(["--disassemble", "--demangle", "--no-show-raw-insn"]);
    let output = output(objdump.arg(&*UNDER_TEST));
    let divisions = divisions(&String::from_utf8_lossy(&output.stdout));

    let count = |name| divisions.get(name).copied();
    assert_eq!(
        count("countersign_constant_time::controls::runtime_division"),
        Some(1)
    );
    assert!(count(EXCEPTION) > Some(0), "the exception has a division");
    for name in [
        "countersign::otp::hotp::Hotp::verify",
        "countersign::otp::totp::Totp::verify",
        "countersign::otp::steam_guard::SteamGuard::verify",
        "countersign::otp::steam_guard::SteamGuard::generate_step",
        "countersign::otp::hmac::truncated",
        "countersign::backup::code_set::BackupCodeSet::find",
        "sha1::compress::soft::compress",
        "sha1::compress::x86_sha::compress",
    ] {
        assert_eq!(count(name), Some(0), "{name}");
    }
    let secret = |name: &str| {
        let name = name.trim_start_matches(['<', '&']);
        WITH_SECRETS.iter().any(|start| name.starts_with(start))
    };
    for (name, count) in &divisions {
        assert!(
            *count == 0 || !secret(name) || name == EXCEPTION,
            "{name}: {count}"
        );
    }
}

/// The number of integer divisions in each function.
fn divisions(disassembly: &str) -> BTreeMap<String, usize> {
    let mut functions = BTreeMap::new();
    let mut name = String::new();
    for line in disassembly.lines() {
        if let Some(function) = line.strip_suffix(">:") {
            let (_, function) = function.split_once(" <").expect("an address and a name");
            name = function.into();
            functions.entry(name.clone()).or_insert(0);
        } else if let Some((_, instruction)) = line.split_once(":\t") {
            let mnemonic = instruction.split_whitespace().next().unwrap_or_default();
            let division = mnemonic.trim_end_matches(['b', 'w', 'l', 'q']);
            if matches!(division, "div" | "idiv") {
                *functions.entry(name.clone()).or_default() += 1;
            }
        }
    }
    functions
}
