//! The service's own table of users: passwords, and whether sign-in asks for a second factor.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use countersign::{AccountId, EnrollmentId};
use countersign_login::TIME_LIMIT;
use countersign_rusqlite::{ConnectionGuard, Connections, NoConnection, OneConnection};
use rusqlite::OptionalExtension;

use crate::terminal::Stop;

/// `enrolled` is the service's own flag for a second factor, so that nobody signs in if the record
/// is missing or too old: see [`crate::sign_in`]. Only [`AppStore`](countersign_login::AppStore)
/// changes the flag, by what the verifier wrote. The trigger is from an earlier version of this
/// program. It copied the column `enabled`, so an attacker with write access to that column could
/// clear the flag.
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
    connection: OneConnection,
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
    pub(crate) fn open(
        connection: OneConnection,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        connection.connection(TIME_LIMIT)?.execute_batch(SCHEMA)?;
        let dummy_hash = hash("nobody")?;
        Ok(Self {
            connection,
            dummy_hash,
        })
    }

    /// The connection, when the store does not use it.
    fn connection(&self) -> Result<ConnectionGuard<'_>, NoConnection> {
        self.connection.connection(TIME_LIMIT)
    }

    /// Adds a user. Returns `None` if the name is taken.
    pub(crate) fn add(&self, name: &str, password: &str) -> Result<Option<User>, Stop> {
        let hash = hash(password)?;
        let connection = self.connection()?;
        let added = connection.execute(
            "INSERT INTO users (name, password_hash) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
            (name, hash),
        )?;
        Ok((added == 1).then(|| User {
            id: connection.last_insert_rowid(),
            name: name.to_owned(),
        }))
    }

    pub(crate) fn exists(&self, name: &str) -> Result<bool, Stop> {
        let query = "SELECT EXISTS (SELECT 1 FROM users WHERE name = ?1)";
        Ok(self
            .connection()?
            .query_one(query, [name], |row| row.get(0))?)
    }

    /// Returns the user if the password is correct. A service also limits the number of attempts.
    pub(crate) fn check(&self, name: &str, password: &str) -> Result<Option<User>, Stop> {
        let query = "SELECT id, password_hash FROM users WHERE name = ?1";
        let row: Option<(i64, String)> = self
            .connection()?
            .query_one(query, [name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (id, hash) = match row {
            Some((id, hash)) => (Some(id), hash),
            None => (None, self.dummy_hash.clone()),
        };
        let hash = PasswordHash::new(&hash)?;
        let correct = Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok();
        Ok(id.filter(|_| correct).map(|id| User {
            id,
            name: name.to_owned(),
        }))
    }

    pub(crate) fn is_enrolled(&self, user: &User) -> Result<bool, Stop> {
        let query = "SELECT enrolled FROM users WHERE id = ?1";
        Ok(self
            .connection()?
            .query_one(query, [user.id], |row| row.get(0))?)
    }

    /// The id of the latest enrollment, if it was not confirmed.
    pub(crate) fn enrollment(&self, user: &User) -> Result<Option<EnrollmentId>, Stop> {
        let query = "SELECT enrollment FROM users WHERE id = ?1";
        let id: Option<String> = self
            .connection()?
            .query_one(query, [user.id], |row| row.get(0))?;
        Ok(id.map(|id| id.parse()).transpose()?)
    }

    pub(crate) fn set_enrollment(&self, user: &User, id: Option<EnrollmentId>) -> Result<(), Stop> {
        self.connection()?.execute(
            "UPDATE users SET enrollment = ?2 WHERE id = ?1",
            (user.id, id.map(String::from)),
        )?;
        Ok(())
    }

    /// The local date, from SQLite.
    pub(crate) fn today(&self) -> Result<String, Stop> {
        let query = "SELECT date('now', 'localtime')";
        Ok(self.connection()?.query_one(query, [], |row| row.get(0))?)
    }
}

/// Argon2id with 19 MiB, two passes and a random salt.
fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    let hash = Argon2::default().hash_password(password.as_bytes())?;
    Ok(hash.to_string())
}
