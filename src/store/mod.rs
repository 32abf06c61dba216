//! What a host's database has to do: one record for an account, swapped under its revision.

pub(crate) mod blocking;

mod account_id;
mod box_store;
mod contract;
mod key_id;
mod memory;
mod revision;
mod stored;
mod summary;
mod swap;
mod swap_kind;
mod swapped;

pub use account_id::{AccountId, AccountIdError};
pub use box_store::BoxStore;
pub use contract::Store;
pub use key_id::KeyId;
pub use memory::MemoryStore;
pub use revision::{Revision, RevisionError};
pub use stored::Stored;
pub use summary::Summary;
pub use swap::Swap;
pub use swap_kind::SwapKind;
pub use swapped::Swapped;
