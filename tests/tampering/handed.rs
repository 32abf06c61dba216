//! A store that hands out what it is given.

use core::convert::Infallible;
use countersign::{AccountId, Store, Stored, Swap, Swapped};
use std::sync::{Arc, Mutex};

/// One record for whatever account is asked for. Its clones are the same store.
#[derive(Clone, Default)]
pub(crate) struct Handed(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    stored: Option<Stored>,
    writes: usize,
}

impl Handed {
    pub(crate) fn hand(&self, record: &[u8], like: &Stored) {
        let stored = Stored::new(record.to_vec(), like.revision);
        self.0.lock().unwrap().stored = Some(stored);
    }

    pub(crate) fn stored(&self) -> Stored {
        self.0.lock().unwrap().stored.clone().unwrap()
    }

    /// How often it was written to.
    pub(crate) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl Store for Handed {
    type Error = Infallible;

    async fn load(&self, _: &AccountId) -> Result<Option<Stored>, Infallible> {
        Ok(self.0.lock().unwrap().stored.clone())
    }

    async fn compare_and_swap(&self, _: &AccountId, swap: Swap<'_>) -> Result<Swapped, Infallible> {
        let mut state = self.0.lock().unwrap();
        if state.stored.as_ref().map(|stored| stored.revision) != swap.expected() {
            return Ok(Swapped::Stale);
        }
        state.writes += 1;
        state.stored = swap
            .record()
            .map(|record| Stored::new(record.to_vec(), swap.revision()));
        Ok(Swapped::Done)
    }
}
