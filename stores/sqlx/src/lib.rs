//! Stores for [`countersign`], over the [`sqlx`] pool that the host already has.
//!
//! | feature | store | database |
//! |---|---|---|
//! | `sqlite` | `SqliteStore` | SQLite, built in |
//! | `postgres` | `PostgresStore` | PostgreSQL |
//! | `mysql` | `MySqlStore` | MySQL and MariaDB |
//!
//! A store keeps one row for an account: its id (`AccountColumn`), the sealed record, the revision that guards it, and
//! three plain columns for queries. Each call is one statement that commits by itself, and is bounded by a time-out. What
//! the pool and the server must be set to is in the documentation of each store. The host puts the schema into its own
//! migrations, or lets the store create the table:
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use countersign_sqlx::SqliteStore;
//! use sqlx::sqlite::SqlitePoolOptions;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("accounts.db");
//! let pool = SqlitePoolOptions::new()
//!     .test_before_acquire(false)
//!     .connect_with(SqliteStore::connect_options(path))
//!     .await?;
//! let store = SqliteStore::new(pool);
//! store.create_table().await?;
//! // Hand the store to a verifier.
//! # Ok(())
//! # }
//! ```
//!
//! The same on a server:
//!
#![cfg_attr(feature = "postgres", doc = "```no_run")]
#![cfg_attr(not(feature = "postgres"), doc = "```ignore")]
//! use countersign_sqlx::{AccountColumn, PostgresStore};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = PostgresStore::pool_options()
//!     .connect("postgres://app@db.internal/app")
//!     .await?;
//! let store = PostgresStore::new(pool).with_account_column(AccountColumn::BigInt);
//! store.create_table().await?;
//! # Ok(())
//! # }
//! ```
#![cfg_attr(feature = "mysql", doc = "```no_run")]
#![cfg_attr(not(feature = "mysql"), doc = "```ignore")]
//! use countersign_sqlx::{AccountColumn, MySqlStore};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = MySqlStore::pool_options()
//!     .connect("mysql://app@db.internal/app")
//!     .await?;
//! let store = MySqlStore::new(pool).with_account_column(AccountColumn::Uuid);
//! store.create_table().await?;
//! # Ok(())
//! # }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod account_column;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod calls;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod error;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod statements;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod table_name;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod to_its_end;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use account_column::AccountColumn;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use error::Error;
#[cfg(feature = "mysql")]
pub use mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use table_name::TableNameError;
