//! A second factor in PostgreSQL, on a pool of deadpool: enrolled, used, and rejected when the same
//! passcode comes again.
//!
//! ```text
//! cargo run -p countersign-postgres --features deadpool --example postgres_login -- \
//!     postgres://postgres@127.0.0.1/postgres
//! ```
//!
//! With the option `--pooler`, it prepares no statements, as a pooler in transaction mode needs. It
//! creates the table `countersign` if it is missing, and erases the account at the end.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Actor, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
};
use countersign_postgres::PostgresStore;
use deadpool_postgres::{Manager, Pool};
use tokio_postgres::NoTls;

#[tokio::main]
async fn main() -> ExitCode {
    let (options, urls): (Vec<_>, Vec<_>) = env::args()
        .skip(1)
        .partition(|argument| argument == "--pooler");
    let [url] = &urls[..] else {
        eprintln!("give the URL of a database, such as postgres://postgres@127.0.0.1/postgres");
        return ExitCode::from(2);
    };
    match run(url, !options.is_empty()).await {
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

async fn run(url: &str, behind_pooler: bool) -> Result<(), Box<dyn Error>> {
    let pool = Pool::builder(Manager::new(url.parse()?, NoTls)).build()?;
    let mut store = PostgresStore::new(pool);
    if behind_pooler {
        store = store.behind_pooler();
    }
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
