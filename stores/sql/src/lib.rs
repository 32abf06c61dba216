//! The SQL of the stores for [`countersign`], the second factor: everything that does not depend on
//! a driver.
//!
//! If your service uses sqlx, use `countersign-sqlx` instead. Use this crate to write a store for
//! another driver. It has no driver and no I/O, and async code only with the feature `tokio`:
//!
//! - [`RecordTable`] has the schema and the text of every statement for SQLite, PostgreSQL, MySQL
//!   and MariaDB. It makes each [`Call`], and turns its answer into a record or a `WriteResult`.
//! - [`Failure`] classifies the error codes of these databases, and [`Error`] says what to do.
//! - [`Dialect::settings`] asks a database for its settings, and [`Dialect::time_limit`] refuses
//!   those that break the promises of a store.
//! - With the feature `tokio`, `run_uncancellable` runs a call to its end if a future is dropped.
//! - [`TableName`] and [`AccountColumn`] are the two choices of an application.
//!
//! # A store
//!
//! Five parts depend on the driver: binding a [`Value`], running a statement, counting the changed
//! rows, reading two columns, and finding the code in an error.
//!
//! ```
//! use countersign::AccountId;
//! use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
//! use countersign_sql::{Call, Error, RecordTable};
//! # type DriverError = std::io::Error;
//! # struct Pool;
//! # impl Pool {
//! #     async fn rows(&self, _: Call<'_>) -> Result<Vec<(Vec<u8>, i64)>, Error<DriverError>> {
//! #         Ok(Vec::new())
//! #     }
//! #     async fn rows_affected(&self, _: Call<'_>) -> Result<u64, Error<DriverError>> {
//! #         Ok(1)
//! #     }
//! # }
//!
//! struct MyStore {
//!     pool: Pool,
//!     table: RecordTable,
//! }
//!
//! impl Store for MyStore {
//!     type Error = Error<DriverError>;
//!
//!     async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
//!         let rows = self.pool.rows(self.table.load(account)?).await;
//!         self.table.stored(rows.map(|rows| rows.into_iter().map(Ok)))
//!     }
//!
//!     async fn compare_and_swap(
//!         &self,
//!         account: &AccountId,
//!         write: ConditionalWrite<'_>,
//!     ) -> Result<WriteResult, Self::Error> {
//!         let call = self.table.write(account, write)?;
//!         self.table.written(write, self.pool.rows_affected(call).await)
//!     }
//! }
//! ```
//!
//! `docs/sql-drivers.md` in the repository shows a whole store, on `mysql_async`.
//!
//! Your store must also keep the rules of [`Store`](countersign::store::Store): a time limit for
//! every call, no open transaction, and a connection in a known state if a future is dropped. Run
//! the conformance tests of `countersign` on it.
//!
//! # Limits
//!
//! - An account id has 1 to 255 bytes ([`AccountId::MAX_BYTES`][id]).
//! - A record has 1 byte to 64 KiB. The column `record` takes 16 MiB on MySQL and MariaDB, and more
//!   on the other databases. `max_allowed_packet` must exceed 64 KiB, as its default does.
//! - Revisions are positive 64-bit integers. The columns `codes_left` and `key_id` take every
//!   unsigned 32-bit integer.
//! - A table name has at most 63 bytes ([`TableName::MAX_BYTES`]).
//!
//! [id]: countersign::AccountId::MAX_BYTES

mod account_column;
mod call;
mod dialect;
mod error;
mod failure;
mod mysql;
mod postgres;
mod record_table;
mod row_error;
mod server_settings;
mod sqlite;
mod statements;
mod table_name;
#[cfg(feature = "tokio")]
mod uncancellable;
mod value;

pub use account_column::AccountColumn;
pub use call::Call;
pub use dialect::Dialect;
pub use error::Error;
pub use failure::{CONFLICT_PAUSE, CONFLICT_RETRIES, Failure};
pub use postgres::{PoolerCheck, PoolerQuestion};
pub use record_table::RecordTable;
pub use row_error::{CorruptRow, WrongAccount};
pub use server_settings::TIME_LIMIT;
pub use table_name::{TableName, TableNameError};
#[cfg(feature = "tokio")]
pub use uncancellable::{UncancellableCall, run_uncancellable};
pub use value::Value;
