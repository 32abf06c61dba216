//! SQLite.

mod dialect;
mod statements;
mod store;

pub use store::SqliteStore;
