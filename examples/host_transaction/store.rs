//! A store for one request: the verifier's write and the application's writes are one SQL
//! transaction. The session and the event of the write are rows of the application.

use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_examples::write_record;
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, SqliteConnection};
use tokio::time::timeout;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A session, which is stored if and only if the login was accepted.
///
/// Do not send its token before the verifier has returned the receipt. (A service stores a hash of
/// the token.)
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    /// The value of the cookie.
    pub(crate) token: String,
}

/// The store of one request. It is cheap: create one for each login, with `Verifier::with_store`.
#[derive(Clone, Debug)]
pub(crate) struct RequestStore {
    pub(crate) records: SqliteStore,
    pool: SqlitePool,
    session: Option<NewSession>,
    /// Longer than the pool's `busy_timeout`, so that the store reports a database that stays
    /// locked.
    pub(crate) limit: Duration,
    before_commit: fn(WriteKind),
    after_commit: fn(WriteKind),
}

impl RequestStore {
    /// A store that inserts this session, if there is one, with an accepted code.
    pub(crate) fn new(pool: SqlitePool, session: Option<NewSession>) -> Self {
        Self {
            records: SqliteStore::new(pool.clone()),
            pool,
            session,
            limit: Duration::from_secs(5),
            before_commit: |_| (),
            after_commit: |_| (),
        }
    }

    /// Calls these functions before and after every commit, to show what a crash leaves behind.
    pub(crate) fn with_hooks(
        self,
        before_commit: fn(WriteKind),
        after_commit: fn(WriteKind),
    ) -> Self {
        Self {
            before_commit,
            after_commit,
            ..self
        }
    }

    /// Creates countersign's table and the tables of the application.
    pub(crate) async fn create_tables(&self) -> Result<(), Error> {
        self.records.create_table().await?;
        sqlx::raw_sql(TABLES).execute(&self.pool).await?;
        Ok(())
    }

    async fn write(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        // This transaction takes the write lock at once. It is the outermost, on a separate
        // connection, so that no caller can roll it back.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let rows = write_record(&mut transaction, account, write).await?;
        if rows == 0 {
            // Another write was first, or this write was applied before. Nothing may be written
            // now.
            transaction.rollback().await?;
            return Ok(WriteResult::Stale);
        }
        // The outbox. Only a write that is done comes here, and a write that is sent again finds
        // another revision. So each event is inserted once. A failed attempt is committed too, with
        // its event: a failure that is rolled back is a free guess.
        if let Some(event) = write.event() {
            sqlx::query("INSERT INTO outbox (account, revision, event) VALUES (?1, ?2, ?3)")
                .bind(account.as_str())
                .bind(write.revision().as_i64())
                .bind(serde_json::to_string(event)?)
                .execute(&mut *transaction)
                .await?;
        }
        if let (WriteKind::Accepted, Some(session)) = (write.kind(), &self.session) {
            sqlx::query("INSERT INTO sessions (token, account) VALUES (?1, ?2)")
                .bind(&session.token)
                .bind(account.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        (self.before_commit)(write.kind());
        transaction.commit().await?;
        (self.after_commit)(write.kind());
        Ok(WriteResult::Done)
    }
}

impl Store for RequestStore {
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

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS sessions (
    token TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    revision INTEGER NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (account, revision)
) STRICT;";
