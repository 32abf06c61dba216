//! Stores that break when a call is dropped.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign::conformance::Harness;
use countersign::store::{ConditionalWrite, MemoryStore, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

use crate::handles::TwoSteps;

/// Returns `Pending` once.
pub(crate) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return std::task::Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// A pool that gets a connection back only when its call finishes.
#[derive(Clone, Default)]
pub(crate) struct Leaking {
    store: MemoryStore,
    lent: Arc<AtomicUsize>,
}

impl Leaking {
    const POOL: usize = 40;

    async fn lend<T>(
        &self,
        call: impl Future<Output = Result<T, Infallible>>,
    ) -> Result<T, &'static str> {
        if self.lent.fetch_add(1, Ordering::SeqCst) >= Self::POOL {
            return Err("no connection is left");
        }
        pause().await;
        let Ok(answer) = call.await;
        self.lent.fetch_sub(1, Ordering::SeqCst);
        Ok(answer)
    }
}

impl countersign::store::Store for Leaking {
    type Error = &'static str;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, &'static str> {
        self.lend(async { blocking::Store::load(&self.store, account) })
            .await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, &'static str> {
        self.lend(async { blocking::Store::compare_and_swap(&self.store, account, write) })
            .await
    }
}

impl Harness for Leaking {
    type Store = Self;

    fn open(&self) -> Self {
        self.clone()
    }
}

/// Writes a record in two parts. If the write is dropped between the parts, a load returns the
/// first part alone.
#[derive(Clone, Default)]
pub(crate) struct Tearing {
    rows: TwoSteps,
    writing: Arc<Mutex<HashSet<AccountId>>>,
}

/// Unlocks the account when the writer is dropped.
pub(crate) struct Writing<'a>(&'a Tearing, &'a AccountId);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.writing.lock().unwrap().remove(self.1);
    }
}

impl Tearing {
    async fn enter<'a>(&'a self, account: &'a AccountId) -> Writing<'a> {
        while !self.writing.lock().unwrap().insert(account.clone()) {
            pause().await;
        }
        Writing(self, account)
    }
}

impl countersign::store::Store for Tearing {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let _writing = self.enter(account).await;
        blocking::Store::load(&self.rows, account)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let _writing = self.enter(account).await;
        let Some(record) = write.record() else {
            let mut rows = self.rows.0.lock().unwrap();
            let stale = rows.revision(account) != write.expected();
            return Ok(if stale {
                WriteResult::Stale
            } else {
                rows.put(account, write)
            });
        };
        {
            let mut rows = self.rows.0.lock().unwrap();
            if rows.revision(account) != write.expected() {
                return Ok(WriteResult::Stale);
            }
            let first = &record[..record.len() / 2];
            let (kind, summary) = (write.kind(), write.summary());
            let part =
                ConditionalWrite::put(write.expected(), write.revision(), first, kind, summary);
            assert_eq!(rows.put(account, part), WriteResult::Done);
        }
        pause().await;
        Ok(self.rows.0.lock().unwrap().put(account, write))
    }
}

impl Harness for Tearing {
    type Store = Self;

    fn open(&self) -> Self {
        self.clone()
    }
}
