//! The storage contract without futures.

mod adapter;
mod contract;

pub use adapter::Adapter;
pub use contract::Store;
