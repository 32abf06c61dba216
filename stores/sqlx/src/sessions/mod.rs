//! A session store of tower-sessions, on the pool of a store of records.

mod rows;
mod statements;
mod table;

pub(crate) use rows::Rows;
pub(crate) use statements::SessionStatements;
pub use table::SessionTable;
