//! The layers between a verifier and its database: what was sent, what goes wrong, what landed.

use crate::books::Books;
use countersign::conformance::Faulty;
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::{AccountId, Timestamp};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

pub(crate) type SharedBooks = Arc<Mutex<Books>>;

/// The database. Its calls are ready at once.
pub(crate) trait Database: Store<Error = Infallible> + Clone + Default + 'static {}

impl Database for MemoryStore {}

/// What one operation has for a store: it writes down when it loaded, and what it sent.
pub(crate) struct Sender<D> {
    pub(crate) operation: usize,
    pub(crate) clock: crate::world::MachineClock,
    pub(crate) books: SharedBooks,
    pub(crate) faulty: Faulty<Landing<D>>,
}

impl<D: Database> Store for Sender<D> {
    type Error = Box<dyn std::error::Error + Send + Sync>;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.books.lock().unwrap().calls();
        let stored = self.faulty.load(account).await;
        // The verifier reads the clock right after this, before anything else can happen.
        let now: Timestamp = countersign::runtime::Clock::now(&self.clock);
        let mut books = self.books.lock().unwrap();
        books.loaded(self.operation, now);
        let seen = stored.as_ref().ok();
        books
            .tracks
            .loads(seen.map(|it| it.as_ref().map(|stored| stored.revision.as_i64())));
        stored
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.books.lock().unwrap().calls();
        self.books.lock().unwrap().sent(self.operation, &swap);
        let swapped = self.faulty.compare_and_swap(account, swap).await;
        let seen = swapped.as_ref().ok();
        self.books.lock().unwrap().tracks.sees(seen);
        swapped
    }
}

/// Right above the database: it writes down what landed.
#[derive(Clone)]
pub(crate) struct Landing<D> {
    pub(crate) database: D,
    pub(crate) books: SharedBooks,
}

impl<D: Database> Store for Landing<D> {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let stored = self.database.load(account).await;
        self.books.lock().unwrap().acted();
        stored
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let Ok(swapped) = self.database.compare_and_swap(account, swap).await;
        let mut books = self.books.lock().unwrap();
        books.acted();
        let done = swapped == WriteResult::Done;
        books.tracks.reaches(swap.revision().as_i64(), done);
        match swapped {
            WriteResult::Done => books.landed(&swap),
            WriteResult::Stale => books.refused(&swap),
        }
        Ok(swapped)
    }
}

/// A database that was broken on purpose: it writes without comparing.
#[derive(Clone, Default)]
pub(crate) struct WithoutCompare(MemoryStore);

impl Database for WithoutCompare {}

impl Store for WithoutCompare {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        Store::load(&self.0, account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let Ok(stored) = Store::load(&self.0, account).await;
        let there = stored.map(|stored| stored.revision);
        let forced = match (swap.record(), there) {
            (Some(record), there) => {
                ConditionalWrite::put(there, swap.revision(), record, swap.kind(), swap.summary())
            }
            (None, Some(there)) => ConditionalWrite::erase(there, swap.revision(), swap.summary()),
            (None, None) => return Ok(WriteResult::Done),
        };
        Store::compare_and_swap(&self.0, account, forced).await
    }
}
