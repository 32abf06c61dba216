use std::time::Duration;

use countersign::AccountId;
use countersign::blocking::Store;
use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteKind, WriteResult};
use countersign_rusqlite::blocking::SqliteStore;
use countersign_rusqlite::{Connections, OneConnection};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

/// How long a call waits for the connection.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A store that writes the record and the flag `users.enrolled` in one transaction, so that they
/// agree after a kill and with a second process.
///
/// The kind of the write decides the flag, because it comes from the verifier. The columns of the
/// row decide nothing: they are not authenticated, and an attacker who changes or deletes the row
/// does not use this store.
#[derive(Clone, Debug)]
pub struct AppStore {
    records: SqliteStore<OneConnection>,
    connection: OneConnection,
    limit: Duration,
}

impl AppStore {
    /// Takes a connection with the settings of [`countersign_rusqlite::configure`].
    #[must_use]
    pub fn new(connection: OneConnection) -> Self {
        Self {
            records: SqliteStore::new(connection.clone()),
            connection,
            limit: TIME_LIMIT,
        }
    }

    /// Sets how long a call waits for the connection. Default: [`TIME_LIMIT`].
    #[must_use]
    pub fn with_timeout(self, limit: Duration) -> Self {
        Self {
            records: self.records.with_timeout(limit),
            limit,
            ..self
        }
    }

    /// Creates the table of the records if it is missing.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn create_table(&self) -> Result<(), countersign_rusqlite::Error> {
        self.records.create_table()
    }
}

impl Store for AppStore {
    type Error = Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        Ok(self.records.load(account)?)
    }

    /// A failed attempt is committed too: a failure that is rolled back is a free guess.
    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        let mut connection = self.connection.connection(self.limit)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        // Without a commit, the transaction is rolled back.
        let transaction = transaction.map_err(explained)?;
        if write_record(&transaction, account, write)? == 0 {
            return Ok(WriteResult::Stale);
        }
        if let (Some(enrolled), Ok(user)) = (
            enrolled_after(write.kind()),
            account.as_str().parse::<i64>(),
        ) {
            let update = "UPDATE users SET enrolled = ?1 WHERE id = ?2";
            transaction.execute(update, (enrolled, user))?;
        }
        transaction.commit()?;
        Ok(WriteResult::Done)
    }
}

/// Returns the number of rows that the write changed. Zero means that another client was first.
fn write_record(
    connection: &Connection,
    account: &AccountId,
    write: ConditionalWrite<'_>,
) -> rusqlite::Result<usize> {
    let (account, new) = (account.as_str(), write.revision().as_i64());
    let (expected, summary) = (write.expected().map(Revision::as_i64), write.summary());
    let (enabled, codes_left, key) = (summary.enabled, summary.codes_left, summary.key.get());
    match (write.record(), expected) {
        (Some(record), None) => connection.execute(
            "INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (account) DO NOTHING",
            params![account, new, record, enabled, codes_left, key],
        ),
        (Some(record), Some(_)) => connection.execute(
            "UPDATE countersign
             SET revision = ?2, record = ?3, enabled = ?4, codes_left = ?5, key_id = ?6
             WHERE account = ?1 AND revision = ?7",
            params![account, new, record, enabled, codes_left, key, expected],
        ),
        (None, _) => connection.execute(
            "DELETE FROM countersign WHERE account = ?1 AND revision = ?2",
            params![account, expected],
        ),
    }
}

/// The new value of the flag, or `None` if the flag stays.
const fn enrolled_after(kind: WriteKind) -> Option<bool> {
    match kind {
        WriteKind::Enrolled => Some(true),
        WriteKind::Disabled => Some(false),
        _ => None,
    }
}

/// Turns the error of a database that stays locked into the error of countersign-rusqlite.
fn explained(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => countersign_rusqlite::Error::Locked(error).into(),
        _ => error.into(),
    }
}
