//! Shared parts of the tests: conditional writes, account ids for other columns, and checks for
//! every store on a server.
#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod checks;
pub(crate) mod mapped_ids;
#[cfg(feature = "gate")]
pub(crate) mod outbox;
#[cfg(feature = "gate")]
pub(crate) mod sign_ins;
pub(crate) mod transactions;

use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};

pub(crate) fn account(id: u32) -> AccountId {
    AccountId::from(id)
}

pub(crate) fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

/// A write over the revision `expected`, with the highest value in every column.
pub(crate) fn write(expected: Option<i64>, new: i64, record: &[u8]) -> ConditionalWrite<'_> {
    let summary = Summary::new(true, u32::MAX, KeyId::new(u32::MAX));
    let kind = WriteKind::Enrolled;
    ConditionalWrite::put(expected.map(revision), revision(new), record, kind, summary)
}

pub(crate) fn erase(expected: i64) -> ConditionalWrite<'static> {
    let summary = Summary::new(false, 0, KeyId::new(1));
    ConditionalWrite::erase(revision(expected), revision(1), summary)
}

/// Creates an account with the revision 1.
pub(crate) async fn create<S: Store>(store: &S, account: &AccountId) {
    let result = store
        .compare_and_swap(account, write(None, 1, b"record"))
        .await;
    assert_eq!(result.map_err(Into::into).unwrap(), WriteResult::Done);
}

/// A table name that no other test uses.
pub(crate) fn table() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static TABLES: AtomicU32 = AtomicU32::new(0);
    format!("accounts_{}", TABLES.fetch_add(1, Ordering::Relaxed))
}
