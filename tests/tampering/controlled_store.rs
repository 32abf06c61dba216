//! A store that returns the record that the test has set.

use core::convert::Infallible;
use countersign::AccountId;
use countersign::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use std::sync::{Arc, Mutex};

/// Returns one record for every account. The clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct ControlledStore(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    stored: Option<StoredRecord>,
    writes: usize,
}

impl ControlledStore {
    pub(crate) fn set(&self, record: &[u8], like: &StoredRecord) {
        let stored = StoredRecord::new(record.to_vec(), like.revision);
        self.0.lock().unwrap().stored = Some(stored);
    }

    pub(crate) fn stored(&self) -> StoredRecord {
        self.0.lock().unwrap().stored.clone().unwrap()
    }

    /// How many writes the store has made.
    pub(crate) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl Store for ControlledStore {
    type Error = Infallible;

    async fn load(&self, _: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Ok(self.0.lock().unwrap().stored.clone())
    }

    async fn compare_and_swap(
        &self,
        _: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut state = self.0.lock().unwrap();
        if state.stored.as_ref().map(|stored| stored.revision) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        state.writes += 1;
        state.stored = write
            .record()
            .map(|record| StoredRecord::new(record.to_vec(), write.revision()));
        Ok(WriteResult::Done)
    }
}
