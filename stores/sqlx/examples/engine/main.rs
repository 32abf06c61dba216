//! The same service on any database, chosen at start-up.
//!
//! ```text
//! cargo run -p countersign-sqlx --all-features --example engine -- --url sqlite:accounts.db
//! cargo run -p countersign-sqlx --all-features --example engine -- --url postgres://postgres@127.0.0.1/postgres
//! cargo run -p countersign-sqlx --all-features --example engine -- --url mysql://root@127.0.0.1/test
//! ```
//!
//! It creates the table `countersign` if it is missing. It enrolls, uses and erases a new account
//! with a random id, so you can run it on a database that is in use.

mod database;

use std::env;
use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use countersign::runtime::{Clock, RandomSource, SystemClock, SystemRandom};
use countersign::store::BoxStore;
use countersign::testing::Phone;
use countersign::{
    AccountId, Actor, Denied, EnrollmentRequest, FirstFactor, KeyId, Keyring, Proof, Rejection,
    SealingKey, Status, Verifier,
};

use crate::database::Database;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let Err(error) = run().await else {
        return Ok(ExitCode::SUCCESS);
    };
    write!(stderr(), "error: {error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(stderr(), ": {error}")?;
        cause = error.source();
    }
    writeln!(stderr())?;
    Ok(ExitCode::FAILURE)
}

async fn run() -> Result<()> {
    let database = Database::open(&url()?).await?;
    writeln!(stdout(), "{}, with the table\n", database.name)?;
    writeln!(stdout(), "{}\n", database.schema)?;
    let account = random_account()?;
    let used = enroll_and_log_in(database.store.clone(), &account).await;
    let erased = erase(database.store, &account).await;
    used.and(erased)
}

fn url() -> Result<String> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [option, url] if option == "--url" => Ok(url.clone()),
        _ => Err("choose a database: --url sqlite:PATH, postgres://... or mysql://...".into()),
    }
}

/// This part is the same for every database.
async fn enroll_and_log_in(store: BoxStore, account: &AccountId) -> Result<()> {
    // A service loads its key from its secrets.
    let key = SealingKey::generate()?;
    let keyring = Keyring::new(KeyId::new(1), key.clone());
    let verifier = Verifier::builder(store.clone(), keyring, "Example").build()?;

    let phone = enroll(&verifier, account).await?;

    // The confirmation used up the current passcode. The next one is valid half a minute early.
    let passcode = phone.passcode(SystemClock.now().saturating_add(30));
    let receipt = verifier.verify(account, &passcode).await?;
    writeln!(stdout(), "Logged in with {passcode}, at {}.", receipt.at())?;
    match verifier.verify(account, &passcode).await {
        Err(Denied::Rejected(Rejection::Replayed)) => {
            writeln!(stdout(), "{passcode} again: rejected, because it was used.")?;
        }
        other => return Err(format!("a used passcode gave {other:?}").into()),
    }
    show(&verifier, account).await?;

    // To change the key: encrypt with the new key, and keep the old one to decrypt.
    let keyring = Keyring::new(KeyId::new(2), SealingKey::generate()?);
    let keyring = keyring.with_retired(KeyId::new(1), key)?;
    let verifier = Verifier::builder(store, keyring, "Example").build()?;
    let resealed = verifier.reseal(account).await?;
    writeln!(stdout(), "Re-encrypted with key 2: {resealed:?}.")?;
    show(&verifier, account).await
}

async fn enroll(verifier: &Verifier<BoxStore>, account: &AccountId) -> Result<Phone> {
    // Your application has just checked the password.
    let password_checked_at = SystemClock.now();
    let enrollment = verifier
        .begin_enrollment(
            account,
            EnrollmentRequest::new("somebody@example.com"),
            Proof::Password {
                checked_at: password_checked_at,
            },
        )
        .await?;
    // Stands for the user's phone and the code that the user types.
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
    let typed = phone.passcode(SystemClock.now());
    let receipt = verifier
        .confirm_enrollment(account, enrollment.id(), &typed)
        .await?;
    let proof = Proof::Reauthenticated {
        first_factor: FirstFactor::password(password_checked_at),
        receipt: &verifier.seal_receipt(&receipt),
    };
    let codes = verifier.issue_backup_codes(account, proof).await?;
    writeln!(
        stdout(),
        "Account {account} is enrolled, and has {} backup codes.",
        codes.len()
    )?;
    Ok(phone)
}

async fn show(verifier: &Verifier<BoxStore>, account: &AccountId) -> Result<()> {
    match verifier.status(account).await? {
        Status::Enabled(enabled) => writeln!(
            stdout(),
            "Status: {} authenticator, {} backup codes left, {:?}.",
            enabled.authenticators.len(),
            enabled.backup_codes.map_or(0, |codes| codes.remaining),
            enabled.rate_limit
        )?,
        other => writeln!(stdout(), "Status: {other:?}.")?,
    }
    Ok(())
}

/// To erase an account, the verifier does not decrypt its record.
async fn erase(store: BoxStore, account: &AccountId) -> Result<()> {
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let verifier = Verifier::builder(store, keyring, "Example").build()?;
    let actor = Actor::new("this example", "its account is not needed any more")?;
    verifier.erase(account, &actor).await?;
    writeln!(stdout(), "Account {account} is erased.")?;
    show(&verifier, account).await
}

/// A random id that no account of a service has.
fn random_account() -> Result<AccountId> {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes)?;
    Ok(AccountId::from_uuid_bytes(bytes))
}
