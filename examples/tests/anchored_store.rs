//! The store of the example `anchored_store`: the conformance suite, and somebody who can write to its records.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "../anchored_store/store.rs"]
mod store;

use countersign::backup::Argon2Params;
use countersign::conformance::Harness;
use countersign::record::RecordError;
use countersign::store::StoredRecord;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Rejection, SealingKey,
    Timestamp, Verifier, VerifierError, blocking,
};
use store::AnchoredStore;
use tempfile::TempDir;

struct Databases {
    store: AnchoredStore,
    _folder: TempDir,
}

impl Default for Databases {
    fn default() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name| folder.path().join(name);
        let store = AnchoredStore::open(&path("records"), &path("revisions")).unwrap();
        Self {
            store,
            _folder: folder,
        }
    }
}

impl Harness for Databases {
    type Store = blocking::Adapter<AnchoredStore>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.store.clone())
    }
}

countersign::conformance_tests!(Databases::default());

fn load(store: &AnchoredStore, account: &AccountId) -> StoredRecord {
    blocking::Store::load(store, account).unwrap().unwrap()
}

#[test]
fn nothing_that_was_answered_can_be_taken_back() {
    let databases = Databases::default();
    let store = &databases.store;
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let digest = Argon2Params::new(8, 1, 1).unwrap();
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let verifier = Verifier::builder(databases.open(), keyring, "Example")
        .policy(Policy::builder().code_hash(digest).build().unwrap())
        .clock(clock.clone())
        .build_blocking()
        .unwrap();
    let alice = AccountId::new("alice").unwrap();
    let mut life = vec![];
    let mut keep = || life.push(load(store, &alice));

    let request = EnrollmentRequest::new("alice@example.com");
    let checked_at = clock.now();
    let begun = verifier
        .begin_enrollment(&alice, request, Proof::Password { checked_at })
        .unwrap();
    keep();
    let phone = Phone::scan(begun.key_uri().to_secret_text().expose()).unwrap();
    let passcode = phone.passcode(clock.now());
    let receipt = verifier
        .confirm_enrollment(&alice, begun.id(), &passcode)
        .unwrap();
    keep();
    let proof = Proof::Reauthenticated {
        password_checked_at: checked_at,
        receipt: &verifier.seal_receipt(&receipt),
    };
    let codes = verifier.issue_backup_codes(&alice, proof).unwrap();
    let codes: Vec<String> = codes.iter().map(String::from).collect();
    keep();
    for code in &codes[..2] {
        let _receipt = verifier.verify(&alice, code).unwrap();
        keep();
    }
    for _ in 0..3 {
        let outcome = verifier.verify(&alice, "00000000");
        assert!(matches!(
            outcome,
            Err(Denied::Rejected(Rejection::WrongCode))
        ));
        keep();
    }

    let put = |revision: &StoredRecord, record: Option<&StoredRecord>| {
        let record = record.map(|stored| &stored.record[..]);
        store
            .put(&alice, revision.revision.as_i64(), record)
            .unwrap();
    };
    // As they were: nobody looks for them.
    let current = life.pop().unwrap();
    for older in &life {
        put(older, Some(older));
    }
    assert_eq!(load(store, &alice), current);
    for older in &life {
        // In the place of the current one.
        put(&current, Some(older));
        for code in &codes {
            let outcome = verifier.verify(&alice, code);
            let Err(Denied::Failed(VerifierError::Record(error))) = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(error, RecordError::RevisionMismatch);
        }
    }
    put(&current, None);
    let outcome = verifier.verify(&alice, &codes[3]);
    assert!(
        matches!(outcome, Err(Denied::Failed(VerifierError::Store(_)))),
        "never absent"
    );
    put(&current, Some(&current));
    let _receipt = verifier.verify(&alice, &codes[3]).unwrap();
}
