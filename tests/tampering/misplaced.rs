//! Whole records under another account, namespace or revision.

use crate::service::{PRIMARY, Service};
use countersign::record::RecordError;
use countersign::store::StoredRecord;
use countersign::testing::block_on;
use countersign::{AccountId, Keyring};

#[test]
fn records_swapped_between_accounts_do_not_open() {
    let service = Service::new();
    let alice = service.store.stored();
    for other in ["mallory", "Alice", "alice ", "alic", "alice\u{301}", "bob"] {
        let other = AccountId::new(other).unwrap();
        service.store.set(&alice.record, &alice);
        service.every_call_fails(&service.verifier, &other, RecordError::OtherAccount);
    }
}

#[test]
fn a_record_of_another_namespace_does_not_open() {
    let service = Service::new();
    for namespace in ["other", " ", "a", "alice"] {
        let keyring = Keyring::new(PRIMARY, service.keys[0].clone());
        let verifier = service.with(keyring, namespace);
        service.every_call_fails(&verifier, &service.alice, RecordError::OtherAccount);
    }
}

#[test]
fn the_namespace_boundary_cannot_be_shifted() {
    let service = Service::new();
    let keyring = || Keyring::new(PRIMARY, service.keys[0].clone());
    for (namespace, account) in [("a", "lice"), ("alic", "e"), ("al", "ice")] {
        let account = AccountId::new(account).unwrap();
        let verifier = service.with(keyring(), namespace);
        service.every_call_fails(&verifier, &account, RecordError::OtherAccount);
    }
}

#[test]
fn a_record_opens_under_its_own_revision_only() {
    let service = Service::new();
    let mut records: Vec<StoredRecord> = vec![service.store.stored()];
    for code in &service.codes[1..] {
        let _receipt = service.verify(code).unwrap();
        records.push(service.store.stored());
    }
    for (written, record) in records.iter().enumerate() {
        for (at, revision) in records.iter().enumerate() {
            service.store.set(&record.record, revision);
            if written == at {
                block_on(service.verifier.status(&service.alice)).unwrap();
            } else {
                let expected = RecordError::RevisionMismatch;
                service.every_call_fails(&service.verifier, &service.alice, expected);
            }
        }
    }
}
