//! The import and the bare driver, on each database.

use countersign::Verifier;
use countersign_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use countersign_store_testing::bench::Error;
use countersign_store_testing::{Durability, MariaDb, Postgres, available};
use sqlx::mysql::MySqlPool;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqlitePool, SqliteSynchronous};
use tempfile::TempDir;

use crate::rows::{Row, keyring};

/// Two tables in one database: one for the imports, and one for the driver.
pub(crate) trait Contenders: Sized {
    async fn start(durability: Durability) -> Result<Option<Self>, Error>;

    /// Imports the rows in one transaction.
    async fn import(&self, rows: &[Row]) -> Result<(), Error>;

    /// Inserts the rows in one transaction, with the driver alone.
    async fn insert(&self, rows: &[Row]) -> Result<(), Error>;
}

pub(crate) struct SqliteFile {
    pool: SqlitePool,
    verifier: Verifier<SqliteStore>,
    _directory: TempDir,
}

pub(crate) struct PostgreSql {
    pool: PgPool,
    verifier: Verifier<PostgresStore>,
    _server: Postgres,
}

pub(crate) struct Maria {
    pool: MySqlPool,
    verifier: Verifier<MySqlStore>,
    _server: MariaDb,
}

/// The verifier on its table, after both tables are created.
macro_rules! verifier {
    ($store:expr) => {{
        let store = $store;
        store.create_table().await?;
        store.clone().with_table("driver")?.create_table().await?;
        Verifier::builder(store, keyring(), "Example").build()?
    }};
}

/// The same code on the pool of each database.
macro_rules! import_and_insert {
    ($begin:literal, $insert:literal, $account:ident => $key:expr) => {
        async fn import(&self, rows: &[Row]) -> Result<(), Error> {
            let mut transaction = self.pool.begin_with($begin).await?;
            let store = self.verifier.store().in_transaction(&mut transaction);
            let importer = self.verifier.with_store(store);
            for row in rows {
                importer
                    .import_in_transaction(&row.account, &row.import)
                    .await?;
            }
            drop(importer);
            Ok(transaction.commit().await?)
        }

        async fn insert(&self, rows: &[Row]) -> Result<(), Error> {
            let mut transaction = self.pool.begin_with($begin).await?;
            for row in rows {
                let $account = &row.account;
                sqlx::query($insert)
                    .bind(row.revision)
                    .bind(&*row.record)
                    .bind(true)
                    .bind(0_i64)
                    .bind(1_i64)
                    .bind($key)
                    .execute(&mut *transaction)
                    .await?;
            }
            Ok(transaction.commit().await?)
        }
    };
}

impl Contenders for SqliteFile {
    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let directory = tempfile::tempdir()?;
        let options = SqliteStore::connect_options(directory.path().join("accounts.db"));
        let options = match durability {
            Durability::Durable => options,
            Durability::Fast | Durability::Forgetful => options.synchronous(SqliteSynchronous::Off),
        };
        let pool = SqlitePool::connect_with(options).await?;
        Ok(Some(Self {
            verifier: verifier!(SqliteStore::new(pool.clone()).danger_without_server_check()),
            pool,
            _directory: directory,
        }))
    }

    import_and_insert!(
        "BEGIN IMMEDIATE",
        "INSERT INTO driver (revision, record, enabled, codes_left, key_id, account) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        account => account.as_str()
    );
}

impl Contenders for PostgreSql {
    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = available(Postgres::start(durability)) else {
            return Ok(None);
        };
        let pool = PgPool::connect(&server.url()).await?;
        Ok(Some(Self {
            verifier: verifier!(PostgresStore::new(pool.clone())),
            pool,
            _server: server,
        }))
    }

    import_and_insert!(
        "BEGIN",
        "INSERT INTO driver (revision, record, enabled, codes_left, key_id, account) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        account => account.as_str()
    );
}

impl Contenders for Maria {
    async fn start(durability: Durability) -> Result<Option<Self>, Error> {
        let Some(server) = available(MariaDb::start(durability)) else {
            return Ok(None);
        };
        let pool = MySqlPool::connect(&server.url()).await?;
        Ok(Some(Self {
            verifier: verifier!(MySqlStore::new(pool.clone())),
            pool,
            _server: server,
        }))
    }

    import_and_insert!(
        "BEGIN",
        "INSERT INTO driver (revision, record, enabled, codes_left, key_id, account) \
         VALUES (?, ?, ?, ?, ?, ?)",
        account => account.as_str().as_bytes()
    );
}
