//! A store that refuses to switch the second factor off: the removal of an authenticator must leave
//! another one, also if two requests remove both at the same moment.

use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteKind, WriteResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::accounts::BoxError;

#[derive(Clone)]
pub(super) struct KeepOne<S> {
    store: S,
    refused: Arc<AtomicBool>,
}

impl<S> KeepOne<S> {
    pub(super) fn new(store: S) -> Self {
        let refused = Arc::default();
        Self { store, refused }
    }

    /// Whether the authenticator was the last one. Then nothing is written.
    pub(super) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

impl<S: Store> Store for KeepOne<S> {
    type Error = BoxError;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, BoxError> {
        self.store.load(account).await.map_err(Into::into)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, BoxError> {
        if write.kind() == WriteKind::Disabled {
            self.refused.store(true, Ordering::Relaxed);
            return Err("the authenticator is the last one".into());
        }
        let written = self.store.compare_and_swap(account, write).await;
        written.map_err(Into::into)
    }
}
