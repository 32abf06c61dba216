//! The parts of the example `login` that its tests and other examples use: the store, which writes
//! the rows of the application too, and the file of the key.
//!
//! `main.rs` describes the program.

pub mod key_file;
mod store;

pub use store::{AppStore, TIME_LIMIT};
