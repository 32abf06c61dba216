//! Invariant 2: a backup code is accepted at most once.

use super::*;

#[test]
fn every_code_of_a_set_is_accepted_once() {
    let codes = codes(4);
    let mut set = issued(&codes);
    for index in (0..10).rev() {
        let at = NOON.saturating_add(index as u64);
        let redeemed = set.redeem(&code(&codes, index), at, None).unwrap();
        assert_eq!(redeemed.number(), index + 1);
        assert_eq!(redeemed.remaining(), index);
        assert_eq!(set.remaining(), index);
    }
    for index in 0..10 {
        let at = NOON.saturating_add(index as u64);
        let again = set.redeem(&code(&codes, index), NOON.saturating_add(99), None);
        assert_eq!(
            again,
            Err(BackupCodeSetError::Used {
                number: index + 1,
                at
            })
        );
    }
}

#[test]
fn a_used_code_keeps_its_first_date() {
    let codes = codes(5);
    let mut set = issued(&codes);
    assert!(set.redeem(&code(&codes, 7), NOON, None).is_ok());
    let later = NOON.saturating_add(86_400);
    let error = set.redeem(&code(&codes, 7), later, None).unwrap_err();
    assert_eq!(
        error,
        BackupCodeSetError::Used {
            number: 8,
            at: NOON
        }
    );
    assert_eq!(error.to_string(), "the backup code was used before");
    let status: Vec<_> = set.status().collect();
    assert_eq!(status.len(), 10);
    for (index, status) in status.iter().enumerate() {
        assert_eq!(status.number, index + 1);
        assert_eq!(status.used_at, (index == 7).then_some(NOON));
    }
}

#[test]
fn a_wrong_code_changes_nothing() {
    let codes = codes(6);
    let mut set = issued(&codes);
    let before = set.encode();
    let wrong = ["0000 0000", "9999 9999"].map(typed);
    for wrong in &wrong {
        let outcome = set.redeem(wrong, NOON, None);
        assert_eq!(outcome, Err(BackupCodeSetError::Wrong));
    }
    assert_eq!(set.encode(), before);
    assert_eq!(set.remaining(), 10);
}

#[test]
fn malformed_backup_codes_are_not_hashed() {
    let slow = Argon2Params::new(Argon2Params::MAX_MEMORY_KIB, 16, 1).unwrap();
    let format = CodeFormat::new(Alphabet::Digits, 6, 0, 1).unwrap();
    let bytes = encoded_with(slow, format);
    let mut set = BackupCodeSet::decode(&bytes).unwrap();
    for malformed in ["12345", "1234567", "12345A"] {
        let outcome = set.redeem(&typed(malformed), NOON, None);
        assert_eq!(outcome, Err(BackupCodeSetError::Shape));
    }
}

#[test]
fn codes_of_another_set_are_refused() {
    let (old, new) = (codes(7), codes(8));
    let mut set = issued(&new);
    for index in 0..10 {
        let outcome = set.redeem(&code(&old, index), NOON, None);
        assert_eq!(outcome, Err(BackupCodeSetError::Wrong));
    }
    assert_eq!(set.remaining(), 10);
}

#[test]
fn a_duplicate_code_is_accepted_once() {
    // The library issues no such set, but an attacker who has the key can write one.
    let format = CodeFormat::new(Alphabet::Digits, 6, 0, 1).unwrap();
    let one = BackupCodes::generate_with(format, &mut SeededRng(9)).unwrap();
    let single_set = BackupCodeSet::issue(&one, NOON, fast(), None, &mut SeededRng(9)).unwrap();
    let bytes = single_set.encode();
    let at = bytes.len() - 1 - 16;
    let (head, hash) = (&bytes[..at - 1], &bytes[at..at + 16]);
    let mut doubled = head.to_vec();
    let count = doubled.iter().rposition(|byte| *byte == 1).unwrap();
    doubled[count] = 2;
    doubled.extend([0x58, 32]);
    doubled.extend([hash, hash].concat());
    doubled.push(0xa0);

    let mut set = BackupCodeSet::decode(&doubled).unwrap();
    assert_eq!(set.remaining(), 2);
    assert!(set.redeem(&code(&one, 0), NOON, None).is_ok());
    let again = set.redeem(&code(&one, 0), NOON, None);
    assert!(
        matches!(again, Err(BackupCodeSetError::Used { .. })),
        "{again:?}"
    );
}

#[test]
fn a_stored_set_remembers_used_codes() {
    let codes = codes(10);
    let mut set = issued(&codes);
    for index in [3, 0, 9] {
        assert!(set.redeem(&code(&codes, index), NOON, None).is_ok());
        set = BackupCodeSet::decode(&set.encode()).unwrap();
    }
    assert_eq!(set.remaining(), 7);
    for index in [0, 3, 9] {
        let again = set.redeem(&code(&codes, index), NOON, None);
        assert_eq!(
            again,
            Err(BackupCodeSetError::Used {
                number: index + 1,
                at: NOON
            })
        );
    }
}
