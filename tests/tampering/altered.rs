//! Records whose bytes were altered.

use crate::service::{PRIMARY, RETIRED, STEP, Service};
use countersign::record::RecordError;
use countersign::{Denied, KeyId, VerifierError};

/// The error for a flip of this bit. The header is version (1 byte), algorithm (1), key id (4) and
/// account tag (8).
fn error_of(bit: usize, flipped: &[u8]) -> RecordError {
    match bit / 8 {
        0 => RecordError::UnknownVersion(flipped[0]),
        1 => RecordError::UnknownAlgorithm(flipped[1]),
        2..6 => match KeyId::new(u32::from_be_bytes(flipped[2..6].try_into().unwrap())) {
            RETIRED => RecordError::Damaged,
            id => RecordError::UnknownKey(id),
        },
        6..14 => RecordError::OtherAccount,
        _ => RecordError::Damaged,
    }
}

#[test]
fn every_flipped_bit_is_detected() {
    let service = Service::new();
    let whole = service.store.stored();
    for bit in 0..whole.record.len() * 8 {
        let mut record = whole.record.clone();
        record[bit / 8] ^= 1 << (bit % 8);
        let expected = error_of(bit, &record);
        service.store.set(&record, &whole);
        service.every_call_fails(&service.verifier, &service.alice, expected);
    }
    service.store.set(&whole.record, &whole);
    let _receipt = service.verify(&service.passcode()).unwrap();
}

#[test]
fn every_truncated_record_is_damaged() {
    let service = Service::new();
    let whole = service.store.stored();
    for length in 0..whole.record.len() {
        service.store.set(&whole.record[..length], &whole);
        service.every_call_fails(&service.verifier, &service.alice, RecordError::Damaged);
    }
}

#[test]
fn every_missing_byte_is_an_error() {
    let service = Service::new();
    let whole = service.store.stored();
    for at in 0..whole.record.len() {
        let mut record = whole.record.clone();
        record.remove(at);
        service.store.set(&record, &whole);
        let outcome = service.verify(&service.passcode());
        assert!(
            matches!(outcome, Err(Denied::Failed(VerifierError::Record(_)))),
            "{at}: {outcome:?}"
        );
    }
}

#[test]
fn a_record_with_appended_bytes_is_damaged() {
    let service = Service::new();
    let whole = service.store.stored();
    for appended in [&[0][..], &[0xFF; 16], &whole.record] {
        service
            .store
            .set(&[&whole.record, appended].concat(), &whole);
        service.every_call_fails(&service.verifier, &service.alice, RecordError::Damaged);
    }
}

#[test]
fn two_records_of_one_account_cannot_be_spliced() {
    let service = Service::new();
    let _receipt = service.verify(&service.codes[1]).unwrap();
    let older = service.store.stored();
    service.clock.advance(STEP);
    let _receipt = service.verify(&service.codes[2]).unwrap();
    let newer = service.store.stored();
    for at in 0..older.record.len().min(newer.record.len()) {
        for (head, tail) in [(&older, &newer), (&newer, &older)] {
            let spliced = [&head.record[..at], &tail.record[at..]].concat();
            if spliced == older.record || spliced == newer.record {
                continue;
            }
            for revision in [&older, &newer] {
                service.store.set(&spliced, revision);
                service.every_call_fails(&service.verifier, &service.alice, RecordError::Damaged);
            }
        }
    }
}

#[test]
fn forged_records_are_an_error() {
    let service = Service::new();
    let whole = service.store.stored();
    let header = &whole.record[..14];
    for record in [
        &b"garbage"[..],
        &[0; 600],
        &[0xFF; 600],
        &[header, &[0; 12 + 16]].concat(),
        &[header, &[0xA5; 586]].concat(),
    ] {
        service.store.set(record, &whole);
        let expected = match record[0] {
            1 | 2 => RecordError::Damaged,
            version => RecordError::UnknownVersion(version),
        };
        service.every_call_fails(&service.verifier, &service.alice, expected);
    }
    assert_eq!(header[2..6], PRIMARY.get().to_be_bytes());
}

#[test]
fn a_record_cannot_change_its_form() {
    let service = Service::new();
    let whole = service.store.stored();
    assert_eq!(whole.record[0], 2, "codes were issued within a day");
    let mut other = whole.record.to_vec();
    other[0] = 1;
    service.store.set(&other, &whole);
    service.every_call_fails(&service.verifier, &service.alice, RecordError::Damaged);
}
