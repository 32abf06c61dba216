//! The parts of the example `login` that its tests and other examples use: the store, which writes
//! the rows of the application too, the file of the key, and other files that only their owner can
//! read.
//!
//! `main.rs` describes the program.

pub mod key_file;
pub mod private_file;
mod store;

pub use store::{AppStore, TIME_LIMIT};
