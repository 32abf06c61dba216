//! The store of the example `rollback_protected_store`: the conformance tests, and an attacker who
//! restores records.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "../rollback_protected_store/store.rs"]
mod store;

use countersign::backup::Argon2Params;
use countersign::conformance::{Effort, Harness};
use countersign::record::RecordError;
use countersign::store::StoredRecord;
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring, Policy, Proof, Rejection,
    SealingKey, Timestamp, Verifier, VerifierError, blocking,
};
use store::RollbackProtectedStore;
use tempfile::TempDir;

struct Databases {
    store: RollbackProtectedStore,
    _directory: TempDir,
}

impl Default for Databases {
    fn default() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        let store = RollbackProtectedStore::open(&path("records"), &path("revisions")).unwrap();
        Self {
            store,
            _directory: directory,
        }
    }
}

impl Harness for Databases {
    type Store = blocking::Adapter<RollbackProtectedStore>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.store.clone())
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(100)
    }
}

countersign::conformance_tests!(Databases::default());

fn load(store: &RollbackProtectedStore, account: &AccountId) -> StoredRecord {
    blocking::Store::load(store, account).unwrap().unwrap()
}

#[test]
fn a_restored_record_undoes_nothing() {
    let databases = Databases::default();
    let store = &databases.store;
    let clock = ManualClock::at(Timestamp::from_unix(1_800_000_000));
    let hash = Argon2Params::new(8, 1, 1).unwrap();
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate().unwrap());
    let verifier = Verifier::builder(databases.open(), keyring, "Example")
        .policy(Policy::builder().code_hash(hash).build().unwrap())
        .clock(clock.clone())
        .build_blocking()
        .unwrap();
    let alice = AccountId::new("alice").unwrap();
    let mut history = vec![];
    let mut keep = || history.push(load(store, &alice));

    let request = EnrollmentRequest::new("alice@example.com");
    let checked_at = clock.now();
    let enrollment = verifier
        .begin_enrollment(&alice, request, Proof::Password { checked_at })
        .unwrap();
    keep();
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap();
    let passcode = phone.passcode(clock.now());
    let receipt = verifier
        .confirm_enrollment(&alice, enrollment.id(), &passcode)
        .unwrap();
    keep();
    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(checked_at),
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
    // The attacker restores older records under their own revisions. The store reads none of them.
    let current = history.pop().unwrap();
    for older in &history {
        put(older, Some(older));
    }
    assert_eq!(load(store, &alice), current);
    for older in &history {
        // The attacker restores an older record under the current revision.
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
        "a removed record must be an error"
    );
    put(&current, Some(&current));
    let _receipt = verifier.verify(&alice, &codes[3]).unwrap();
}
