//! A store that knows whether an attempt was counted as a failure. A repeat of a form is not.

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone)]
pub(super) struct CountsFailures<S> {
    store: S,
    counted: Arc<AtomicBool>,
}

impl<S> CountsFailures<S> {
    pub(super) fn new(store: S) -> Self {
        let counted = Arc::default();
        Self { store, counted }
    }

    pub(super) fn has_counted(&self) -> bool {
        self.counted.load(Ordering::Relaxed)
    }
}

impl<S: Store> Store for CountsFailures<S> {
    type Error = S::Error;

    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, S::Error>> + Send {
        self.store.load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, S::Error>> + Send {
        if matches!(write.kind(), WriteKind::Rejected | WriteKind::Reserved) {
            self.counted.store(true, Ordering::Relaxed);
        }
        self.store.compare_and_swap(account, write)
    }
}
