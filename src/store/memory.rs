use core::convert::Infallible;
use core::fmt;
use core::ops::Bound;
use std::boxed::Box;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::vec::Vec;

use super::{ConditionalWrite, Revision, Store, StoredRecord, WriteResult, blocking};
use crate::AccountId;

/// A store in this process's memory, for tests and first steps.
///
/// Clones share the accounts, as handles on one database do. Do not use it for real users. When the
/// process ends, all records are lost: used passcodes can be used again, and no account has a
/// second factor.
#[derive(Clone, Default)]
pub struct MemoryStore {
    accounts: Arc<Mutex<Accounts>>,
}

#[derive(Default)]
struct Accounts {
    rows: HashMap<AccountId, Row>,
    /// All accounts that have a row. A tree of the rows themselves would slow every attempt: with
    /// millions of accounts, each comparison in the tree waits for memory.
    in_order: BTreeSet<AccountId>,
}

/// Like `StoredRecord`, but one word smaller and without spare capacity.
struct Row {
    record: Box<[u8]>,
    revision: Revision,
}

impl Row {
    /// Stores another record. Most records are as long as the one before, and take its place.
    fn replace(&mut self, record: &[u8], revision: Revision) {
        if self.record.len() == record.len() {
            self.record.copy_from_slice(record);
        } else {
            self.record = record.into();
        }
        self.revision = revision;
    }
}

impl MemoryStore {
    /// Makes a store without accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns at most `limit` accounts after `cursor`, in the order of their bytes.
    ///
    /// Use it for `reseal` and reports. Begin with `None`, continue with the last account of the
    /// previous page, and end at an empty page.
    #[must_use]
    pub fn accounts_after(&self, cursor: Option<&AccountId>, limit: usize) -> Vec<AccountId> {
        let start = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let accounts = self.accounts();
        let after = accounts
            .in_order
            .range::<AccountId, _>((start, Bound::Unbounded));
        after.take(limit).cloned().collect()
    }

    /// Locks the accounts, even after a panic. No change below can panic halfway.
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let mut accounts = self.accounts();
        let row = accounts.rows.get_mut(account);
        if row.as_ref().map(|row| row.revision) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        match (row, write.record()) {
            (Some(row), Some(record)) => row.replace(record, write.revision()),
            (None, Some(record)) => {
                let row = Row {
                    record: record.into(),
                    revision: write.revision(),
                };
                accounts.in_order.insert(account.clone());
                accounts.rows.insert(account.clone(), row);
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        blocking::Store::compare_and_swap(self, account, write)
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows the number of accounts, not their ids.
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
        let write = ConditionalWrite::put(None, revision, b"record", WriteKind::Enrolling, summary);
        let Ok(result) = blocking::Store::compare_and_swap(store, account, write);
        result
    }

    #[test]
    fn accounts_come_in_pages_in_byte_order() {
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
    fn an_erased_account_is_in_no_page() {
        let store = MemoryStore::new();
        let account = AccountId::from(1_u32);
        assert_eq!(create(&store, &account), WriteResult::Done);
        let [first, second] = [1, 2].map(|number| Revision::from_i64(number).unwrap());
        let erase = ConditionalWrite::erase(first, second, Summary::new(false, 0, KeyId::new(1)));
        let Ok(result) = blocking::Store::compare_and_swap(&store, &account, erase);
        assert_eq!(result, WriteResult::Done);
        assert_eq!(store.accounts_after(None, 1), []);
    }

    #[test]
    fn the_store_works_after_a_panic() {
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
