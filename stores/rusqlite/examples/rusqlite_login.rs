//! A second factor in a SQLite file: enrolled, used, and rejected when the same passcode comes
//! again.
//!
//! ```text
//! cargo run -p countersign-rusqlite --example rusqlite_login -- accounts.db
//! ```
//!
//! It creates the file and the table `countersign` if they are missing, and erases the account at
//! the end.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Actor, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
};
use countersign_rusqlite::SqliteStore;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [path] = &arguments[..] else {
        eprintln!("give the path of a database, such as accounts.db");
        return ExitCode::from(2);
    };
    match run(path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(path: &str) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(path)?;
    store.create_table().await?;

    // A service loads its key from its secrets, and uses the system clock. This clock needs no
    // waiting.
    let keyring = Keyring::new(KeyId::new(1), SealingKey::generate()?);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let clock = ManualClock::at(Timestamp::from_unix(now.as_secs()));
    let verifier = Verifier::builder(store, keyring, "Example")
        .clock(clock.clone())
        .build()?;
    let alice = AccountId::new(format!("example-{}", now.as_nanos()))?;

    // The password has just been checked. A real phone scans the QR code; this one reads the key
    // URI.
    let proof = Proof::Password {
        checked_at: clock.now(),
    };
    let request = EnrollmentRequest::new("alice@example.com");
    let enrollment = verifier.begin_enrollment(&alice, request, proof).await?;
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
    let passcode = phone.passcode(clock.now());
    let receipt = verifier
        .confirm_enrollment(&alice, enrollment.id(), &passcode)
        .await?;
    println!("{} is enrolled", receipt.account());

    clock.advance(Duration::from_secs(30));
    let passcode = phone.passcode(clock.now());
    let receipt = verifier.verify(&alice, &passcode).await?;
    println!("{} logs in", receipt.account());
    match verifier.verify(&alice, &passcode).await {
        Ok(_) => return Err("the passcode was accepted twice".into()),
        Err(denied) => println!("the same passcode again: {denied}"),
    }

    let actor = Actor::new("this example", "its account is not needed any more")?;
    verifier.erase(&alice, &actor).await?;
    println!("{alice} is erased");
    Ok(())
}
