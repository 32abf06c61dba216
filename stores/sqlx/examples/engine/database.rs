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
    /// Opens what the URL names. The pools connect when they are asked to, so that the store says what is wrong if they
    /// cannot.
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
                "{url}: no such kind of database; there are sqlite:PATH, postgres://... and mysql://..."
            )
            .into()),
        }
    }
}

/// The one that stores take if they are not told otherwise.
const TABLE: &str = "countersign";
