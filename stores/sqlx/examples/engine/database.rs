use countersign::store::BoxStore;
use countersign_sqlx::{AccountColumn, MySqlStore, PostgresStore, SqliteStore};
use sqlx::sqlite::SqlitePoolOptions;

use crate::Result;

/// A database with its table.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) store: BoxStore,
    pub(crate) schema: String,
}

impl Database {
    /// Opens the database at a URL. The pools connect at the first call, so a failure is an error
    /// of the store.
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let pool = SqlitePoolOptions::new()
                    .test_before_acquire(false)
                    .connect_lazy_with(SqliteStore::connect_options(path));
                let store = SqliteStore::new(pool);
                store.create_table().await?;
                Ok(Self {
                    name: "SQLite",
                    store: BoxStore::new(store),
                    schema: SqliteStore::schema(TABLE, AccountColumn::Text)?,
                })
            }
            "postgres" | "postgresql" => {
                let store = PostgresStore::new(PostgresStore::pool_options().connect_lazy(url)?);
                store.create_table().await?;
                Ok(Self {
                    name: "PostgreSQL",
                    store: BoxStore::new(store),
                    schema: PostgresStore::schema(TABLE, AccountColumn::Text)?,
                })
            }
            "mysql" | "mariadb" => {
                let store = MySqlStore::new(MySqlStore::pool_options().connect_lazy(url)?);
                store.create_table().await?;
                Ok(Self {
                    name: "MySQL or MariaDB",
                    store: BoxStore::new(store),
                    schema: MySqlStore::schema(TABLE, AccountColumn::Text)?,
                })
            }
            _ => Err(format!(
                "{url}: no such kind of database; \
                 use sqlite:PATH, postgres://... or mysql://..."
            )
            .into()),
        }
    }
}

/// The default table of the stores.
const TABLE: &str = "countersign";
