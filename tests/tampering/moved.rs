//! Whole records in a place where they were not written.

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
        service.store.hand(&alice.record, &alice);
        service.nothing_opens(&service.verifier, &other, RecordError::OtherAccount);
    }
}

#[test]
fn a_record_of_another_namespace_does_not_open() {
    let service = Service::new();
    for namespace in ["other", " ", "a", "alice"] {
        let keyring = Keyring::new(PRIMARY, service.keys[0].clone());
        let verifier = service.with(keyring, namespace);
        service.nothing_opens(&verifier, &service.alice, RecordError::OtherAccount);
    }
}

#[test]
fn where_the_namespace_ends_and_the_account_begins_cannot_be_shifted() {
    let service = Service::new();
    let keyring = || Keyring::new(PRIMARY, service.keys[0].clone());
    for (namespace, account) in [("a", "lice"), ("alic", "e"), ("al", "ice")] {
        let account = AccountId::new(account).unwrap();
        let verifier = service.with(keyring(), namespace);
        service.nothing_opens(&verifier, &account, RecordError::OtherAccount);
    }
}

#[test]
fn a_record_opens_under_its_own_revision_only() {
    let service = Service::new();
    let mut life: Vec<StoredRecord> = vec![service.store.stored()];
    for code in &service.codes[1..] {
        let _receipt = service.verify(code).unwrap();
        life.push(service.store.stored());
    }
    for (written, record) in life.iter().enumerate() {
        for (at, revision) in life.iter().enumerate() {
            service.store.hand(&record.record, revision);
            if written == at {
                block_on(service.verifier.status(&service.alice)).unwrap();
            } else {
                let expected = RecordError::RevisionMismatch;
                service.nothing_opens(&service.verifier, &service.alice, expected);
            }
        }
    }
}
