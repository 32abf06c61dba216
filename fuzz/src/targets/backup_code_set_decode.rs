//! Any bytes and damaged encodings as a backup-code set. The bytes are refused, or the set encodes
//! to the same bytes.

use super::{Edit, edited};
use arbitrary::Arbitrary;
use countersign::Timestamp;
use countersign::backup::{BackupCodeSet, BackupCodeSetError, CodeDigest, Pepper};
use countersign::otp::Code;
use std::sync::LazyLock;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// The encoding of a known set after edits.
    Damaged(u8, Vec<(u16, Edit)>),
}

/// A set that another program made, with its first code and the key of its pepper.
struct Known {
    code: &'static str,
    pepper: Vec<u8>,
    encoded: Vec<u8>,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    include_str!("../../../tests/data/backup_code_sets.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            Known {
                code: fields[1].split(',').next().expect("a code"),
                pepper: bytes(fields[2].trim_matches('-')),
                encoded: bytes(fields[3]),
            }
        })
        .collect()
});

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(byte).collect()
}

pub(super) fn run(input: &[u8]) {
    match super::read(input) {
        None => {}
        Some(Input::Bytes(bytes)) => check(bytes, &KNOWN[0]),
        Some(Input::Damaged(which, edits)) => {
            let known = &KNOWN[usize::from(which) % KNOWN.len()];
            check(&edited(&known.encoded, &edits), known);
        }
    }
}

fn check(bytes: &[u8], known: &Known) {
    let mut set = match BackupCodeSet::decode(bytes) {
        Ok(set) => set,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(set.encode(), bytes);
    let codes = set.status();
    assert_eq!(codes.len(), usize::from(set.format().count()));
    let unused = codes.filter(|code| code.used_at.is_none()).count();
    assert_eq!(set.remaining(), unused);
    // A slow hash would leave no time for other inputs.
    if let CodeDigest::Argon2id(params) = set.digest()
        && params.memory_kib().saturating_mul(params.passes()) > 256
    {
        return;
    }
    let pepper = set
        .pepper_id()
        .and_then(|id| Pepper::new(id, &known.pepper).ok());
    let code = Code::parse(known.code).expect("letters and digits");
    let now = Timestamp::UNIX_EPOCH;
    match set.redeem(&code, now, pepper.as_ref()) {
        Ok(redemption) => {
            assert_eq!(redemption.remaining(), unused - 1);
            assert_eq!(redemption.remaining(), set.remaining());
            let again = set.redeem(&code, now, pepper.as_ref());
            let number = redemption.number();
            assert_eq!(again, Err(BackupCodeSetError::Used { number, at: now }));
            let written = set.encode();
            assert!(BackupCodeSet::decode(&written).expect("the written set") == set);
        }
        Err(_) => assert_eq!(set.encode(), bytes),
    }
}
