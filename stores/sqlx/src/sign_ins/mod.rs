//! The sign-ins of countersign-gate, in the transaction of the record.

mod backend;
mod columns;
mod outbox;
mod rows;
mod statements;
mod store;
mod tables;
mod transaction;

pub(crate) use backend::Backend;
pub(crate) use statements::{OutboxStatements, SignInStatements};
pub use store::GateStore;
pub(crate) use tables::FlagPlace;
pub use tables::SignInTables;
pub(crate) use transaction::{Applied, Step, apply};
