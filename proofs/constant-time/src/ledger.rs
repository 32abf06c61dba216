//! The comparison of a backup code's digest with those of a set. The digest itself is computed from what was typed,
//! and only the stored ones are poisoned: Argon2id reads memory at addresses that depend on its input, by design.

use crate::memcheck::poison;
use crate::random::Repeatable;
use crate::report::Report;
use countersign::Timestamp;
use countersign::backup::{
    Argon2Params, BackupCodeSet, BackupCodeSetError, BackupCodes, CodeFormat,
};
use countersign::otp::Code;

const NOW: Timestamp = Timestamp::from_unix(1_795_521_600);

pub(crate) fn run(report: &Report) {
    let mut random = Repeatable::new();
    let codes = BackupCodes::generate_with(CodeFormat::default(), &mut random).expect("a set");
    let typed: Vec<Code> = codes
        .iter()
        .map(|code| Code::parse(code).expect("a code"))
        .collect();
    let wrong = Code::parse(&wrong(&codes)).expect("a code");
    let params = Argon2Params::new(8, 1, 1).expect("the least that Argon2 allows");
    let mut known = BackupCodeSet::issue(&codes, NOW, params, None, &mut random).expect("a ledger");
    let _redemption = known.redeem(&typed[4], NOW, None).expect("an unused code");

    for (number, typed) in (1..).zip(&typed).filter(|(number, _)| *number != 5) {
        let bytes = poisoned(&known);
        report.proof(&format!("backup code {number}"), 3, || {
            let mut ledger = BackupCodeSet::decode(&bytes).expect("a ledger");
            let redemption = ledger.redeem(typed, NOW, None).expect("a right code");
            assert_eq!(redemption.number(), number);
        });
    }
    let bytes = poisoned(&known);
    report.proof("backup code that was used", 3, || {
        let mut ledger = BackupCodeSet::decode(&bytes).expect("a ledger");
        let used = BackupCodeSetError::Used { number: 5, at: NOW };
        assert_eq!(ledger.redeem(&typed[4], NOW, None), Err(used));
    });
    report.proof("backup code that is wrong", 2, || {
        let mut ledger = BackupCodeSet::decode(&bytes).expect("a ledger");
        assert_eq!(
            ledger.redeem(&wrong, NOW, None),
            Err(BackupCodeSetError::Wrong)
        );
    });
    report.proof("ledgers compared", 2, || {
        assert!(BackupCodeSet::decode(&bytes).expect("a ledger") == known);
    });
}

/// A code of the right form that is not in the set.
pub(crate) fn wrong(codes: &BackupCodes) -> String {
    (0..)
        .map(|number: u32| format!("{number:08}"))
        .find(|code| codes.iter().all(|right| right.replace(' ', "") != *code))
        .expect("not every code is right")
}

fn poisoned(ledger: &BackupCodeSet) -> Vec<u8> {
    let mut bytes = ledger.encode();
    let digests = digests(&bytes);
    poison(&mut bytes[digests]);
    bytes
}

/// Where the digests of ten codes are in an encoded ledger: the one byte string of 160 bytes (RFC 8949, section 3.1).
pub(crate) fn digests(encoded: &[u8]) -> std::ops::Range<usize> {
    const HEADER: [u8; 2] = [0x58, 160];
    let mut places = (0..)
        .zip(encoded.windows(2))
        .filter(|(_, two)| *two == HEADER);
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        panic!("the random bytes look like the header of the digests: take others");
    };
    at + 2..at + 162
}
