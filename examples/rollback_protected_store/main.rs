//! Stores records in one database and their revisions in another. An attacker with write access to
//! the records cannot restore an older one.
//!
//! ```text
//! cargo run --example rollback_protected_store
//! ```
//!
//! The store is in `store.rs`; `tests/rollback_protected_store.rs` runs the conformance tests on
//! it. This program uses a backup code, restores the record from before, and tries to use the code
//! again.

mod store;

use std::error::Error;
use std::io::{Write, stdout};

use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;
use countersign::{
    AccountId, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, SealingKey, Verifier,
    blocking,
};

use crate::store::RollbackProtectedStore;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let (records, revisions) = ("records.redb", "revisions.redb");
    let store = RollbackProtectedStore::open(
        &directory.path().join(records),
        &directory.path().join(revisions),
    )?;
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let adapter = blocking::Adapter::new(store.clone());
    let verifier = Verifier::builder(adapter, keyring, "Example").build_blocking()?;
    let alice = AccountId::new("alice")?;

    let now = SystemClock.now();
    let request = EnrollmentRequest::new("alice@example.com");
    let password = Proof::Password { checked_at: now };
    let enrollment = verifier.begin_enrollment(&alice, request, password)?;
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
    let receipt = verifier.confirm_enrollment(&alice, enrollment.id(), &phone.passcode(now))?;
    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(now),
        receipt: &verifier.seal_receipt(&receipt),
    };
    let codes = verifier.issue_backup_codes(&alice, proof)?;
    let code = codes.iter().next().ok_or("no code")?;

    let before = current(&store, &alice)?;
    let _receipt = verifier.verify(&alice, code)?;
    writeln!(stdout(), "the backup code is accepted")?;

    store.put(&alice, before.revision.as_i64(), Some(&before.record))?;
    report(
        "the old record is restored under its own revision",
        verifier.verify(&alice, code),
    )?;
    // That attempt was counted, in a new record.
    let after = current(&store, &alice)?;
    store.put(&alice, after.revision.as_i64(), Some(&before.record))?;
    report(
        "the old record is restored under the current revision",
        verifier.verify(&alice, code),
    )?;
    store.put(&alice, after.revision.as_i64(), None)?;
    report("the record is removed", verifier.verify(&alice, code))
}

fn current(
    store: &RollbackProtectedStore,
    account: &AccountId,
) -> Result<countersign::store::StoredRecord, Box<dyn Error>> {
    Ok(blocking::Store::load(store, account)?.ok_or("the account is gone")?)
}

fn report(
    what: &str,
    outcome: Result<countersign::Receipt, countersign::Denied>,
) -> Result<(), Box<dyn Error>> {
    let Err(denied) = outcome else {
        return Err(format!("{what}: the used code was accepted").into());
    };
    match denied.source() {
        Some(source) => writeln!(stdout(), "{what}: {denied}: {source}")?,
        None => writeln!(stdout(), "{what}: {denied}")?,
    }
    Ok(())
}
