use std::error::Error;
use std::time::Duration;

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Revision, Store, StoredRecord, WriteKind, WriteResult};
use countersign_sqlx::{AccountColumn, PostgresStore};
use sqlx::PgPool;

/// Stores the records, and keeps the flag `enrolled` of the users in step with them.
#[derive(Clone)]
pub struct FlagStore {
    pub records: PostgresStore,
    pool: PgPool,
}

impl FlagStore {
    pub fn new(pool: PgPool) -> Self {
        let records = PostgresStore::new(pool.clone());
        let records = records.with_account_column(AccountColumn::BigInt);
        Self { records, pool }
    }
}

impl Store for FlagStore {
    type Error = Box<dyn Error + Send + Sync>;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        Ok(self.records.load(account).await?)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let enrolled = match write.kind() {
            WriteKind::Enrolled => true,
            WriteKind::Disabled => false,
            _ => return Ok(self.records.compare_and_swap(account, write).await?),
        };
        let (user, summary): (i64, _) = (account.as_str().parse()?, write.summary());
        let written = sqlx::query_scalar(WRITE_WITH_FLAG)
            .bind(user)
            .bind(write.revision().as_i64())
            .bind(write.record())
            .bind(summary.enabled)
            .bind(i64::from(summary.codes_left))
            .bind(i64::from(summary.key.get()))
            .bind(write.expected().map(Revision::as_i64))
            .bind(enrolled)
            .fetch_one(&self.pool);
        let written: i64 = tokio::time::timeout(Duration::from_secs(5), written).await??;
        Ok(if written == 1 { WriteResult::Done } else { WriteResult::Stale })
    }
}

/// One statement, so record and flag are committed together or not at all.
const WRITE_WITH_FLAG: &str = "
    WITH created AS (
        INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id)
        SELECT $1, $2, $3, $4, $5, $6 WHERE $7 IS NULL
        ON CONFLICT (account) DO NOTHING
        RETURNING account
    ), replaced AS (
        UPDATE countersign SET revision = $2, record = $3, enabled = $4, codes_left = $5, key_id = $6
        WHERE account = $1 AND revision = $7
        RETURNING account
    ), written AS (
        SELECT account FROM created UNION ALL SELECT account FROM replaced
    ), flagged AS (
        UPDATE users SET enrolled = $8 FROM written WHERE users.id = written.account
    )
    SELECT count(*) FROM written";
