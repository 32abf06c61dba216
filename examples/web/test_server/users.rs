//! Creates many users with a second factor, for the load test.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use clap::{Args, ValueEnum};
use countersign::runtime::{Clock, SystemClock};
use countersign::store::BoxStore;
use countersign::testing::{ManualClock, Phone};
use countersign::{AccountId, EnrollmentRequest, Keyring, Proof, Timestamp, Verifier};
use countersign_web::{BoxError, Database, SERVICE};
use tokio::task::JoinSet;

#[derive(Args)]
pub(crate) struct TestUsers {
    /// The number of users with a second factor: user1@example.com and so on.
    #[arg(
        long = "users",
        value_name = "NUMBER",
        requires = "keys",
        default_value_t = 0
    )]
    number: u32,
    /// The file for the secrets of their authenticator apps, in base32, one per line.
    #[arg(long, value_name = "PATH")]
    keys: Option<PathBuf>,
    /// The hash of their passwords, which are all "correct horse battery".
    #[arg(long, value_enum, default_value_t = Hash::Argon2id)]
    password_hash: Hash,
}

#[derive(Clone, Copy, ValueEnum)]
enum Hash {
    /// The hash of the service.
    Argon2id,
    /// The cheapest Argon2id, to measure the rest of a sign-in.
    Cheap,
}

/// Adds these users to the database. They enabled 2FA some time ago.
pub(crate) async fn create(
    users: &TestUsers,
    database: &Database,
    keyring: Keyring,
) -> Result<(), BoxError> {
    let Some(keys) = &users.keys else {
        return Ok(());
    };
    let hash = users.password_hash.hash()?;
    let past = SystemClock
        .now()
        .as_unix()
        .saturating_sub(LONG_AGO.as_secs());
    let past = ManualClock::at(Timestamp::from_unix(past));
    let verifier = Verifier::builder(database.store()?, keyring, SERVICE)
        .clock(past.clone())
        .build()?;
    let mut created = Vec::new();
    let mut tasks = JoinSet::new();
    let mut numbers = 1..=users.number;
    loop {
        // Creates nearly as many users at a time as the database has connections.
        while tasks.len() < AT_ONCE
            && let Some(number) = numbers.next()
        {
            let (database, hash) = (database.clone(), hash.clone());
            let (verifier, now) = (verifier.clone(), past.now());
            tasks.spawn(async move {
                let email = format!("user{number}@example.com");
                let account = add(&database, &email, &hash).await?;
                Ok::<_, BoxError>((number, enable(&verifier, &account, &email, now).await?))
            });
        }
        let Some(one) = tasks.join_next().await else {
            break;
        };
        created.push(one??);
    }
    created.sort_unstable();
    let lines: Vec<String> = created.into_iter().map(|(_, key)| key).collect();
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
        Database::Postgres { pool, .. } => {
            sqlx::query_scalar(sql)
                .bind(email)
                .bind(hash)
                .fetch_one(pool)
                .await?
        }
    };
    Ok(id.into())
}

/// Enables 2FA, and returns the secret of the app.
async fn enable(
    verifier: &Verifier<BoxStore>,
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

impl Hash {
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
/// Longer than the window, so that a code from that time is outside the window.
const LONG_AGO: Duration = Duration::from_secs(10 * 60);
