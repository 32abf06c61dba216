//! A store for one request: what the verifier writes and what the host writes are one SQL transaction.

use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use countersign_examples::write_record;
use countersign_sqlx::SqliteStore;
use sqlx::sqlite::SqlitePool;
use sqlx::{Connection, SqliteConnection};
use tokio::time::timeout;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A session that stands in its table if and only if the login was accepted.
///
/// Its token is nobody's until the verifier has returned the receipt. (A service keeps a digest of the token.)
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    /// What the browser is to get.
    pub(crate) token: String,
}

/// The store of one request. Cheap: make one for each login, with `Verifier::with_store`.
#[derive(Clone, Debug)]
pub(crate) struct RequestStore {
    records: SqliteStore,
    pool: SqlitePool,
    session: Option<NewSession>,
    before_commit: fn(WriteKind),
    after_commit: fn(WriteKind),
}

impl RequestStore {
    /// A store that inserts this session, if there is one, together with an accepted attempt.
    pub(crate) fn new(pool: SqlitePool, session: Option<NewSession>) -> Self {
        Self {
            records: SqliteStore::new(pool.clone()),
            pool,
            session,
            before_commit: |_| (),
            after_commit: |_| (),
        }
    }

    /// Calls these around every commit: to show what a crash leaves behind.
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

    /// Creates the tables, countersign's and the host's.
    pub(crate) async fn create_tables(&self) -> Result<(), Error> {
        self.records.create_table().await?;
        sqlx::raw_sql(HOST_TABLES).execute(&self.pool).await?;
        Ok(())
    }

    async fn swap(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        // One that takes the write lock at once. It is the outermost, on a connection of its own: nobody else can roll it
        // back.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let rows = write_record(&mut transaction, account, swap).await?;
        if rows == 0 {
            // Somebody was first, or this very swap had landed before. Nothing was written, and nothing may be.
            transaction.rollback().await?;
            return Ok(WriteResult::Stale);
        }
        // Also a wrong attempt is committed, with its line in the log: a failure that is rolled back is a free guess.
        sqlx::query("INSERT INTO audit (account, event) VALUES (?1, ?2)")
            .bind(account.as_str())
            .bind(format!("{:?}", swap.kind()))
            .execute(&mut *transaction)
            .await?;
        if let (WriteKind::Accepted, Some(session)) = (swap.kind(), &self.session) {
            sqlx::query("INSERT INTO sessions (token, account) VALUES (?1, ?2)")
                .bind(&session.token)
                .bind(account.as_str())
                .execute(&mut *transaction)
                .await?;
        }
        (self.before_commit)(swap.kind());
        transaction.commit().await?;
        (self.after_commit)(swap.kind());
        Ok(WriteResult::Done)
    }
}

impl Store for RequestStore {
    type Error = Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Error> {
        Ok(self.records.load(account).await?)
    }

    /// If the future is dropped or its time is up, the transaction is rolled back, or a commit that is under way lands:
    /// whole, either way. The verifier finds out which.
    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Error> {
        timeout(LIMIT, async {
            let mut connection = self.pool.acquire().await?;
            self.swap(&mut connection, account, swap).await
        })
        .await?
    }
}

/// Longer than the pool's `busy_timeout`, so that a database that stays locked says so.
const LIMIT: Duration = Duration::from_secs(5);

const HOST_TABLES: &str = "
CREATE TABLE IF NOT EXISTS sessions (
    token TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;";
