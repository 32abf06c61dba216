//! Stores for [`countersign`], the second factor, on PostgreSQL, MySQL, MariaDB and SQLite. They
//! use the [`diesel`] or diesel-async pool that your service already has.
//!
//! | your pool | store | feature |
//! |---|---|---|
//! | `diesel_async::pooled_connection::deadpool::Pool` | `DieselStore` | `deadpool` |
//! | `diesel_async::pooled_connection::bb8::Pool` | `DieselStore` | `bb8` |
//! | any other pool of diesel-async, by the trait `Connections` | `DieselStore` | `async` |
//! | `diesel::r2d2::Pool`, which blocks | `blocking::DieselStore` | `r2d2` |
//!
//! | your database | feature | connections |
//! |---|---|---|
//! | PostgreSQL | `postgres` | `AsyncPgConnection`, `PgConnection` |
//! | MySQL, MariaDB | `mysql` | `AsyncMysqlConnection`, `MysqlConnection` |
//! | SQLite | `sqlite` | `SyncConnectionWrapper<SqliteConnection>`, `SqliteConnection` |
//!
//! # Example
//!
//! A verifier on a pool of deadpool, for a table of users whose `id` is a `bigint`:
//!
#![cfg_attr(all(feature = "deadpool", feature = "postgres"), doc = "```no_run")]
#![cfg_attr(
    not(all(feature = "deadpool", feature = "postgres")),
    doc = "```ignore"
)]
//! use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! use countersign_diesel::{AccountColumn, DieselStore};
//! use diesel_async::AsyncPgConnection;
//! use diesel_async::pooled_connection::AsyncDieselConnectionManager;
//! use diesel_async::pooled_connection::deadpool::Pool;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = "postgres://app@db.internal/app";
//! let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
//! let pool = Pool::builder(manager).build()?;
//! let store = DieselStore::new(pool).with_account_column(AccountColumn::BigInt);
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
//! - `create_table` creates the table `countersign`. To create it in a migration, use the SQL text
//!   of `schema`.
//! - `with_account_column` sets the type of the account id: text by default, or a number or UUID
//!   ([`AccountColumn`]). A foreign key to your table of users needs the same type.
//! - `with_own_connections` is for a pool that only the store uses.
//! - `compare_and_swap_with` writes a row of yours, such as a session, in the transaction of an
//!   accepted code.
//!
//! # What it stores
//!
//! The table has one row per account: the account id, the encrypted record, its revision, and three
//! plain columns for queries. Each call is one statement that commits by itself. The page of
//! `DieselStore` lists the settings that the database needs.
//!
//! # What it needs
//!
//! - diesel 2.3, and diesel-async 0.9 for the async store.
//! - The C library of your connections. `PgConnection` links libpq, `MysqlConnection` links
//!   libmariadb or libmysqlclient, and `SqliteConnection` links SQLite from 3.37. This crate itself
//!   links SQLite only, with the feature `sqlite`. `AsyncPgConnection` and `AsyncMysqlConnection`
//!   need no C library.
//! - Rust 1.89.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(any(feature = "async", feature = "r2d2")),
    allow(dead_code, reason = "the code that only the stores call")
)]

mod argument;
#[cfg(feature = "async")]
mod async_session;
#[cfg(feature = "bb8")]
mod bb8;
#[cfg(feature = "r2d2")]
mod blocking_session;
#[cfg(feature = "r2d2")]
mod blocking_store;
#[cfg(feature = "r2d2")]
mod blocking_transaction_store;
mod call;
#[cfg(feature = "async")]
mod connections;
mod database;
#[cfg(feature = "deadpool")]
mod deadpool;
mod driver_error;
mod import_transaction;
#[cfg(any(feature = "bb8", feature = "deadpool"))]
mod manager_config;
#[cfg(feature = "mysql")]
mod mysql;
mod open_transaction;
mod pooler;
#[cfg(feature = "postgres")]
mod postgres;
mod session;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(feature = "sqlite", any(feature = "bb8", feature = "deadpool")))]
mod sqlite_manager;
mod statement;
#[cfg(feature = "async")]
mod statement_runner;
#[cfg(feature = "async")]
mod store;
mod swap;
#[cfg(feature = "async")]
mod transaction_store;

#[cfg(feature = "async")]
pub use connections::{Connections, NoConnection};
pub use countersign_sql::{AccountColumn, TableNameError};
pub use database::Database;
pub use driver_error::DriverError;
#[cfg(any(feature = "bb8", feature = "deadpool"))]
pub use manager_config::manager_config;
#[cfg(all(feature = "sqlite", feature = "r2d2"))]
pub use sqlite::ConfigureSqlite;
#[cfg(feature = "sqlite")]
pub use sqlite::configure_sqlite;
#[cfg(all(feature = "sqlite", any(feature = "bb8", feature = "deadpool")))]
pub use sqlite_manager::sqlite_manager;
#[cfg(feature = "async")]
pub use statement_runner::RowsFuture;
#[cfg(feature = "async")]
pub use store::DieselStore;
pub use swap::BoxError;
#[cfg(feature = "async")]
pub use transaction_store::TransactionStore;

/// The store without futures, for services that block.
#[cfg(feature = "r2d2")]
pub mod blocking {
    pub use crate::blocking_store::DieselStore;
    pub use crate::blocking_transaction_store::TransactionStore;
}

/// The reason why a store could not answer. Its source is a [`DriverError`].
pub type Error = countersign_sql::Error<DriverError>;
