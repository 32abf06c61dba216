//! MySQL and MariaDB.

mod failure;
mod statements;
mod store;

pub use store::MySqlStore;
