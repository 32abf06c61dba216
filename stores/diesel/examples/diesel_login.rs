//! A second factor in SQLite, on a pool of diesel-async: each accepted passcode and its session are
//! written in one transaction.
//!
//! ```text
//! cargo run -p countersign-diesel --features deadpool,sqlite --example diesel_login -- accounts.db
//! ```
//!
//! It creates the tables `countersign` and `sessions` if they are missing, and erases the account
//! at the end.

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign::testing::{ManualClock, Phone};
use countersign::{
    AccountId, Actor, EnrollmentRequest, KeyId, Keyring, Proof, SealingKey, Timestamp, Verifier,
};
use countersign_diesel::{DieselStore, sqlite_manager};
use diesel::prelude::*;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use schema::sessions;

#[allow(missing_docs, reason = "the macro writes none")]
mod schema {
    diesel::table! {
        sessions (token) {
            token -> Text,
            account -> Text,
        }
    }
}

type Sqlite = SyncConnectionWrapper<SqliteConnection>;

/// The store of one sign-in. It writes the session together with the accepted passcode.
struct SignIn {
    store: DieselStore<Pool<Sqlite>>,
    token: String,
}

impl Store for SignIn {
    type Error = countersign_diesel::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        // `RunQueryDsl` has a method of this name for every type.
        Store::load(&self.store, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        if write.kind() != WriteKind::Accepted {
            return self.store.compare_and_swap(account, write).await;
        }
        let session = (
            sessions::token.eq(self.token.clone()),
            sessions::account.eq(account.to_string()),
        );
        self.store
            .compare_and_swap_with(account, write, |connection| {
                Box::pin(async move {
                    let insert = diesel::insert_into(sessions::table).values(session);
                    insert.execute(connection).await?;
                    Ok(())
                })
            })
            .await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let paths: Vec<_> = env::args().skip(1).collect();
    let [path] = &paths[..] else {
        eprintln!("give the path of a SQLite file, such as accounts.db");
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
    let pool = Pool::builder(sqlite_manager(path)).build()?;
    let store = DieselStore::new(pool.clone());
    store.create_table().await?;
    let schema = "CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, account TEXT)";
    pool.get().await?.batch_execute(schema).await?;

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
    for attempt in 1..=2 {
        // A service takes a random token.
        let token = format!("{alice}-{attempt}");
        let store = verifier.store().clone();
        let sign_in = verifier.with_store(SignIn { store, token });
        match sign_in.verify(&alice, &passcode).await {
            Ok(receipt) => println!("{} logs in", receipt.account()),
            Err(denied) => println!("the same passcode again: {denied}"),
        }
    }
    let tokens: Vec<String> = sessions::table
        .filter(sessions::account.eq(alice.to_string()))
        .select(sessions::token)
        .load(&mut pool.get().await?)
        .await?;
    println!("its sessions: {}", tokens.join(", "));
    if tokens.len() != 1 {
        return Err("a passcode was accepted once, so there must be one session".into());
    }

    let actor = Actor::new("this example", "its account is not needed any more")?;
    verifier.erase(&alice, &actor).await?;
    println!("{alice} is erased");
    Ok(())
}
