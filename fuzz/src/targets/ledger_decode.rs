//! Any bytes as a ledger, and ledgers that were damaged: refused, or what encodes to these bytes.

use super::{Edit, edited};
use arbitrary::Arbitrary;
use countersign::{Ledger, LedgerError, Passcode, Timestamp};
use std::sync::LazyLock;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// One of the known ledgers after edits.
    Damaged(u8, Vec<(u16, Edit)>),
}

static KNOWN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let hex = include_str!("../../../tests/data/ledgers.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(' ').nth(3));
    let bytes = |hex: &str| {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(byte).collect()
    };
    hex.map(bytes).collect()
});

pub(super) fn run(input: &[u8]) {
    match super::read(input) {
        None => {}
        Some(Input::Bytes(bytes)) => check(bytes),
        Some(Input::Damaged(which, edits)) => {
            let known = &KNOWN[usize::from(which) % KNOWN.len()];
            check(&edited(known, &edits));
        }
    }
}

fn check(bytes: &[u8]) {
    let mut ledger = match Ledger::decode(bytes) {
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
    if params.memory_kib() > 64 || params.passes() > 4 {
        return;
    }
    let code = "1".repeat(ledger.format().length().into());
    let Ok(passcode) = Passcode::parse(&code) else {
        return;
    };
    match ledger.redeem(&passcode, Timestamp::UNIX_EPOCH, None) {
        Ok(redemption) => {
            assert_eq!(redemption.remaining(), unused - 1);
            assert_eq!(redemption.remaining(), ledger.remaining());
            let again = ledger.redeem(&passcode, Timestamp::UNIX_EPOCH, None);
            assert!(matches!(again, Err(LedgerError::Used { .. })));
            let written = ledger.encode();
            let read = Ledger::decode(&written).expect("what is written");
            assert!(read == ledger);
        }
        Err(_) => assert_eq!(ledger.encode(), bytes),
    }
}
