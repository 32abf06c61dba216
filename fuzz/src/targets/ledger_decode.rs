//! Any bytes as a ledger, and ledgers that were damaged: refused, or what encodes to these bytes.

use super::{Edit, edited};
use arbitrary::Arbitrary;
use countersign::Timestamp;
use countersign::backup::{BackupCodeSet, BackupCodeSetError, Pepper};
use countersign::otp::Code;
use std::sync::LazyLock;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// One of the known ledgers after edits.
    Damaged(u8, Vec<(u16, Edit)>),
}

/// A ledger that another program made, with its first code and the key of its pepper.
struct Known {
    code: &'static str,
    pepper: Vec<u8>,
    ledger: Vec<u8>,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    include_str!("../../../tests/data/ledgers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            Known {
                code: fields[1].split(',').next().expect("a code"),
                pepper: bytes(fields[2].trim_matches('-')),
                ledger: bytes(fields[3]),
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
            check(&edited(&known.ledger, &edits), known);
        }
    }
}

fn check(bytes: &[u8], known: &Known) {
    let mut ledger = match BackupCodeSet::decode(bytes) {
        Ok(ledger) => ledger,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(ledger.encode(), bytes);
    let codes = ledger.status();
    assert_eq!(codes.len(), usize::from(ledger.format().count()));
    let unused = codes.filter(|code| code.used_at.is_none()).count();
    assert_eq!(ledger.remaining(), unused);
    // Slow digests would leave no time for anything else.
    let params = ledger.params();
    if params.memory_kib().saturating_mul(params.passes()) > 256 {
        return;
    }
    let pepper = ledger
        .pepper_id()
        .and_then(|id| Pepper::new(id, &known.pepper).ok());
    let passcode = Code::parse(known.code).expect("letters and digits");
    let now = Timestamp::UNIX_EPOCH;
    match ledger.redeem(&passcode, now, pepper.as_ref()) {
        Ok(redemption) => {
            assert_eq!(redemption.remaining(), unused - 1);
            assert_eq!(redemption.remaining(), ledger.remaining());
            let again = ledger.redeem(&passcode, now, pepper.as_ref());
            let number = redemption.number();
            assert_eq!(again, Err(BackupCodeSetError::Used { number, at: now }));
            let written = ledger.encode();
            assert!(BackupCodeSet::decode(&written).expect("what is written") == ledger);
        }
        Err(_) => assert_eq!(ledger.encode(), bytes),
    }
}
