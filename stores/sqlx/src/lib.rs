//! Stores for [`countersign`], the second factor, that use the [`sqlx`] pool of your service.
//!
//! | feature | store | database |
//! |---|---|---|
//! | `sqlite` | `SqliteStore` | SQLite, built in |
//! | `postgres` | `PostgresStore` | PostgreSQL |
//! | `mysql` | `MySqlStore` | MySQL and MariaDB |
//!
//! # Example
//!
//! A verifier on PostgreSQL, for a table of users whose `id` is a `bigint`:
//!
#![cfg_attr(feature = "postgres", doc = "```no_run")]
#![cfg_attr(not(feature = "postgres"), doc = "```ignore")]
//! use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! use countersign_sqlx::{AccountColumn, PostgresStore};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = PostgresStore::pool_options()
//!     .connect("postgres://app@db.internal/app")
//!     .await?;
//! let store = PostgresStore::new(pool).with_account_column(AccountColumn::BigInt);
//! store.create_table().await?;
//!
//! // 32 random bytes, the same at every start.
//! let key = std::fs::read("/run/secrets/second-factor-key")?;
//! let key = SealingKey::from_bytes(key.as_slice().try_into()?);
//! let keyring = Keyring::new(KeyId::new(1), key);
//! let verifier = Verifier::builder(store, keyring, "Example").build()?;
//!
//! let user_id: i64 = 4711;
//! let receipt = verifier.verify(&AccountId::from(user_id), "123456").await?;
//! # Ok(())
//! # }
//! ```
//!
//! - `pool_options` makes a pool that is safe to share with code that opens transactions. A pool of
//!   `own_pool_options` is for the store alone, and faster.
//! - `create_table` creates the table `countersign`. To create it in a migration, use the SQL text
//!   of `PostgresStore::schema`.
//! - `with_account_column` sets the type of the account id: text by default, or a number or UUID
//!   ([`AccountColumn`]). A foreign key to your table of users needs the same type.
//!
//! MySQL and MariaDB work in the same way:
//!
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
//!
//! SQLite has `connect_options` instead:
//!
#![cfg_attr(feature = "sqlite", doc = "```")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use countersign_sqlx::SqliteStore;
//! use sqlx::sqlite::SqlitePoolOptions;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("accounts.db");
//! let pool = SqlitePoolOptions::new()
//!     .test_before_acquire(false)
//!     .connect_with(SqliteStore::connect_options(path))
//!     .await?;
//! let store = SqliteStore::new(pool);
//! store.create_table().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What it stores
//!
//! The table has one row per account: the account id, the encrypted record, its revision, and three
//! plain columns for queries. Each call is one statement that commits by itself. A time-out limits
//! every call. The page of each store lists the settings that its pool and its server need.
//!
//! With the feature `gate`, a store also has the sign-ins and flags of countersign-gate, which it
//! writes in the transaction of the record: see `GateStore`.
//!
//! With the feature `tower-sessions-015`, the same pool keeps the sessions of tower-sessions 0.15:
//! see `SessionTable`.
//!
//! Only an import of accounts may run in a transaction of your own: see `TransactionStore`.
//!
//! # What it needs
//!
//! - sqlx 0.9 with its tokio runtime. Your pool must come from the same version of sqlx.
//! - Rust 1.94, because sqlx 0.9 needs it.
//! - With sea-orm: version 2. sea-orm 2.0.4 depends on sqlx 0.9.0; sea-orm 1.1.20 depends on
//!   sqlx 0.8.6, so its pool does not fit.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod driver;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod pool_options;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server_check;
#[cfg(all(
    feature = "tower-sessions-015",
    any(feature = "sqlite", feature = "postgres", feature = "mysql")
))]
mod sessions;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod settings;
#[cfg(all(
    feature = "gate",
    any(feature = "sqlite", feature = "postgres", feature = "mysql")
))]
mod sign_ins;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod statement_runner;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod transaction_store;

pub use countersign_sql::{AccountColumn, TableNameError};
#[cfg(feature = "mysql")]
pub use mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(all(
    feature = "tower-sessions-015",
    any(feature = "sqlite", feature = "postgres", feature = "mysql")
))]
pub use sessions::SessionTable;
#[cfg(all(
    feature = "gate",
    any(feature = "sqlite", feature = "postgres", feature = "mysql")
))]
pub use sign_ins::{GateStore, SignInTables};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use transaction_store::TransactionStore;

/// The reason why a store could not answer. The stores of all SQL drivers have the same errors.
pub type Error = countersign_sql::Error<sqlx::Error>;
