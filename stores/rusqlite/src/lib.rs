//! Stores for [`countersign`], the second factor, on SQLite, over [`rusqlite`].
//!
//! | your service | store |
//! |---|---|
//! | async, on tokio | [`SqliteStore`], with a thread of its own |
//! | blocking | [`blocking::SqliteStore`] |
//!
//! # Example
//!
//! A verifier on a file, for a table of users whose `id` is an integer:
//!
//! ```
//! use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! use countersign_rusqlite::{AccountColumn, SqliteStore};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let (path, key_file) = (directory.path().join("accounts.db"), directory.path().join("key"));
//! # std::fs::write(&key_file, [7; 32])?;
//! let store = SqliteStore::open(path)?.with_account_column(AccountColumn::BigInt);
//! store.create_table().await?;
//!
//! // 32 random bytes, the same at every start.
//! let key = std::fs::read(key_file)?;
//! let key = SealingKey::from_bytes(key.as_slice().try_into()?);
//! let keyring = Keyring::new(KeyId::new(1), key);
//! let verifier = Verifier::builder(store, keyring, "Example").build()?;
//!
//! let user_id: i64 = 4711;
//! let denied = verifier.verify(&AccountId::from(user_id), "123456").await;
//! # assert!(denied.is_err(), "nobody has enrolled");
//! # Ok(())
//! # }
//! ```
//!
//! - `create_table` creates the table `countersign`. To create it in a migration, use the SQL text
//!   of `SqliteStore::schema`.
//! - `with_account_column` sets the type of the account id: text by default, or a number or UUID
//!   ([`AccountColumn`]). A foreign key to your table of users needs the same type.
//! - `SqliteStore::open` opens a connection of its own. For your own connections, see
//!   [`Connections`].
//!
//! # What it stores
//!
//! The table has one row per account: the account id, the encrypted record, its revision, and three
//! plain columns for queries. Each call is one statement that commits by itself. The page of
//! [`SqliteStore`] lists what the store checks before it writes.
//!
//! # What it needs
//!
//! - rusqlite 0.39 to 0.43. A program can link only one SQLite, so cargo chooses the version that
//!   fits your other crates: 0.39 with sqlx 0.9, and 0.39 or 0.40 with diesel 2.3.
//! - SQLite from 3.37. This crate does not choose where it comes from: enable the feature `bundled`
//!   of rusqlite to build it in, or link the one of your system.
//! - Rust 1.89.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod blocking_store;
mod call_thread;
mod configure;
mod connection_state;
mod connections;
mod driver_error;
mod one_connection;
#[cfg(feature = "r2d2")]
mod r2d2;
mod statement;
mod store;

pub use configure::configure;
pub use connections::{Connections, NoConnection};
pub use countersign_sql::{AccountColumn, TableNameError};
pub use one_connection::{ConnectionGuard, OneConnection};
pub use store::SqliteStore;

/// The store without futures, for services that block.
pub mod blocking {
    pub use crate::blocking_store::SqliteStore;
}

/// The reason why a store could not answer. The stores of all SQL drivers have the same errors.
pub type Error = countersign_sql::Error<rusqlite::Error>;
