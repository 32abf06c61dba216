use std::time::Duration;

use countersign::AccountId;

use crate::BoxError;
use crate::clock::SharedClock;
use crate::database::{Database, on};
use crate::passwords::Passwords;
use crate::store::INSERT_SIGN_IN;
use crate::{events, token};

/// The users of the service: their table, passwords and sign-ins.
pub(crate) struct Users {
    database: Database,
    passwords: Passwords,
    clock: SharedClock,
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

/// The result of a password check.
pub(crate) enum Checked {
    Correct(User),
    Wrong,
    /// Too many passwords were tried for this address, whether or not it has an account.
    TooMany {
        retry_after: Duration,
    },
}

impl Users {
    pub(crate) const fn new(database: Database, passwords: Passwords, clock: SharedClock) -> Self {
        Self {
            database,
            passwords,
            clock,
        }
    }

    pub(crate) async fn by_id(&self, id: i64) -> Result<Option<User>, BoxError> {
        let sql = "SELECT id, email, enrolled FROM users WHERE id = $1";
        let row: Option<(i64, String, bool)> = on!(&self.database, |pool| {
            sqlx::query_as(sql).bind(id).fetch_optional(pool).await?
        });
        Ok(row.map(user))
    }

    pub(crate) async fn by_email(&self, email: &str) -> Result<Option<User>, BoxError> {
        let sql = "SELECT id, email, enrolled FROM users WHERE email = $1";
        let row: Option<(i64, String, bool)> = on!(&self.database, |pool| {
            sqlx::query_as(sql).bind(email).fetch_optional(pool).await?
        });
        Ok(row.map(user))
    }

    /// Adds a user, or returns `None` if the address is taken.
    pub(crate) async fn add(
        &self,
        email: &str,
        password: String,
    ) -> Result<Option<User>, BoxError> {
        let hash = self.passwords.hash(password).await?;
        let sql = "INSERT INTO users (email, password_hash, created_at) VALUES ($1, $2, $3) \
            ON CONFLICT (email) DO NOTHING RETURNING id, email, enrolled";
        let now = self.clock.seconds();
        let row: Option<(i64, String, bool)> = on!(&self.database, |pool| {
            let query = sqlx::query_as(sql).bind(email).bind(hash).bind(now);
            query.fetch_optional(pool).await?
        });
        Ok(row.map(user))
    }

    /// Returns the user if the password is correct. A try is counted before the check. A try for an
    /// unknown address is counted too, and takes the same time.
    pub(crate) async fn check(&self, email: &str, password: String) -> Result<Checked, BoxError> {
        if let Some(retry_after) = self.count_try(email).await? {
            return Ok(Checked::TooMany { retry_after });
        }
        let sql = "SELECT id, email, enrolled, password_hash FROM users WHERE email = $1";
        let row: Option<(i64, String, bool, String)> = on!(&self.database, |pool| {
            sqlx::query_as(sql).bind(email).fetch_optional(pool).await?
        });
        let (row, hash) = match row {
            Some((id, email, enrolled, hash)) => (Some((id, email, enrolled)), Some(hash)),
            None => (None, None),
        };
        let correct = self.passwords.matches(hash, password).await?;
        let Some(found) = row.filter(|_| correct) else {
            return Ok(Checked::Wrong);
        };
        on!(&self.database, |pool| {
            let query = sqlx::query("DELETE FROM password_tries WHERE name = $1");
            query.bind(tries_of(email)).execute(pool).await?;
        });
        Ok(Checked::Correct(user(found)))
    }

    /// Counts a try, and returns the time to wait if there were too many.
    async fn count_try(&self, email: &str) -> Result<Option<Duration>, BoxError> {
        let now = self.clock.seconds();
        let begin = now.saturating_sub(TRIES_SPAN);
        let (tries, begun_at): (i64, i64) = on!(&self.database, |pool| {
            let query = sqlx::query_as(COUNT_TRY).bind(tries_of(email));
            query.bind(now).bind(begin).fetch_one(pool).await?
        });
        let left = begun_at.saturating_sub(begin).max(1);
        Ok((tries > TRIES).then(|| Duration::from_secs(u64::try_from(left).unwrap_or_default())))
    }

    /// Signs a user in with a password alone, and returns the id of the sign-in; `None` if a second
    /// factor was enabled meanwhile. With a second factor, the store inserts the sign-in with the
    /// accepted code.
    pub(crate) async fn sign_in_by_password(
        &self,
        user: &User,
    ) -> Result<Option<String>, BoxError> {
        let (id, now) = (token::new()?, self.clock.seconds());
        on!(&self.database, |pool| {
            let mut transaction = pool.begin_with(self.database.begin()).await?;
            // Locks the user's row. So a second factor is enabled either before this statement or
            // after this transaction. If it is enabled after, it ends this sign-in.
            let query = sqlx::query(LOCK_IF_NOT_ENROLLED).bind(user.id);
            if query.execute(&mut *transaction).await?.rows_affected() == 0 {
                transaction.rollback().await?;
                return Ok(None);
            }
            let query = sqlx::query(INSERT_SIGN_IN)
                .bind(&id)
                .bind(user.id)
                .bind(now);
            query.execute(&mut *transaction).await?;
            let query = sqlx::query(events::INSERT).bind(user.account().as_str().to_owned());
            let query = query.bind(now).bind(events::PASSWORD_SIGN_IN);
            query
                .bind(None::<String>)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        });
        Ok(Some(id))
    }

