//! MySQL and MariaDB.

mod dialect;
mod statements;
mod store;

pub use store::MySqlStore;
