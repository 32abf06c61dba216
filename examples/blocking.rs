//! From enrollment to login without a future or a runtime, on a database that blocks: redb, by the store of
//! `custom_store`.
//!
//! ```text
//! cargo run --example blocking [DATABASE]
//! ```

mod redb_store;

use std::error::Error;
use std::io::{Write, stdout};

use countersign::blocking::Verifier;
use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;
use countersign::{
    AcceptedBy, AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Proof, Rejection, SealingKey,
    Status,
};

use crate::redb_store::RedbStore;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map(Into::into);
    let store = RedbStore::open(&path.unwrap_or_else(|| folder.path().join("accounts.redb")))?;

    // A service reads its key from where it keeps its secrets, or nothing opens after a restart.
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let verifier = Verifier::builder(store, keyring, "Example").build_blocking()?;

    // The id of the account in the host's own table. A new one for each run, so that a database can be used again.
    let account = AccountId::from(SystemClock.now().as_unix());
    assert_absent(&verifier.status(&account)?)?;

    // The host has just checked the password, and the owner asks for a second factor.
    let password_checked_at = SystemClock.now();
    let enrollment = verifier.begin_enrollment(
        &account,
        EnrollmentRequest::new("alice@example.com"),
        Proof::Password {
            checked_at: password_checked_at,
        },
    )?;
    writeln!(
        stdout(),
        "Scan this:\n{}",
        enrollment.key_uri().qr_for_terminal()?.terminal().expose()
    )?;

    // In the place of the owner's phone.
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;

    let typed = phone.passcode(SystemClock.now());
    let receipt = verifier.confirm_enrollment(&account, enrollment.id(), &typed)?;
    writeln!(stdout(), "Confirmed with {typed}: the second factor is on.")?;

    let codes = verifier.issue_backup_codes(
        &account,
        Proof::Reauthenticated {
            password_checked_at,
            receipt: &verifier.seal_receipt(&receipt),
        },
    )?;
    writeln!(stdout(), "{} backup codes are made.", codes.len())?;

    // The passcode of the confirmation cannot log in; that of the next step can, half a minute early.
    match verifier.verify(&account, &typed) {
        Err(Denied::Rejected(Rejection::Replayed)) => {
            writeln!(stdout(), "{typed} again: refused, it is used up.")?;
        }
        other => return Err(format!("a used passcode gave {other:?}").into()),
    }
    let typed = phone.passcode(SystemClock.now().saturating_add(30));
    let receipt = verifier.verify(&account, &typed)?;
    writeln!(stdout(), "Logged in with {typed}, at {}.", receipt.at())?;

    // The phone is lost: the same field takes a backup code.
    let code = codes.iter().next().ok_or("there are no codes")?;
    let receipt = verifier.verify(&account, code)?;
    if let AcceptedBy::BackupCode {
        number, remaining, ..
    } = receipt.accepted_by()
    {
        writeln!(
            stdout(),
            "Logged in with backup code {number}, {remaining} are left."
        )?;
    }
    Ok(())
}

fn assert_absent(status: &Status) -> Result<(), Box<dyn Error>> {
    match status {
        Status::Absent => Ok(()),
        other => Err(format!("the account is not new: {other:?}").into()),
    }
}
