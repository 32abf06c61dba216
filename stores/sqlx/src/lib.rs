//! Stores for [`countersign`], over the [`sqlx`] pool that the host already has.
//!
//! | feature | store | database |
//! |---|---|---|
//! | `sqlite` | `SqliteStore` | SQLite, built in |
//!
//! A store keeps one row for an account: its id (`AccountColumn`), the sealed record, the revision that guards it, and three plain columns
//! for queries. Each call is one statement that commits by itself, and is bounded by a time-out. The host puts the schema
//! into its own migrations, or lets the store create the table:
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
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "sqlite")]
mod account_column;
#[cfg(feature = "sqlite")]
mod error;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod statements;
#[cfg(feature = "sqlite")]
mod table_name;

#[cfg(feature = "sqlite")]
pub use account_column::AccountColumn;
#[cfg(feature = "sqlite")]
pub use error::Error;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
#[cfg(feature = "sqlite")]
pub use table_name::TableNameError;
