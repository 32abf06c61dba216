//! The negative controls: typical code that leaks, which memcheck must report.

use crate::memcheck::poison;
use crate::report::Report;
use std::hint::black_box;

pub(crate) fn run(report: &Report) {
    let mut passcode = *b"287082";
    poison(&mut passcode);
    report.leak("early exit", || early_exit(&passcode, b"287083"));

    let mut mac = [0x5a; 20];
    poison(&mut mac);
    report.leak("indexed truncation", || indexed_truncation(&mac));

    // Not visible to memcheck; the disassembly shows this division.
    black_box(runtime_division(0x50ef_7f19, black_box(1_000_000)));
}

/// Stops at the first wrong digit.
#[inline(never)]
fn early_exit(passcode: &[u8; 6], typed: &[u8; 6]) -> bool {
    passcode
        .iter()
        .zip(typed)
        .all(|(right, typed)| black_box(right == typed))
}

/// RFC 4226, section 5.3, implemented literally: an address depends on the HMAC.
#[inline(never)]
fn indexed_truncation(mac: &[u8; 20]) -> u32 {
    let offset = usize::from(mac[19] & 0x0f);
    let word = [
        mac[offset],
        mac[offset + 1],
        mac[offset + 2],
        mac[offset + 3],
    ];
    u32::from_be_bytes(word) & 0x7fff_ffff
}

/// Divides by a number known only at run time.
#[inline(never)]
fn runtime_division(truncated: u32, modulus: u32) -> u32 {
    truncated % modulus
}
