use std::str::FromStr;

use countersign::store::BoxStore;
use countersign_sqlx::{PostgresStore, SqliteStore};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::BoxError;

/// The host's own database, with countersign's table beside its own: SQLite in a file, or PostgreSQL.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file, with SQLite built in.
    Sqlite(SqlitePool),
    /// A server.
    Postgres(PgPool),
}

/// Runs the same work on whichever database it is. The statements are the same text for both: SQLite takes `$1`,
/// `ON CONFLICT` and `RETURNING` as PostgreSQL does.
macro_rules! on {
    ($database:expr, |$pool:ident| $work:expr) => {
        match $database {
            $crate::database::Database::Sqlite($pool) => $work,
            $crate::database::Database::Postgres($pool) => $work,
        }
    };
}
pub(crate) use on;

impl Database {
    /// Opens what the URL names, `sqlite:PATH` or `postgres://...`, and creates the tables that are missing.
    ///
    /// # Errors
    /// If it is no such URL, or the database cannot be reached or written to.
    pub async fn open(url: &str) -> Result<Self, BoxError> {
        let database = match url.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                let pool = SqlitePoolOptions::new().test_before_acquire(false);
                Self::Sqlite(
                    pool.connect_with(SqliteStore::connect_options(path))
                        .await?,
                )
            }
            Some(("postgres" | "postgresql", _)) => {
                // These end what a cancelled request left open, so that nothing of ours joins it.
                let pool = PostgresStore::pool_options().max_connections(20);
                Self::Postgres(pool.connect_with(PgConnectOptions::from_str(url)?).await?)
            }
            _ => return Err("say which database: sqlite:PATH or postgres://...".into()),
        };
        database.create_tables().await?;
        Ok(database)
    }

    /// Whether there are records already, which only the key that sealed them can open.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn has_records(&self) -> Result<bool, BoxError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM countersign)";
        Ok(on!(self, |pool| sqlx::query_scalar(sql)
            .fetch_one(pool)
            .await?))
    }

    /// The store of `countersign-sqlx` on this database.
    pub(crate) fn records(&self) -> BoxStore {
        match self {
            Self::Sqlite(pool) => BoxStore::new(SqliteStore::new(pool.clone())),
            Self::Postgres(pool) => BoxStore::new(PostgresStore::new(pool.clone())),
        }
    }

    /// How a transaction that writes begins. SQLite must take its write lock at once, or it may find out too late that
    /// somebody else has it.
    pub(crate) const fn begin(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        }
    }

    async fn create_tables(&self) -> Result<(), BoxError> {
        match self {
            Self::Sqlite(pool) => {
                SqliteStore::new(pool.clone()).create_table().await?;
                let schema = include_str!("schema/sqlite.sql");
                sqlx::raw_sql(schema).execute(pool).await?;
            }
            Self::Postgres(pool) => {
                PostgresStore::new(pool.clone()).create_table().await?;
                let schema = include_str!("schema/postgres.sql");
                sqlx::raw_sql(schema).execute(pool).await?;
            }
        }
        Ok(())
    }
}
