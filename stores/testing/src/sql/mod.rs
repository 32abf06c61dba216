//! Accounts, conditional writes and races for the tests of stores in SQL databases.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a panic fails the test that calls it"
)]

mod mapped_ids;
mod races;

use std::sync::atomic::{AtomicU32, Ordering};

use countersign::store::{ConditionalWrite, Revision, Summary, WriteKind};
use countersign::{AccountId, KeyId};

pub use mapped_ids::{MappedIds, to_number, to_uuid};
pub use races::{SharedStore, a_concurrent_mix_matches_the_rows, one_of_64_writes_is_done};

/// The account with this number.
#[must_use]
pub fn account(id: u32) -> AccountId {
    AccountId::from(id)
}

/// The revision with this number, which is positive.
#[must_use]
pub fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

/// A write over the revision `expected`, with the highest value in every column.
#[must_use]
pub fn write(expected: Option<i64>, new: i64, record: &[u8]) -> ConditionalWrite<'_> {
    let summary = Summary::new(true, u32::MAX, KeyId::new(u32::MAX));
    let kind = WriteKind::Enrolled;
    ConditionalWrite::put(expected.map(revision), revision(new), record, kind, summary)
}

/// A write that erases the revision `expected`.
#[must_use]
pub fn erase(expected: i64) -> ConditionalWrite<'static> {
    let summary = Summary::new(false, 0, KeyId::new(1));
    ConditionalWrite::erase(revision(expected), revision(1), summary)
}

/// A table name that no other test of this program uses.
#[must_use]
pub fn table() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    format!("accounts_{}", TABLES.fetch_add(1, Ordering::Relaxed))
}
