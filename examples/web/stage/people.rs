//! Many people who have a second factor, for a test of load.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use clap::{Args, ValueEnum};
use countersign::runtime::{Clock, SystemClock};
use countersign::testing::{ManualClock, Phone};
use countersign::{AccountId, EnrollmentRequest, Keyring, Proof, Timestamp, Verifier};
use countersign_web::{BoxError, Database, HostStore, SERVICE, SharedClock};
use tokio::task::JoinSet;

#[derive(Args)]
pub(crate) struct People {
    /// So many people have a second factor: person1@example.com and so on.
    #[arg(
        long = "people",
        value_name = "NUMBER",
        requires = "keys",
        default_value_t = 0
    )]
    number: u32,
    /// Where to write the keys in their authenticator apps, in base32, a line each.
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
    /// What their passwords, all of them "correct horse battery", are digested with.
    #[arg(long, value_enum, default_value_t = Digest::Argon2id)]
    digest: Digest,
}

#[derive(Clone, Copy, ValueEnum)]
enum Digest {
    /// As the service does it.
    Argon2id,
    /// With the least that Argon2id allows, so that the rest of a sign-in can be measured.
    Cheap,
}

/// Gives the database these people, who enabled 2FA some time ago.
pub(crate) async fn settle(
    people: &People,
    database: &Database,
    keyring: Keyring,
) -> Result<(), BoxError> {
    let Some(keys) = &people.keys else {
        return Ok(());
    };
    let hash = people.digest.hash()?;
    let past = SystemClock
        .now()
        .as_unix()
        .saturating_sub(LONG_AGO.as_secs());
    let past = ManualClock::at(Timestamp::from_unix(past));
    let store = HostStore::new(database.clone(), SharedClock::new(past.clone()));
    let verifier = Verifier::builder(store, keyring, SERVICE)
        .clock(past.clone())
        .build()?;
    let mut settled = Vec::new();
    let mut tasks = JoinSet::new();
    let mut numbers = 1..=people.number;
    loop {
        // As many at a time as the database has connections, or nearly.
        while tasks.len() < AT_ONCE
            && let Some(number) = numbers.next()
        {
            let (database, hash) = (database.clone(), hash.clone());
            let (verifier, now) = (verifier.clone(), past.now());
            tasks.spawn(async move {
                let email = format!("person{number}@example.com");
                let account = add(&database, &email, &hash).await?;
                Ok::<_, BoxError>((number, enable(&verifier, &account, &email, now).await?))
            });
        }
        let Some(one) = tasks.join_next().await else {
            break;
        };
        settled.push(one??);
    }
    settled.sort_unstable();
    let lines: Vec<String> = settled.into_iter().map(|(_, key)| key).collect();
    Ok(fs::write(keys, lines.join("\n"))?)
}

async fn add(database: &Database, email: &str, hash: &str) -> Result<AccountId, BoxError> {
    let sql =
        "INSERT INTO users (email, password_hash, created_at) VALUES ($1, $2, 0) RETURNING id";
    let id: i64 = match database {
        Database::Sqlite(pool) => {
            sqlx::query_scalar(sql)
                .bind(email)
                .bind(hash)
                .fetch_one(pool)
                .await?
        }
        Database::Postgres(pool) => {
            sqlx::query_scalar(sql)
                .bind(email)
                .bind(hash)
                .fetch_one(pool)
                .await?
        }
    };
    Ok(id.into())
}

/// Enables 2FA, and gives the key in the app.
async fn enable(
    verifier: &Verifier<HostStore>,
    account: &AccountId,
    email: &str,
    now: Timestamp,
) -> Result<String, BoxError> {
    let request = EnrollmentRequest::new(email);
    let proof = Proof::Password { checked_at: now };
    let enrollment = verifier.begin_enrollment(account, request, proof).await?;
    let uri = enrollment.key_uri();
    let code = Phone::scan(uri.to_secret_text().expose())?.passcode(now);
    _ = verifier
        .confirm_enrollment(account, enrollment.id(), &code)
        .await?;
    Ok(uri.secret().to_base32().expose().to_owned())
}

impl Digest {
    fn hash(self) -> Result<String, BoxError> {
        let params = match self {
            Self::Argon2id => Params::DEFAULT,
            Self::Cheap => Params::new(Params::MIN_M_COST, Params::MIN_T_COST, 1, None)?,
        };
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(argon2.hash_password(PASSWORD.as_bytes())?.to_string())
    }
}

const PASSWORD: &str = "correct horse battery";
const AT_ONCE: usize = 16;
/// Longer than the window, so that no code that is right now was used then.
const LONG_AGO: Duration = Duration::from_secs(10 * 60);
