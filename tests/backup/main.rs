//! Backup codes and backup-code sets.
#![cfg(feature = "backup")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

use countersign::Timestamp;
use countersign::backup::{
    Alphabet, Argon2Params, Argon2ParamsError, BackupCodeFile, BackupCodeSet,
    BackupCodeSetDecodeError, BackupCodeSetError, BackupCodes, CodeDigest, CodeFormat,
    CodeFormatError, Pepper, PepperId, Redemption,
};
use countersign::otp::Code;
use std::collections::HashSet;
use support::SeededRng;

const NOON: Timestamp = Timestamp::from_unix(1_795_521_600);

fn fast() -> Argon2Params {
    Argon2Params::new(8, 1, 1).unwrap()
}

fn typed(text: &str) -> Code {
    Code::parse(text).unwrap()
}

fn codes(seed: u64) -> BackupCodes {
    BackupCodes::generate_with(CodeFormat::default(), &mut SeededRng(seed)).unwrap()
}

fn issued(codes: &BackupCodes) -> BackupCodeSet {
    let salt = &mut SeededRng(codes.len() as u64);
    BackupCodeSet::issue(codes, NOON, fast(), None, salt).unwrap()
}

fn code(codes: &BackupCodes, index: usize) -> Code {
    typed(codes.iter().nth(index).unwrap())
}

mod argon2_params;
mod code_format;
mod code_parsing;
mod debug_output;
mod encoding;
mod file;
mod keyed;
mod known_answers;
mod pepper;
mod random_codes;
mod single_use;

/// An encoded backup-code set with one code and these parameters.
fn encoded_with(params: Argon2Params, format: CodeFormat) -> Vec<u8> {
    let codes = BackupCodes::generate_with(format, &mut SeededRng(0)).unwrap();
    let bytes = BackupCodeSet::issue(&codes, NOON, fast(), None, &mut SeededRng(0))
        .unwrap()
        .encode();
    // Version and salt come first; then the parameters 8, 1 and 1 in one byte each.
    let (head, tail) = (&bytes[..19], &bytes[22..]);
    let numbers = [params.memory_kib(), params.passes(), params.lanes()].map(number);
    [head, &numbers.concat(), tail].concat()
}

/// A number in the shortest CBOR encoding.
fn number(value: u32) -> Vec<u8> {
    match value {
        0..=23 => vec![value as u8],
        24..=0xff => vec![0x18, value as u8],
        0x100..=0xffff => [&[0x19][..], &(value as u16).to_be_bytes()].concat(),
        _ => [&[0x1a][..], &value.to_be_bytes()].concat(),
    }
}
