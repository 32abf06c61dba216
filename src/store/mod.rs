//! The storage contract: one encrypted record per account, replaced by conditional writes.
//!
//! Use this module to write a [`Store`] for your own database. Ready-made stores for SQLite,
//! PostgreSQL, MySQL, MariaDB and Redis are packages of their own. Check your store with the tests
//! in `countersign::conformance`.
//!
//! ```
//! use countersign::store::{
//!     ConditionalWrite, MemoryStore, Revision, Store, Summary, WriteKind, WriteResult,
//! };
//! use countersign::{AccountId, KeyId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "verifier")]
//! # countersign::testing::block_on(async {
//! let store = MemoryStore::new();
//! let account = AccountId::from(4711_u64);
//! let revision = Revision::from_i64(41)?;
//! // No authenticator is active, no backup code is left, and key 1 encrypts the record.
//! let summary = Summary::new(false, 0, KeyId::new(1));
//! let write =
//!     ConditionalWrite::put(None, revision, b"encrypted", WriteKind::Enrolling, summary);
//!
//! // The first write finds no record. The second one expects none either, and changes nothing.
//! assert_eq!(store.compare_and_swap(&account, write).await?, WriteResult::Done);
//! let other = Revision::from_i64(42)?;
//! let late = ConditionalWrite::put(None, other, b"late", WriteKind::Enrolling, summary);
//! assert_eq!(store.compare_and_swap(&account, late).await?, WriteResult::Stale);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok(())
//! # }
//! ```
//!
//! # Needs
//!
//! The feature `std`.

pub(crate) mod blocking;
mod conditional_write;
mod memory;
#[expect(clippy::module_inception, reason = "the trait is called Store")]
mod store;

pub use crate::ids::{Revision, RevisionError};
pub use conditional_write::{ConditionalWrite, StoredRecord, Summary, WriteKind, WriteResult};
pub use memory::MemoryStore;
pub use store::{BoxStore, Store};
