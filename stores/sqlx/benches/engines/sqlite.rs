use std::sync::Arc;

use countersign::AccountId;
use countersign_sqlx::SqliteStore;
use countersign_store_testing::Durability;
use countersign_store_testing::bench::{Database, Error, REVISION, Table};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, SqlStr};
use tempfile::TempDir;

use crate::sql;

pub(crate) struct Sqlite {
    directory: Arc<TempDir>,
    durability: Durability,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    pool: SqlitePool,
    select: SqlStr,
    update: SqlStr,
    _directory: Arc<TempDir>,
}

impl Sqlite {
    /// Each table has a file of its own.
    async fn open(&self, name: &str) -> Result<SqlitePool, Error> {
        let options = SqliteStore::connect_options(self.directory.path().join(name));
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

impl Database for Sqlite {
    type Table = Accounts;

    const NAME: &'static str = "sqlite";

    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let directory = Arc::new(tempfile::tempdir()?);
        Ok(Some(Self {
            directory,
            durability,
        }))
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
            "SQLite {version}, journal_mode = {mode}, synchronous = {synchronous} (2: FULL), \
             a pool of {CONNECTIONS}."
        ))
    }

    async fn table(&self, rows: u32, record: &[u8]) -> Result<Accounts, Error> {
        let pool = self.open(&format!("accounts-{rows}.db")).await?;
        SqliteStore::new(pool.clone())
            .danger_without_server_check()
            .create_table()
            .await?;
        let fill = "WITH RECURSIVE numbers (number) AS \
             (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?2) \
             INSERT INTO countersign (account, revision, record, enabled, codes_left, key_id) \
             SELECT CAST(number AS TEXT), ?3, ?1, 1, 10, 1 FROM numbers";
        let fill = sqlx::query(fill).bind(record).bind(rows).bind(REVISION);
        fill.execute(&pool).await?;
        Ok(Accounts {
            pool,
            select: sql("SELECT record, revision FROM countersign WHERE account = ?1"),
            update: sql("UPDATE countersign SET revision = ?1, record = ?2 \
                 WHERE account = ?3 AND revision = ?4"),
            _directory: Arc::clone(&self.directory),
        })
    }
}

impl Table for Accounts {
    type Store = SqliteStore;

    fn store(&self) -> SqliteStore {
        SqliteStore::new(self.pool.clone()).danger_without_server_check()
    }

    read_and_write_rows!(account => account.as_str());

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
