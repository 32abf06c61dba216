use std::sync::Arc;
use std::time::Duration;

use countersign::AccountId;
use countersign::runtime::Clock;
use countersign_axum::PasswordCheck;

use crate::BoxError;
use crate::database::{Database, execute, query};
use crate::passwords::Passwords;
use crate::token;

/// The users of the service: their table and passwords. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Users {
    pub(crate) database: Database,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A user.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) email: String,
    /// The service's own flag for a second factor, so that nobody signs in if the record is lost.
    pub(crate) enrolled: bool,
}

impl User {
    /// The account id for countersign: the number, because an address can change.
    pub(crate) fn account(&self) -> AccountId {
        self.id.into()
    }
}

impl Users {
    /// The time in seconds, for a database column.
    pub(crate) fn now(&self) -> i64 {
        i64::try_from(self.clock.now().as_unix()).unwrap_or(i64::MAX)
    }

    pub(crate) async fn by_account(&self, account: &AccountId) -> Result<Option<User>, BoxError> {
        self.by_id(account.as_str().parse()?).await
    }

    pub(crate) async fn by_id(&self, id: i64) -> Result<Option<User>, BoxError> {
        let sql = "SELECT id, email, enrolled FROM users WHERE id = $1";
        Ok(query!(fetch_optional, &self.database, sql, id)?.map(user))
    }

    pub(crate) async fn by_email(&self, email: &str) -> Result<Option<User>, BoxError> {
        let sql = "SELECT id, email, enrolled FROM users WHERE email = $1";
        Ok(query!(fetch_optional, &self.database, sql, email)?.map(user))
    }

    /// Adds a user, or returns `None` if the address is taken.
    pub(crate) async fn add(
        &self,
        email: &str,
        password: String,
    ) -> Result<Option<User>, BoxError> {
        let (hash, now) = (self.passwords.hash(password).await?, self.now());
        let sql = "INSERT INTO users (email, password_hash, created_at) VALUES ($1, $2, $3) \
            ON CONFLICT (email) DO NOTHING RETURNING id, email, enrolled";
        Ok(query!(fetch_optional, &self.database, sql, email, hash, now)?.map(user))
    }

    /// Returns the user if the password is correct. A try is counted before the check. A try for an
    /// unknown address is counted too, and takes the same time.
    pub(crate) async fn check(
        &self,
        email: &str,
        password: String,
    ) -> Result<Result<User, PasswordCheck>, BoxError> {
        if let Some(retry_after) = self.count_try(email).await? {
            return Ok(Err(PasswordCheck::TooMany { retry_after }));
        }
        let sql = "SELECT id, email, enrolled, password_hash FROM users WHERE email = $1";
        let row: Option<(i64, String, bool, String)> =
            query!(fetch_optional, &self.database, sql, email)?;
        let found = row.map(|(id, email, enrolled, hash)| (user((id, email, enrolled)), hash));
        let (user, hash) = found.unzip();
        if !self.passwords.matches(hash, password).await? {
            return Ok(Err(PasswordCheck::Wrong));
        }
        let sql = "DELETE FROM password_tries WHERE name = $1";
        execute!(&self.database, sql, tries_of(email))?;
        Ok(user.ok_or(PasswordCheck::Wrong))
    }

    /// Counts a try, and returns the time to wait if there were too many.
    async fn count_try(&self, email: &str) -> Result<Option<Duration>, BoxError> {
        let now = self.now();
        let begin = now.saturating_sub(TRIES_SPAN);
        let (database, name) = (&self.database, tries_of(email));
        let (tries, begun_at): (i64, i64) =
            query!(fetch_one, database, COUNT_TRY, name, now, begin)?;
        let left = begun_at.saturating_sub(begin).max(1);
        Ok((tries > TRIES).then(|| Duration::from_secs(u64::try_from(left).unwrap_or_default())))
    }

    /// Deletes expired rows.
    pub(crate) async fn purge(&self) -> Result<(), BoxError> {
        let now = self.now();
        let sql = "DELETE FROM password_tries WHERE begun_at <= $1";
        execute!(&self.database, sql, now.saturating_sub(TRIES_SPAN))?;
        let sql = "DELETE FROM links WHERE expires_at <= $1";
        execute!(&self.database, sql, now)?;
        Ok(())
    }
}

fn user((id, email, enrolled): (i64, String, bool)) -> User {
    User {
        id,
        email,
        enrolled,
    }
}

/// The form in which addresses are stored. PostgreSQL takes no NUL in a text.
pub(crate) fn normal(email: &str) -> String {
    email.trim().to_ascii_lowercase().replace('\0', "")
}

/// Stores a hash instead of the address, because people also type passwords into that field.
fn tries_of(email: &str) -> String {
    token::hash(email)
}

const COUNT_TRY: &str = "INSERT INTO password_tries (name, tries, begun_at) VALUES ($1, 1, $2) \
    ON CONFLICT (name) DO UPDATE SET \
    tries = CASE WHEN password_tries.begun_at <= $3 THEN 1 ELSE password_tries.tries + 1 END, \
    begun_at = CASE WHEN password_tries.begun_at <= $3 THEN $2 ELSE password_tries.begun_at END \
    RETURNING tries, begun_at";

/// The most password tries for one address within [`TRIES_SPAN`].
const TRIES: i64 = 10;
const TRIES_SPAN: i64 = 15 * 60;
