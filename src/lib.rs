//! A complete second factor for services that already check passwords.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod store;

/// The same without futures, for hosts and databases that block.
#[cfg(feature = "std")]
pub mod blocking {
    pub use crate::store::blocking::{Adapter, Store};
}

#[cfg(feature = "std")]
pub use store::{
    AccountId, AccountIdError, BoxStore, KeyId, MemoryStore, Revision, RevisionError, Store,
    Stored, Summary, Swap, SwapKind, Swapped,
};

#[cfg(feature = "conformance")]
pub mod conformance;
