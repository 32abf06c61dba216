//! PostgreSQL.

mod dialect;
mod statements;
mod store;

pub use store::PostgresStore;
