//! PostgreSQL.

mod failure;
mod statements;
mod store;

pub use store::PostgresStore;
