//! MySQL and MariaDB.

mod driver;
mod server_check;
#[cfg(feature = "tower-sessions-015")]
mod sessions;
#[cfg(feature = "gate")]
mod sign_ins;
mod store;

pub use store::MySqlStore;
