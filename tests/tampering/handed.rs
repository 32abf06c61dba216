//! A store that hands out what it is given.

use core::convert::Infallible;
use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use std::sync::{Arc, Mutex};

/// One record for whatever account is asked for. Its clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct Handed(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    stored: Option<StoredRecord>,
    writes: usize,
}

impl Handed {
    pub(crate) fn hand(&self, record: &[u8], like: &StoredRecord) {
        let stored = StoredRecord::new(record.to_vec(), like.revision);
        self.0.lock().unwrap().stored = Some(stored);
    }

    pub(crate) fn stored(&self) -> StoredRecord {
        self.0.lock().unwrap().stored.clone().unwrap()
    }

    /// How often it was written to.
    pub(crate) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl Store for Handed {
    type Error = Infallible;

    async fn load(&self, _: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Ok(self.0.lock().unwrap().stored.clone())
    }

    async fn compare_and_swap(
        &self,
        _: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut state = self.0.lock().unwrap();
        if state.stored.as_ref().map(|stored| stored.revision) != swap.expected() {
            return Ok(WriteResult::Stale);
        }
        state.writes += 1;
        state.stored = swap
            .record()
            .map(|record| StoredRecord::new(record.to_vec(), swap.revision()));
        Ok(WriteResult::Done)
    }
}
