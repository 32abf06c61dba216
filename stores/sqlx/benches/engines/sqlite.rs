use std::sync::Arc;

use countersign::AccountId;
use countersign_sqlx::SqliteStore;
use countersign_store_testing::Durability;
use countersign_store_testing::bench::{Engine, Error, REVISION, Table};
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tempfile::TempDir;

pub(crate) struct Sqlite {
    folder: Arc<TempDir>,
    durability: Durability,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    pool: SqlitePool,
    _folder: Arc<TempDir>,
}

impl Sqlite {
    /// A file for each table.
    async fn open(&self, name: &str) -> Result<SqlitePool, Error> {
        let options = SqliteStore::connect_options(self.folder.path().join(name));
        let options = match self.durability {
            Durability::Durable => options,
            Durability::Fast | Durability::Forgetful => options.synchronous(SqliteSynchronous::Off),
        };
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false);
        Ok(pool.connect_with(options).await?)
    }
}

impl Engine for Sqlite {
    type Table = Accounts;

    const NAME: &'static str = "sqlite";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let folder = Arc::new(tempfile::tempdir()?);
        Ok(Some(Self { folder, durability }))
    }

    async fn describe(&self) -> Result<String, Error> {
        let pool = self.open("empty.db").await?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&pool)
            .await?;
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&pool)
            .await?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&pool)
            .await?;
        Ok(format!(
            "SQLite {version}, journal_mode = {mode}, synchronous = {synchronous} (2: FULL), a pool of {CONNECTIONS}."
        ))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let pool = self.open(&format!("accounts-{rows}.db")).await?;
        SqliteStore::new(pool.clone()).create_table().await?;
        let fill = "WITH RECURSIVE numbers (number) AS \
             (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?2) \
             INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id) \
             SELECT CAST(number AS TEXT), ?3, ?1, 1, 10, 1 FROM numbers";
        let fill = sqlx::query(fill).bind(record).bind(rows).bind(REVISION);
        fill.execute(&pool).await?;
        Ok(Accounts {
            pool,
            _folder: Arc::clone(&self.folder),
        })
    }
}

impl Table for Accounts {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        SqliteStore::new(self.pool.clone())
    }

    async fn read(&self, account: &AccountId) -> Result<(i64, Vec<u8>), Error> {
        let select = sqlx::query("SELECT record, revision FROM countersign WHERE account = ?1")
            .bind(account.as_str());
        let row = select.fetch_one(&self.pool).await?;
        Ok((row.try_get(1)?, row.try_get(0)?))
    }

    async fn write(
        &self,
        account: &AccountId,
        expected: i64,
        revision: i64,
        record: &[u8],
    ) -> Result<bool, Error> {
        let update = "UPDATE countersign SET revision = ?2, record = ?3 WHERE account = ?1 AND revision = ?4";
        let update = sqlx::query(update)
            .bind(account.as_str())
            .bind(revision)
            .bind(record)
            .bind(expected);
        Ok(update.execute(&self.pool).await?.rows_affected() == 1)
    }

    async fn bytes(&self) -> Result<u64, Error> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.pool)
            .await?;
        let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let size: i64 = sqlx::query_scalar(size).fetch_one(&self.pool).await?;
        Ok(size.try_into()?)
    }
}

const CONNECTIONS: u32 = 4;
