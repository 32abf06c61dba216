//! The service's own table of users: passwords, and whether sign-in asks for a second factor.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use countersign::{AccountId, EnrollmentId};
use sqlx::sqlite::SqlitePool;
use tokio::task::spawn_blocking;

use crate::terminal::Stop;

/// `enrolled` is the service's own flag for a second factor, so that nobody signs in if the record
/// is missing or too old: see [`crate::sign_in`]. Only [`AppStore`](crate::store::AppStore) changes
/// the flag, by what the verifier wrote. The trigger is from an earlier version of this program. It
/// copied the column `enabled`, so an attacker with write access to that column could clear the
/// flag.
///
/// `enrollment` is the id of the pending enrollment. A service keeps it in the session; here it
/// must survive the process.
///
/// The ids have AUTOINCREMENT, because an account id of countersign must never be used again.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    enrolled INTEGER NOT NULL DEFAULT 0,
    enrollment TEXT
) STRICT;
DROP TRIGGER IF EXISTS enrolled;";

pub(crate) struct Users {
    pool: SqlitePool,
    /// The hash that a password is compared with if there is no such user, so that both cases take
    /// the same time.
    dummy_hash: String,
}

/// A user whose password was checked.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
}

impl User {
    /// The account id for countersign: the number, because a name can change.
    pub(crate) fn account(&self) -> AccountId {
        self.id.into()
    }
}

impl Users {
    pub(crate) async fn open(
        pool: SqlitePool,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        let dummy_hash = hash("nobody".into()).await?;
        Ok(Self { pool, dummy_hash })
    }

    /// Closes the database. Without this call nothing is lost.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Adds a user, or `None` if the name is taken.
    pub(crate) async fn add(&self, name: &str, password: String) -> Result<Option<User>, Stop> {
        let hash = hash(password).await.map_err(Stop::Failed)?;
        let added = sqlx::query(
            "INSERT INTO users (name, password_hash) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(hash)
        .execute(&self.pool)
        .await?;
        Ok((added.rows_affected() == 1).then(|| User {
            id: added.last_insert_rowid(),
            name: name.to_owned(),
        }))
    }

    pub(crate) async fn exists(&self, name: &str) -> Result<bool, Stop> {
        let query = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE name = ?1)");
        Ok(query.bind(name).fetch_one(&self.pool).await?)
    }

    /// Returns the user if the password is correct. A service also limits the number of attempts.
    pub(crate) async fn check(&self, name: &str, password: String) -> Result<Option<User>, Stop> {
        let query = sqlx::query_as("SELECT id, password_hash FROM users WHERE name = ?1");
        let row: Option<(i64, String)> = query.bind(name).fetch_optional(&self.pool).await?;
        let (id, hash) = match row {
            Some((id, hash)) => (Some(id), hash),
            None => (None, self.dummy_hash.clone()),
        };
        let correct = spawn_blocking(move || {
            let hash = PasswordHash::new(&hash)?;
            Ok::<_, argon2::password_hash::phc::Error>(
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok(),
            )
        })
        .await??;
        Ok(id.filter(|_| correct).map(|id| User {
            id,
            name: name.to_owned(),
        }))
    }

    pub(crate) async fn is_enrolled(&self, user: &User) -> Result<bool, Stop> {
        let query = sqlx::query_scalar("SELECT enrolled FROM users WHERE id = ?1");
        Ok(query.bind(user.id).fetch_one(&self.pool).await?)
    }

    /// The id of the latest enrollment, if it was not confirmed.
    pub(crate) async fn enrollment(&self, user: &User) -> Result<Option<EnrollmentId>, Stop> {
        let query = sqlx::query_scalar("SELECT enrollment FROM users WHERE id = ?1");
        let id: Option<String> = query.bind(user.id).fetch_one(&self.pool).await?;
        Ok(id.map(|id| id.parse()).transpose()?)
    }

    pub(crate) async fn set_enrollment(
        &self,
        user: &User,
        id: Option<EnrollmentId>,
    ) -> Result<(), Stop> {
        sqlx::query("UPDATE users SET enrollment = ?2 WHERE id = ?1")
            .bind(user.id)
            .bind(id.map(String::from))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The local date, from SQLite.
    pub(crate) async fn today(&self) -> Result<String, Stop> {
        let query = sqlx::query_scalar("SELECT date('now', 'localtime')");
        Ok(query.fetch_one(&self.pool).await?)
    }
}

/// Argon2id with 19 MiB, two passes and a random salt, on a thread that may block.
async fn hash(password: String) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let hash =
        spawn_blocking(move || Argon2::default().hash_password(password.as_bytes())).await??;
    Ok(hash.to_string())
}