    /// Returns the user of a sign-in that is neither idle nor too old. This call counts as a use.
    pub(crate) async fn signed_in(&self, sign_in: &str) -> Result<Option<User>, BoxError> {
        let now = self.clock.seconds();
        let (idle, old) = (now.saturating_sub(IDLE), now.saturating_sub(OLDEST));
        let row: Option<(i64, String, bool, i64)> = on!(&self.database, |pool| {
            let query = sqlx::query_as(SIGNED_IN).bind(sign_in).bind(idle).bind(old);
            query.fetch_optional(pool).await?
        });
        let Some((id, email, enrolled, seen_at)) = row else {
            return Ok(None);
        };
        if now.saturating_sub(seen_at) >= SEEN_EVERY {
            on!(&self.database, |pool| {
                let query = sqlx::query("UPDATE sign_ins SET seen_at = $1 WHERE id = $2");
                query.bind(now).bind(sign_in).execute(pool).await?;
            });
        }
        Ok(Some(user((id, email, enrolled))))
    }

    pub(crate) async fn sign_out(&self, sign_in: &str) -> Result<(), BoxError> {
        on!(&self.database, |pool| {
            let query = sqlx::query("DELETE FROM sign_ins WHERE id = $1");
            query.bind(sign_in).execute(pool).await?;
        });
        Ok(())
    }

    /// Creates a token for a form that may be sent once.
    pub(crate) async fn offer_once(&self, sign_in: &str) -> Result<String, BoxError> {
        let once = token::new()?;
        on!(&self.database, |pool| {
            let query = sqlx::query("UPDATE sign_ins SET once = $1 WHERE id = $2");
            query.bind(&once).bind(sign_in).execute(pool).await?;
        });
        Ok(once)
    }

    /// Uses the token of a form that may be sent once, and returns whether this is the first use.
    pub(crate) async fn take_once(&self, sign_in: &str, once: &str) -> Result<bool, BoxError> {
        let sql = "UPDATE sign_ins SET once = NULL WHERE id = $1 AND once = $2";
        let taken = on!(&self.database, |pool| {
            let query = sqlx::query(sql).bind(sign_in).bind(once);
            query.execute(pool).await?.rows_affected()
        });
        Ok(taken == 1)
    }

    /// Deletes expired rows.
    pub(crate) async fn purge(&self) -> Result<(), BoxError> {
        let now = self.clock.seconds();
        on!(&self.database, |pool| {
            let idle = now.saturating_sub(IDLE);
            let query = sqlx::query("DELETE FROM sign_ins WHERE seen_at <= $1");
            query.bind(idle).execute(pool).await?;
            let span = now.saturating_sub(TRIES_SPAN);
            let query = sqlx::query("DELETE FROM password_tries WHERE begun_at <= $1");
            query.bind(span).execute(pool).await?;
            let query = sqlx::query("DELETE FROM sign_ups WHERE expires_at <= $1");
            query.bind(now).execute(pool).await?;
        });
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

/// Stores a hash instead of the address, because people also type passwords into that field.
fn tries_of(email: &str) -> String {
    token::hash(email.as_bytes())
}

const COUNT_TRY: &str = "INSERT INTO password_tries (name, tries, begun_at) VALUES ($1, 1, $2) \
    ON CONFLICT (name) DO UPDATE SET \
    tries = CASE WHEN password_tries.begun_at <= $3 THEN 1 ELSE password_tries.tries + 1 END, \
    begun_at = CASE WHEN password_tries.begun_at <= $3 THEN $2 ELSE password_tries.begun_at END \
    RETURNING tries, begun_at";
const LOCK_IF_NOT_ENROLLED: &str =
    "UPDATE users SET enrolled = enrolled WHERE id = $1 AND NOT enrolled";
const SIGNED_IN: &str = "SELECT users.id, users.email, users.enrolled, sign_ins.seen_at \
    FROM sign_ins JOIN users ON users.id = sign_ins.user_id \
    WHERE sign_ins.id = $1 AND sign_ins.seen_at > $2 AND sign_ins.begun_at > $3";

/// The most password tries for one address within [`TRIES_SPAN`].
const TRIES: i64 = 10;
const TRIES_SPAN: i64 = 15 * 60;
/// A sign-in ends after half an hour without use, and after 12 hours in any case.
const IDLE: i64 = 30 * 60;
const OLDEST: i64 = 12 * 60 * 60;
/// The precision of the last use, in seconds.
const SEEN_EVERY: i64 = 60;
