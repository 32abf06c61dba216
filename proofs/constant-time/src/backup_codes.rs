//! Compares the hash of a backup code with the hashes of a set. The stored hashes are poisoned, and
//! the key of a set of long codes. The typed code is not, because Argon2id reads memory at addresses
//! that depend on its input, by design.

use crate::memcheck::poison;
use crate::random::Repeatable;
use crate::report::Report;
use countersign::Timestamp;
use countersign::backup::{
    Argon2Params, BackupCodeSet, BackupCodeSetError, BackupCodes, CodeFormat,
};
use countersign::otp::Code;
use std::ops::Range;

const NOW: Timestamp = Timestamp::from_unix(1_795_521_600);

pub(crate) fn run(report: &Report) {
    check(report, "backup code", CodeFormat::default());
    check(report, "long backup code", CodeFormat::BITS_112);
}

fn check(report: &Report, name: &str, format: CodeFormat) {
    let mut random = Repeatable::new();
    let codes = BackupCodes::generate_with(format, &mut random).expect("a set");
    let typed: Vec<Code> = codes
        .iter()
        .map(|code| Code::parse(code).expect("a code"))
        .collect();
    let wrong = Code::parse(&wrong(&codes)).expect("a code");
    let params = Argon2Params::new(8, 1, 1).expect("the minimum of Argon2");
    let mut known = BackupCodeSet::issue(&codes, NOW, params, None, &mut random).expect("a set");
    let _redemption = known.redeem(&typed[4], NOW, None).expect("an unused code");

    for (number, typed) in (1..).zip(&typed).filter(|(number, _)| *number != 5) {
        let bytes = poisoned(&known);
        report.proof(&format!("{name} {number}"), 3, || {
            let mut set = BackupCodeSet::decode(&bytes).expect("a set");
            let redemption = set.redeem(typed, NOW, None).expect("a right code");
            assert_eq!(redemption.number(), number);
        });
    }
    let bytes = poisoned(&known);
    report.proof(&format!("{name} that was used"), 3, || {
        let mut set = BackupCodeSet::decode(&bytes).expect("a set");
        let used = BackupCodeSetError::Used { number: 5, at: NOW };
        assert_eq!(set.redeem(&typed[4], NOW, None), Err(used));
    });
    report.proof(&format!("{name} that is wrong"), 2, || {
        let mut set = BackupCodeSet::decode(&bytes).expect("a set");
        assert_eq!(
            set.redeem(&wrong, NOW, None),
            Err(BackupCodeSetError::Wrong)
        );
    });
    let results = 2 + usize::from(key_of(&known.encode()).is_some());
    report.proof(&format!("sets compared, {name}"), results, || {
        assert!(BackupCodeSet::decode(&bytes).expect("a set") == known);
    });
}

/// A code of the right format that is not in the set.
pub(crate) fn wrong(codes: &BackupCodes) -> String {
    let length = usize::from(codes.format().length());
    (0..)
        .map(|number: u32| format!("{number:0>length$}"))
        .find(|code| codes.iter().all(|right| right.replace(' ', "") != *code))
        .expect("not every code is right")
}

fn poisoned(set: &BackupCodeSet) -> Vec<u8> {
    let mut bytes = set.encode();
    let hashes = hashes(&bytes);
    poison(&mut bytes[hashes]);
    if let Some(key) = key_of(&set.encode()) {
        poison(&mut bytes[key]);
    }
    bytes
}

/// The position of the hashes of ten codes in an encoded set. They are the only byte string of 160
/// bytes (RFC 8949, section 3.1).
fn hashes(encoded: &[u8]) -> Range<usize> {
    let [place] = &hashes_of(encoded, 1)[..] else {
        panic!("the set has no hashes");
    };
    place.clone()
}

/// The position of the key of a set of long codes, the only byte string of 32 bytes.
pub(crate) fn key_of(encoded: &[u8]) -> Option<Range<usize>> {
    const HEADER: [u8; 2] = [0x58, 32];
    let places = (0..).zip(encoded.windows(2));
    let mut places = places.filter(|(_, two)| *two == HEADER);
    let (at, _) = places.next()?;
    assert!(
        places.next().is_none(),
        "the random bytes contain the header of the key; use another seed"
    );
    Some(at + 2..at + 34)
}

/// The positions of the hashes of at most so many sets of ten codes.
pub(crate) fn hashes_of(encoded: &[u8], most: usize) -> Vec<Range<usize>> {
    const HEADER: [u8; 2] = [0x58, 160];
    let places = (0..).zip(encoded.windows(2));
    let places = places.filter(|(_, two)| *two == HEADER);
    let found: Vec<_> = places.map(|(at, _)| at + 2..at + 162).collect();
    assert!(
        found.len() <= most,
        "the random bytes contain the header of the hashes; use another seed"
    );
    found
}
