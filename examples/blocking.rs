//! Enrollment and login without futures or a runtime, on a blocking database: redb, with the store
//! of `custom_store`.
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
    AcceptedBy, AccountId, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof,
    Rejection, SealingKey, Status,
};

use crate::redb_store::RedbStore;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map(Into::into);
    let store = RedbStore::open(&path.unwrap_or_else(|| directory.path().join("accounts.redb")))?;

    // A service loads its key from its secret store: without the key, nothing can be decrypted
    // after a restart.
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let verifier = Verifier::builder(store, keyring, "Example").build_blocking()?;

    // The id of the account in your own table. It is new in each run, so that a database can be
    // used again.
    let account = AccountId::from(SystemClock.now().as_unix());
    assert_absent(&verifier.status(&account)?)?;

    // Your application has just checked the password, and the user enables a second factor.
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
        "Scan this QR code:\n{}",
        enrollment.key_uri().qr_for_terminal()?.terminal().expose()
    )?;

    // Stands for the user's phone.
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;

    let code = phone.passcode(SystemClock.now());
    let receipt = verifier.confirm_enrollment(&account, enrollment.id(), &code)?;
    writeln!(stdout(), "Confirmed with {code}: the second factor is on.")?;

    let codes = verifier.issue_backup_codes(
        &account,
        Proof::Reauthenticated {
            first_factor: FirstFactor::password(password_checked_at),
            receipt: &verifier.seal_receipt(&receipt),
        },
    )?;
    writeln!(stdout(), "{} backup codes are issued.", codes.len())?;

    // The passcode that confirmed the enrollment cannot log in. The passcode of the next time step
    // can, half a minute early.
    match verifier.verify(&account, &code) {
        Err(Denied::Rejected(Rejection::Replayed)) => {
            writeln!(stdout(), "Refused {code}: it was used already.")?;
        }
        other => return Err(format!("a used passcode returned {other:?}").into()),
    }
    let code = phone.passcode(SystemClock.now().saturating_add(30));
    let receipt = verifier.verify(&account, &code)?;
    writeln!(stdout(), "Logged in with {code}, at {}.", receipt.at())?;

    // Without the phone, the user types a backup code into the same field.
    let backup_code = codes.iter().next().ok_or("there are no codes")?;
    let receipt = verifier.verify(&account, backup_code)?;
    if let AcceptedBy::BackupCode {
        number, remaining, ..
    } = receipt.accepted_by()
    {
        writeln!(
            stdout(),
            "Logged in with backup code {number}; {remaining} are left."
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
