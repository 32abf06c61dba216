use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_examples::write_record;
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, SqliteConnection};
use tokio::time::timeout;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A store that writes the record and the flag `users.enrolled` in one transaction, so that they
/// agree after a kill and with a second process.
///
/// The kind of the write decides the flag, because it comes from the verifier. The columns of the
/// row decide nothing: they are not authenticated, and an attacker who changes or deletes the row
/// does not use this store.
#[derive(Clone, Debug)]
pub(crate) struct AppStore {
    pub(crate) records: SqliteStore,
    pool: SqlitePool,
    /// Longer than the pool's `busy_timeout`, so that the store reports a database that stays
    /// locked.
    pub(crate) limit: Duration,
}

impl AppStore {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self {
            records: SqliteStore::new(pool.clone()),
            pool,
            limit: Duration::from_secs(5),
        }
    }

    pub(crate) async fn create_table(&self) -> Result<(), countersign_sqlx::Error> {
        self.records.create_table().await
    }

    async fn write(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        // The outermost transaction, on a separate connection, so that no caller can roll it back.
        let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = transaction.map_err(explained)?;
        if write_record(&mut transaction, account, write).await? == 0 {
            transaction.rollback().await?;
            return Ok(WriteResult::Stale);
        }
        if let (Some(enrolled), Ok(user)) = (
            enrolled_after(write.kind()),
            account.as_str().parse::<i64>(),
        ) {
            sqlx::query("UPDATE users SET enrolled = ?1 WHERE id = ?2")
                .bind(enrolled)
                .bind(user)
                .execute(&mut *transaction)
                .await?;
        }
        // A failed attempt is committed too: a failure that is rolled back is a free guess.
        transaction.commit().await?;
        Ok(WriteResult::Done)
    }
}

impl Store for AppStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        Ok(self.records.load(account).await?)
    }

    /// If the future is dropped or times out, the transaction is rolled back or committed as a
    /// whole. The verifier finds out which.
    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        timeout(self.limit, async {
            let mut connection = self.pool.acquire().await?;
            self.write(&mut connection, account, write).await
        })
        .await?
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

/// Turns the error of a database that stays locked into the error of countersign-sqlx.
fn explained(error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(|error| error.code());
    if code.is_some_and(|code| code == SQLITE_BUSY) {
        return countersign_sqlx::Error::Locked(error).into();
    }
    error.into()
}

const SQLITE_BUSY: &str = "5";
