//! A store for [`countersign`], the second factor, on PostgreSQL. It uses the
//! [`tokio_postgres`] connections that your service already has.
//!
//! | connections | feature |
//! |---|---|
//! | `deadpool_postgres::Pool` | `deadpool` |
//! | `bb8::Pool` with `PreparedConnections` | `bb8` |
//! | one `tokio_postgres::Client`, as a [`PreparedClient`] | |
//! | any other pool, by the trait [`Connections`] | |
//!
//! # Example
//!
//! A verifier on a pool of deadpool, for a table of users whose `id` is a `bigint`:
//!
#![cfg_attr(feature = "deadpool", doc = "```no_run")]
#![cfg_attr(not(feature = "deadpool"), doc = "```ignore")]
//! use countersign::{AccountId, KeyId, Keyring, SealingKey, Verifier};
//! use countersign_postgres::{AccountColumn, PostgresStore};
//! use deadpool_postgres::{Manager, Pool};
//! use tokio_postgres::NoTls;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = "postgres://app@db.internal/app".parse()?;
//! let pool = Pool::builder(Manager::new(config, NoTls)).build()?;
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
//! - `create_table` creates the table `countersign`. To create it in a migration, use the SQL text
//!   of `PostgresStore::schema`.
//! - `with_account_column` sets the type of the account id: text by default, or a number or UUID
//!   ([`AccountColumn`]). A foreign key to your table of users needs the same type.
//! - `behind_pooler` is for a pooler that pools by transaction, such as `PgBouncer`.
//! - `with_own_connections` is for a client that only the store uses.
//!
//! # What it stores
//!
//! The table has one row per account: the account id, the encrypted record, its revision, and three
//! plain columns for queries. Each call is one statement that commits by itself, in one round trip.
//! A time-out limits every call. The page of [`PostgresStore`] lists the settings that the server
//! needs.
//!
//! Only an import of accounts may run in a transaction of your own: see [`TransactionStore`].
//!
//! # What it needs
//!
//! - tokio-postgres 0.7. deadpool-postgres 0.14 and bb8-postgres 0.9 use the same version.
//! - Rust 1.89.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod argument;
#[cfg(feature = "bb8")]
mod bb8;
mod connections;
#[cfg(feature = "deadpool")]
mod deadpool;
mod driver_error;
mod open_transaction;
mod pooler;
mod prepared_client;
mod record_row;
mod server_check;
mod statement;
mod statement_runner;
mod store;
mod transaction_store;

#[cfg(feature = "bb8")]
pub use bb8::PreparedConnections;
pub use connections::{Connections, NoConnection};
pub use countersign_sql::{AccountColumn, TableNameError};
pub use driver_error::DriverError;
pub use prepared_client::PreparedClient;
pub use store::PostgresStore;
pub use transaction_store::TransactionStore;

/// The reason why the store could not answer. Its source is a [`DriverError`].
pub type Error = countersign_sql::Error<DriverError>;
