//! The sign-ins of countersign-gate, in the transaction of the record.

mod backend;
mod columns;
mod outbox;
mod rows;
mod single_row;
mod statements;
mod store;
mod tables;
mod transaction;

pub(crate) use backend::Backend;
#[cfg(feature = "tower-sessions-015")]
pub(crate) use single_row::at_most_one;
pub(crate) use statements::{OutboxStatements, SignInStatements};
pub use store::GateStore;
pub(crate) use tables::FlagPlace;
pub use tables::SignInTables;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use tables::index_name;
pub(crate) use transaction::{Applied, Step, apply};
