//! x
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "async")]
mod async_session;
#[cfg(feature = "bb8")]
mod bb8;
#[cfg(feature = "r2d2")]
mod blocking_session;
#[cfg(feature = "r2d2")]
mod blocking_store;
mod call;
#[cfg(feature = "async")]
mod connections;
mod database;
#[cfg(feature = "deadpool")]
mod deadpool;
mod driver_error;
#[cfg(feature = "mysql")]
mod mysql;
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
pub use connections::{Connections, NoConnection};
pub use countersign_sql::{AccountColumn, TableNameError};
pub use database::Database;
pub use driver_error::DriverError;
#[cfg(feature = "sqlite")]
pub use sqlite::configure_sqlite;
#[cfg(all(feature = "sqlite", feature = "r2d2"))]
pub use sqlite::ConfigureSqlite;
#[cfg(all(feature = "sqlite", any(feature = "bb8", feature = "deadpool")))]
pub use sqlite_manager::sqlite_manager;
#[cfg(feature = "async")]
pub use statement_runner::RowsFuture;
#[cfg(feature = "async")]
pub use store::DieselStore;
pub use swap::BoxError;

/// The store without futures, for services that block.
#[cfg(feature = "r2d2")]
pub mod blocking {
    pub use crate::blocking_store::DieselStore;
}

/// The reason why a store could not answer. Its source is a [`DriverError`].
pub type Error = countersign_sql::Error<DriverError>;
