//! Stores whose handles see different rows.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use countersign::conformance::Harness;
use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

use crate::rule_store::Rows;

/// Compares, lets other calls run, and then writes without comparing again.
#[derive(Clone, Default)]
pub(crate) struct TwoSteps(pub(crate) Arc<Mutex<Rows>>);

impl blocking::Store for TwoSteps {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let rows = self.0.lock().unwrap();
        Ok(rows.0.get(account).map(|(stored, _)| stored.clone()))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let found = self.0.lock().unwrap().revision(account);
        if found != write.expected() {
            return Ok(WriteResult::Stale);
        }
        thread::sleep(Duration::from_millis(5));
        Ok(self.0.lock().unwrap().put(account, write))
    }
}

impl Harness for TwoSteps {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}

/// Other handles see the writes of a handle (dirty reads). Dropping a handle undoes its writes.
#[derive(Default)]
pub(crate) struct RolledBack(Arc<Mutex<Rows>>);

pub(crate) struct Request {
    rows: Arc<Mutex<Rows>>,
    undo: Mutex<Vec<(AccountId, Option<StoredRecord>)>>,
}

impl blocking::Store for Request {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        TwoSteps(Arc::clone(&self.rows)).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut rows = self.rows.lock().unwrap();
        if rows.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        let before = rows.0.get(account).map(|(stored, _)| stored.clone());
        self.undo.lock().unwrap().push((account.clone(), before));
        Ok(rows.put(account, write))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut rows = self.rows.lock().unwrap();
        for (account, before) in self.undo.get_mut().unwrap().drain(..).rev() {
            match before {
                Some(stored) => rows.0.insert(account, (stored, 1)),
                None => rows.0.remove(&account),
            };
        }
    }
}

impl Harness for RolledBack {
    type Store = blocking::Adapter<Request>;

    fn open(&self) -> Self::Store {
        let (rows, undo) = (Arc::clone(&self.0), Mutex::default());
        blocking::Adapter::new(Request { rows, undo })
    }
}

/// Each handle caches an account until the same handle writes that account.
#[derive(Default)]
pub(crate) struct Cached(Arc<Mutex<Rows>>);

pub(crate) struct Caching {
    rows: TwoSteps,
    cache: Mutex<HashMap<AccountId, Option<StoredRecord>>>,
}

impl blocking::Store for Caching {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let mut cache = self.cache.lock().unwrap();
        if let Some(cached) = cache.get(account) {
            return Ok(cached.clone());
        }
        let loaded = self.rows.load(account)?;
        cache.insert(account.clone(), loaded.clone());
        Ok(loaded)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        self.cache.lock().unwrap().remove(account);
        let mut rows = self.rows.0.lock().unwrap();
        if rows.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        Ok(rows.put(account, write))
    }
}

impl Harness for Cached {
    type Store = blocking::Adapter<Caching>;

    fn open(&self) -> Self::Store {
        let (rows, cache) = (TwoSteps(Arc::clone(&self.0)), Mutex::default());
        blocking::Adapter::new(Caching { rows, cache })
    }
}

/// The third and every later handle reads from a replica. The replica is current when it is opened,
/// and shows each later write one load too late.
#[derive(Default)]
pub(crate) struct Lagging {
    rows: TwoSteps,
    before: Arc<Mutex<HashMap<AccountId, StoredRecord>>>,
    open: Arc<AtomicUsize>,
}

pub(crate) struct Replica {
    store: Lagging,
    lags: bool,
    seen: Mutex<HashMap<AccountId, Revision>>,
}

impl blocking::Store for Replica {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let Some(stored) = self.store.rows.load(account)? else {
            return Ok(None);
        };
        let mut seen = self.seen.lock().unwrap();
        let seen = seen.insert(account.clone(), stored.revision);
        let before = self.store.before.lock().unwrap().get(account).cloned();
        let is_new = seen.is_some_and(|seen| seen != stored.revision);
        Ok(before.filter(|_| self.lags && is_new).or(Some(stored)))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut rows = self.store.rows.0.lock().unwrap();
        if rows.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        if let Some((stored, _)) = rows.0.get(account) {
            let mut before = self.store.before.lock().unwrap();
            before.insert(account.clone(), stored.clone());
        }
        Ok(rows.put(account, write))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.store.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Harness for Lagging {
    type Store = blocking::Adapter<Replica>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(Replica {
            lags: self.open.fetch_add(1, Ordering::SeqCst) >= 2,
            store: Self {
                rows: self.rows.clone(),
                before: Arc::clone(&self.before),
                open: Arc::clone(&self.open),
            },
            seen: Mutex::default(),
        })
    }
}
