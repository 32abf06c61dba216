use core::convert::Infallible;
use core::fmt;
use core::ops::Bound;
use std::boxed::Box;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult, blocking};
use crate::AccountId;

/// A store in this process's memory, for tests and for trying things out.
///
/// Clones share the accounts, as handles on one database do. When the process ends, everything is gone: passcodes that
/// were used can be used again, and nobody has a second factor. Do not let real people log in against it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    accounts: Arc<Mutex<Accounts>>,
}

#[derive(Default)]
struct Accounts {
    rows: HashMap<AccountId, Row>,
    /// All accounts that have a row. A tree of the rows would be in the way of every attempt: with millions of accounts, each
    /// of its comparisons waits for memory.
    in_order: BTreeSet<AccountId>,
}

/// Smaller than `StoredRecord` by a word, and without spare capacity.
struct Row {
    record: Box<[u8]>,
    revision: Revision,
}

impl MemoryStore {
    /// A store without accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next accounts after `cursor` in the order of their bytes, at most `limit`: for `reseal` and reports. Begin with
    /// `None`, go on with the last one returned, and end when none is.
    #[must_use]
    pub fn accounts_after(&self, cursor: Option<&AccountId>, limit: usize) -> Vec<AccountId> {
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let accounts = self.accounts();
        let after = accounts
            .in_order
            .range::<AccountId, _>((start, Bound::Unbounded));
        after.take(limit).cloned().collect()
    }

    /// The accounts, also after a panic elsewhere: no change below panics half done.
    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl blocking::Store for MemoryStore {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        let accounts = self.accounts();
        let row = accounts.rows.get(account);
        Ok(row.map(|row| StoredRecord::new(row.record.to_vec(), row.revision)))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let mut accounts = self.accounts();
        let row = accounts.rows.get_mut(account);
        if row.as_ref().map(|row| row.revision) != swap.expected() {
            return Ok(WriteResult::Stale);
        }
        let next = swap.record().map(|record| Row {
            record: record.into(),
            revision: swap.revision(),
        });
        match (row, next) {
            (Some(row), Some(next)) => *row = next,
            (None, Some(next)) => {
                accounts.in_order.insert(account.clone());
                accounts.rows.insert(account.clone(), next);
            }
            (_, None) => {
                accounts.rows.remove(account);
                accounts.in_order.remove(account);
            }
        }
        Ok(WriteResult::Done)
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        blocking::Store::load(self, account)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        blocking::Store::compare_and_swap(self, account, swap)
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows how many accounts there are, not which.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("accounts", &self.accounts().rows.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyId;
    use crate::store::{Summary, WriteKind};
    use std::thread;

    fn create(store: &MemoryStore, account: &AccountId) -> WriteResult {
        let summary = Summary::new(false, 0, KeyId::new(1));
        let revision = Revision::from_i64(1).unwrap();
        let swap = ConditionalWrite::put(None, revision, b"record", WriteKind::Enrolling, summary);
        let Ok(swapped) = blocking::Store::compare_and_swap(store, account, swap);
        swapped
    }

    #[test]
    fn accounts_come_in_pages_in_the_order_of_their_bytes() {
        let store = MemoryStore::new();
        for id in ["b", "B", "a", "\u{E9}", "aa"] {
            assert_eq!(create(&store, &id.parse().unwrap()), WriteResult::Done);
        }
        let mut seen = Vec::new();
        while let page = store.accounts_after(seen.last(), 2)
            && !page.is_empty()
        {
            seen.extend(page);
        }
        let ids: Vec<&str> = seen.iter().map(AccountId::as_str).collect();
        assert_eq!(ids, ["B", "a", "aa", "b", "\u{E9}"]);
    }

    #[test]
    fn an_account_that_was_erased_is_in_no_page() {
        let store = MemoryStore::new();
        let account = AccountId::from(1_u32);
        assert_eq!(create(&store, &account), WriteResult::Done);
        let [first, second] = [1, 2].map(|number| Revision::from_i64(number).unwrap());
        let erase = ConditionalWrite::erase(first, second, Summary::new(false, 0, KeyId::new(1)));
        let Ok(swapped) = blocking::Store::compare_and_swap(&store, &account, erase);
        assert_eq!(swapped, WriteResult::Done);
        assert_eq!(store.accounts_after(None, 1), []);
    }

    #[test]
    fn a_panic_elsewhere_does_not_end_the_store() {
        let store = MemoryStore::new();
        let shared = store.clone();
        let panicked = thread::spawn(move || {
            let _guard = shared.accounts();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(create(&store, &AccountId::from(1_u32)), WriteResult::Done);
    }
}
