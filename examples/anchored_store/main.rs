//! Records in one database, their revisions in another, and somebody who can write to the first.
//!
//! ```text
//! cargo run --example anchored_store
//! ```
//!
//! The store is `store.rs`; its tests run the conformance suite on it (`tests/anchored_store.rs`). This program uses a
//! backup code, puts the record from before back, and tries to use it again.

mod store;

use std::error::Error;
use std::io::{Write, stdout};

use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;
use countersign::{
    AccountId, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Verifier, blocking,
};

use crate::store::AnchoredStore;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (records, revisions) = ("records.redb", "revisions.redb");
    let store = AnchoredStore::open(&folder.path().join(records), &folder.path().join(revisions))?;
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let adapter = blocking::Adapter::new(store.clone());
    let verifier = Verifier::builder(adapter, keyring, "Example").build_blocking()?;
    let alice = AccountId::new("alice")?;

    let now = SystemClock.now();
    let request = EnrollmentRequest::new("alice@example.com");
    let password = Proof::Password { checked_at: now };
    let begun = verifier.begin_enrollment(&alice, request, password)?;
    let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
    let receipt = verifier.confirm_enrollment(&alice, begun.id(), &phone.passcode(now))?;
    let proof = Proof::Reauthenticated {
        password_checked_at: now,
        receipt: &verifier.seal_receipt(&receipt),
    };
    let codes = verifier.issue_backup_codes(&alice, proof)?;
    let code = codes.iter().next().ok_or("no code")?;

    let before = current(&store, &alice)?;
    let _receipt = verifier.verify(&alice, code)?;
    writeln!(stdout(), "a backup code is used: signed in")?;

    store.put(&alice, before.revision.as_i64(), Some(&before.record))?;
    report(
        "its old record is put back, as it was",
        verifier.verify(&alice, code),
    )?;
    // The attempt has been counted, in a record of its own.
    let after = current(&store, &alice)?;
    store.put(&alice, after.revision.as_i64(), Some(&before.record))?;
    report(
        "its old record is put in the place of the new one",
        verifier.verify(&alice, code),
    )?;
    store.put(&alice, after.revision.as_i64(), None)?;
    report("its record is removed", verifier.verify(&alice, code))
}

fn current(
    store: &AnchoredStore,
    account: &AccountId,
) -> Result<countersign::store::StoredRecord, Box<dyn Error>> {
    Ok(blocking::Store::load(store, account)?.ok_or("the account is gone")?)
}

fn report(
    what: &str,
    outcome: Result<countersign::Receipt, countersign::Denied>,
) -> Result<(), Box<dyn Error>> {
    let Err(denied) = outcome else {
        return Err(format!("{what}: signed in with a used code").into());
    };
    match denied.source() {
        Some(source) => writeln!(stdout(), "{what}: {denied}: {source}")?,
        None => writeln!(stdout(), "{what}: {denied}")?,
    }
    Ok(())
}
