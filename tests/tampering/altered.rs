//! Records whose bytes are not those that were written.

use crate::service::{PRIMARY, RETIRED, STEP, Service};
use countersign::record::RecordError;
use countersign::{Denied, KeyId, VerifierError};

/// What a flip of this bit must be told as. The header is version (1 byte), algorithm (1), key id (4), account tag (8).
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
fn every_flipped_bit_is_an_error_of_its_kind() {
    let service = Service::new();
    let whole = service.store.stored();
    for bit in 0..whole.record.len() * 8 {
        let mut record = whole.record.clone();
        record[bit / 8] ^= 1 << (bit % 8);
        let expected = error_of(bit, &record);
        service.store.hand(&record, &whole);
        service.nothing_opens(&service.verifier, &service.alice, expected);
    }
    service.store.hand(&whole.record, &whole);
    let _receipt = service.verify(&service.passcode()).unwrap();
}

#[test]
fn every_record_that_is_cut_short_is_damaged() {
    let service = Service::new();
    let whole = service.store.stored();
    for length in 0..whole.record.len() {
        service.store.hand(&whole.record[..length], &whole);
        service.nothing_opens(&service.verifier, &service.alice, RecordError::Damaged);
    }
}

#[test]
fn every_record_that_lacks_one_byte_is_an_error() {
    let service = Service::new();
    let whole = service.store.stored();
    for at in 0..whole.record.len() {
        let mut record = whole.record.clone();
        record.remove(at);
        service.store.hand(&record, &whole);
        let outcome = service.verify(&service.passcode());
        assert!(
            matches!(outcome, Err(Denied::Failed(VerifierError::Record(_)))),
            "{at}: {outcome:?}"
        );
    }
}

#[test]
fn every_record_with_more_behind_it_is_damaged() {
    let service = Service::new();
    let whole = service.store.stored();
    for more in [&[0][..], &[0xFF; 16], &whole.record] {
        service.store.hand(&[&whole.record, more].concat(), &whole);
        service.nothing_opens(&service.verifier, &service.alice, RecordError::Damaged);
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
                service.store.hand(&spliced, revision);
                service.nothing_opens(&service.verifier, &service.alice, RecordError::Damaged);
            }
        }
    }
}

#[test]
fn bytes_that_nobody_sealed_are_an_error() {
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
        service.store.hand(record, &whole);
        let expected = match record[0] {
            1 | 2 => RecordError::Damaged,
            version => RecordError::UnknownVersion(version),
        };
        service.nothing_opens(&service.verifier, &service.alice, expected);
    }
    assert_eq!(header[2..6], PRIMARY.get().to_be_bytes());
}

#[test]
fn a_record_in_one_form_does_not_open_as_the_other() {
    let service = Service::new();
    let whole = service.store.stored();
    assert_eq!(whole.record[0], 2, "codes were issued within a day");
    let mut other = whole.record.to_vec();
    other[0] = 1;
    service.store.hand(&other, &whole);
    service.nothing_opens(&service.verifier, &service.alice, RecordError::Damaged);
}
