use std::fmt;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{
    BoxStore, ConditionalWrite, Revision, Store, StoredRecord, WriteKind, WriteResult,
};
use tokio::time::timeout;

use crate::clock::SharedClock;
use crate::database::{Database, on};
use crate::{BoxError, events};

/// A store that writes the application's own rows in the same transaction as the record. These are
/// the flag `enrolled`, an event, and the sign-in of an accepted code. A change of the factor also
/// ends all other sign-ins. Even if the process is killed, all of these rows are stored or none.
#[derive(Clone)]
pub struct AppStore {
    records: BoxStore,
    database: Database,
    clock: SharedClock,
    sign_in: Option<NewSignIn>,
    kept: Option<String>,
    remark: Option<String>,
}

/// The sign-in that an accepted code creates. Do not send its id before the verifier has returned
/// the receipt.
#[derive(Clone, Debug)]
pub(crate) struct NewSignIn {
    pub(crate) id: String,
    pub(crate) user: i64,
}

impl AppStore {
    /// Creates a store on this database. The clock is for the log of events.
    #[must_use]
    pub fn new(database: Database, clock: SharedClock) -> Self {
        Self {
            records: database.records(),
            database,
            clock,
            sign_in: None,
            kept: None,
            remark: None,
        }
    }

    /// The store of one request, which inserts this sign-in with an accepted code.
    pub(crate) fn with_sign_in(&self, sign_in: NewSignIn) -> Self {
        Self {
            sign_in: Some(sign_in),
            ..self.clone()
        }
    }

    /// The store of one request, which keeps this sign-in when a change of the factor ends the
    /// others.
    pub(crate) fn keeping(&self, sign_in: String) -> Self {
        Self {
            kept: Some(sign_in),
            ..self.clone()
        }
    }

    /// The store of one request, which adds this remark to its events.
    pub(crate) fn with_remark(&self, remark: String) -> Self {
        Self {
            remark: Some(remark),
            ..self.clone()
        }
    }

    async fn write(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, BoxError> {
        let (revision, summary) = (write.revision().as_i64(), write.summary());
        let (codes_left, key) = (i64::from(summary.codes_left), i64::from(summary.key.get()));
        let expected = write.expected().map(Revision::as_i64);
        on!(&self.database, |pool| {
            // The outermost transaction, on a separate connection, so that no caller can roll it
            // back.
            let mut transaction = pool.begin_with(self.database.begin()).await?;
            let query = match (write.record(), expected) {
                (Some(record), None) => sqlx::query(CREATE)
                    .bind(account.as_str())
                    .bind(revision)
                    .bind(record)
                    .bind(summary.enabled)
                    .bind(codes_left)
                    .bind(key),
                (Some(record), Some(expected)) => sqlx::query(REPLACE)
                    .bind(account.as_str())
                    .bind(revision)
                    .bind(record)
                    .bind(summary.enabled)
                    .bind(codes_left)
                    .bind(key)
                    .bind(expected),
                (None, expected) => sqlx::query(ERASE).bind(account.as_str()).bind(expected),
            };
            if query.execute(&mut *transaction).await?.rows_affected() == 0 {
                // Another write was first. Nothing may be written now.
                transaction.rollback().await?;
                return Ok(WriteResult::Stale);
            }
            if let (Some(enrolled), Some(user)) = (enrolled_after(write.kind()), user(account)) {
                sqlx::query("UPDATE users SET enrolled = $1 WHERE id = $2")
                    .bind(enrolled)
                    .bind(user)
                    .execute(&mut *transaction)
                    .await?;
            }
            if let (true, Some(user)) = (changes_the_factor(write.kind()), user(account)) {
                sqlx::query("DELETE FROM sign_ins WHERE user_id = $1 AND id <> $2")
                    .bind(user)
                    .bind(self.kept.as_deref().unwrap_or_default())
                    .execute(&mut *transaction)
                    .await?;
            }
            if let Some(what) = events::of_write(write.kind()) {
                // A failed attempt is committed too: a failure that is rolled back is a free guess.
                sqlx::query(events::INSERT)
                    .bind(account.as_str())
                    .bind(self.clock.seconds())
                    .bind(what)
                    .bind(&self.remark)
                    .execute(&mut *transaction)
                    .await?;
            }
            if let (WriteKind::Accepted, Some(sign_in)) = (write.kind(), &self.sign_in) {
                sqlx::query(INSERT_SIGN_IN)
                    .bind(&sign_in.id)
                    .bind(sign_in.user)
                    .bind(self.clock.seconds())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
        });
        Ok(WriteResult::Done)
    }
}

impl Store for AppStore {
    type Error = BoxError;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, BoxError> {
        self.records.load(account).await
    }

    /// After a timeout, the transaction is rolled back or committed as a whole. The verifier finds
    /// out which.
    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, BoxError> {
        match timeout(LIMIT, self.write(account, write)).await? {
            // PostgreSQL rolled back because of a concurrent change: the verifier loads the record
            // and checks again.
            Err(error) if is_conflict(&error) => Ok(WriteResult::Stale),
            result => result,
        }
    }
}

impl fmt::Debug for AppStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppStore").finish_non_exhaustive()
    }
}

/// The new value of the flag `enrolled`. An attacker who deletes or restores a row does not use
/// this store, so the flag stays set and nobody signs in.
const fn enrolled_after(kind: WriteKind) -> Option<bool> {
    match kind {
        WriteKind::Enrolled => Some(true),
        WriteKind::Disabled => Some(false),
        _ => None,
    }
}

/// Whether this kind of write ends the other sign-ins, which used the earlier second factor.
const fn changes_the_factor(kind: WriteKind) -> bool {
    matches!(
        kind,
        WriteKind::Enrolled | WriteKind::Removed | WriteKind::Disabled
    )
}

/// The id of the user, which is also the account id.
fn user(account: &AccountId) -> Option<i64> {
    account.as_str().parse().ok()
}

fn is_conflict(error: &BoxError) -> bool {
    error
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .and_then(|error| error.code())
        .is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}

const CREATE: &str = "INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account) DO NOTHING";
const REPLACE: &str = "UPDATE countersign \
    SET revision = $2, record = $3, enabled = $4, codes_left = $5, key_id = $6 \
    WHERE account = $1 AND revision = $7";
const ERASE: &str = "DELETE FROM countersign WHERE account = $1 AND revision = $2";
pub(crate) const INSERT_SIGN_IN: &str =
    "INSERT INTO sign_ins (id, user_id, begun_at, seen_at) VALUES ($1, $2, $3, $3)";

/// Longer than SQLite's `busy_timeout` and the wait for a connection, so that their errors are
/// reported.
const LIMIT: Duration = Duration::from_secs(5);
