//! A store that lets no attempt of a race write before all attempts have read the record.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use countersign::AccountId;
use countersign::store::{BoxStore, ConditionalWrite, Revision, Store, StoredRecord, WriteResult};
use tokio::sync::{Semaphore, watch};

/// A store for the attempts of one process. After [`close`](Self::close), each load waits until
/// [`open`](Self::open).
#[derive(Debug, Clone)]
pub(crate) struct StartingLine {
    store: BoxStore,
    round: Arc<Round>,
}

#[derive(Debug)]
struct Round {
    is_open: watch::Sender<bool>,
    /// A permit for each load that has read the record and waits.
    waiting: Semaphore,
    /// The revision that these loads have read.
    revision: Mutex<Option<Revision>>,
    refused: AtomicUsize,
}

impl StartingLine {
    pub(crate) fn new(store: BoxStore) -> Self {
        let round = Round {
            is_open: watch::Sender::new(true),
            waiting: Semaphore::new(0),
            revision: Mutex::new(None),
            refused: AtomicUsize::new(0),
        };
        let round = Arc::new(round);
        Self { store, round }
    }

    /// Begins a round.
    pub(crate) fn close(&self) {
        self.round.refused.store(0, Ordering::SeqCst);
        self.round.is_open.send_replace(false);
    }

    /// Waits until this number of loads have read the record.
    pub(crate) async fn wait_for(&self, loads: usize) {
        let loads = loads.try_into().unwrap();
        let permits = self.round.waiting.acquire_many(loads).await;
        permits.unwrap().forget();
    }

    /// Lets the loads return.
    pub(crate) fn open(&self) {
        self.round.is_open.send_replace(true);
    }

    /// How many writes over the revision of these loads were refused.
    pub(crate) fn refused(&self) -> usize {
        self.round.refused.load(Ordering::SeqCst)
    }
}

impl Store for StartingLine {
    type Error = <BoxStore as Store>::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        let loaded = self.store.load(account).await;
        let mut is_open = self.round.is_open.subscribe();
        if !*is_open.borrow() {
            if let Ok(Some(stored)) = &loaded {
                *self.round.revision.lock().unwrap() = Some(stored.revision);
            }
            self.round.waiting.add_permits(1);
            is_open.wait_for(|is_open| *is_open).await.unwrap();
        }
        loaded
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        let result = self.store.compare_and_swap(account, write).await;
        let is_first = write.expected() == *self.round.revision.lock().unwrap();
        if is_first && matches!(result, Ok(WriteResult::Stale)) {
            self.round.refused.fetch_add(1, Ordering::SeqCst);
        }
        result
    }
}
