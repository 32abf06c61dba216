//! Stores that lose or mix up one account while others are in use, or after some time.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use countersign::conformance::Harness;
use countersign::store::{ConditionalWrite, Revision, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

use crate::handles::TwoSteps;

/// Keeps all accounts in one file. A write reads the file, and replaces it a moment later. Each
/// account has its own lock.
#[derive(Clone, Default)]
pub(crate) struct OneFile {
    file: TwoSteps,
    locks: Arc<Mutex<HashMap<AccountId, Arc<Mutex<()>>>>>,
}

impl blocking::Store for OneFile {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        self.file.load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let lock = Arc::clone(
            self.locks
                .lock()
                .unwrap()
                .entry(account.clone())
                .or_default(),
        );
        let _alone = lock.lock().unwrap();
        let mut rows = self.file.0.lock().unwrap().clone();
        if rows.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        thread::sleep(Duration::from_micros(100));
        let result = rows.put(account, write);
        *self.file.0.lock().unwrap() = rows;
        Ok(result)
    }
}

impl Harness for OneFile {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}

/// Stores the requested account in a shared field. A moment later, loads the account that is then
/// in the field.
#[derive(Clone, Default)]
pub(crate) struct MixedUp {
    rows: TwoSteps,
    asked: Arc<Mutex<Option<AccountId>>>,
}

impl blocking::Store for MixedUp {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        *self.asked.lock().unwrap() = Some(account.clone());
        thread::sleep(Duration::from_micros(20));
        let asked = self.asked.lock().unwrap().clone();
        self.rows.load(&asked.unwrap())
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut rows = self.rows.0.lock().unwrap();
        if rows.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        Ok(rows.put(account, write))
    }
}

impl Harness for MixedUp {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}

/// Removes a row some time after its write.
#[derive(Clone)]
pub(crate) struct Forgetful {
    rows: TwoSteps,
    written: Arc<Mutex<VecDeque<(AccountId, Revision, Instant)>>>,
    /// Decides by the number of remembered writes, and by the age of the oldest of them.
    forgets: fn(usize, Duration) -> bool,
}

impl Forgetful {
    pub(crate) fn new(forgets: fn(usize, Duration) -> bool) -> Self {
        Self {
            rows: TwoSteps::default(),
            written: Arc::default(),
            forgets,
        }
    }

    fn forget(&self) {
        let mut written = self.written.lock().unwrap();
        while let Some((account, revision, at)) = written.front()
            && (self.forgets)(written.len(), at.elapsed())
        {
            let mut rows = self.rows.0.lock().unwrap();
            if rows.revision(account) == Some(*revision) {
                rows.0.remove(account);
            }
            drop(rows);
            written.pop_front();
        }
    }
}

impl blocking::Store for Forgetful {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        self.forget();
        self.rows.load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        self.forget();
        let mut written = self.written.lock().unwrap();
        let mut rows = self.rows.0.lock().unwrap();
        if rows.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        written.push_back((account.clone(), write.revision(), Instant::now()));
        Ok(rows.put(account, write))
    }
}

impl Harness for Forgetful {
    type Store = blocking::Adapter<Self>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.clone())
    }
}
