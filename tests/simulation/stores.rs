//! The layers between a verifier and the database. They record what was sent and what landed.

use crate::checker::Checker;
use countersign::conformance::Faulty;
use countersign::store::{ConditionalWrite, MemoryStore, Store, StoredRecord, WriteResult};
use countersign::{AccountId, Timestamp};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

pub(crate) type SharedChecker = Arc<Mutex<Checker>>;

/// The database. Its calls return at once.
pub(crate) trait Database: Store<Error = Infallible> + Clone + Default + 'static {}

impl Database for MemoryStore {}

/// The store of one operation. It records when the operation loaded, and what it sent.
pub(crate) struct Sender<D> {
    pub(crate) operation: usize,
    pub(crate) clock: crate::world::OffsetClock,
    pub(crate) checker: SharedChecker,
    pub(crate) faulty: Faulty<Landing<D>>,
}

impl<D: Database> Store for Sender<D> {
    type Error = Box<dyn std::error::Error + Send + Sync>;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.checker.lock().unwrap().calls();
        let stored = self.faulty.load(account).await;
        // The verifier reads the clock right after this load, before anything else runs.
        let now: Timestamp = countersign::runtime::Clock::now(&self.clock);
        let mut checker = self.checker.lock().unwrap();
        checker.loaded(self.operation, now);
        let seen = stored.as_ref().ok();
        checker
            .state_hash
            .loads(seen.map(|it| it.as_ref().map(|stored| stored.revision.as_i64())));
        stored
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.checker.lock().unwrap().calls();
        self.checker.lock().unwrap().sent(self.operation, &write);
        let result = self.faulty.compare_and_swap(account, write).await;
        let seen = result.as_ref().ok();
        self.checker.lock().unwrap().state_hash.sees(seen);
        result
    }
}

/// The layer above the database. It records what landed.
#[derive(Clone)]
pub(crate) struct Landing<D> {
    pub(crate) database: D,
    pub(crate) checker: SharedChecker,
}

impl<D: Database> Store for Landing<D> {
    type Error = Infallible;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let stored = self.database.load(account).await;
        self.checker.lock().unwrap().acted();
        stored
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let Ok(result) = self.database.compare_and_swap(account, write).await;
        let mut checker = self.checker.lock().unwrap();
        checker.acted();
        let done = result == WriteResult::Done;
        checker.state_hash.reaches(write.revision().as_i64(), done);
        match result {
            WriteResult::Done => checker.landed(&write),
            WriteResult::Stale => checker.refused(&write),
        }
        Ok(result)
    }
}

/// A faulty database that writes without comparing revisions.
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let Ok(stored) = Store::load(&self.0, account).await;
        let there = stored.map(|stored| stored.revision);
        let forced = match (write.record(), there) {
            (Some(record), there) => ConditionalWrite::put(
                there,
                write.revision(),
                record,
                write.kind(),
                write.summary(),
            ),
            (None, Some(there)) => {
                ConditionalWrite::erase(there, write.revision(), write.summary())
            }
            (None, None) => return Ok(WriteResult::Done),
        };
        Store::compare_and_swap(&self.0, account, forced).await
    }
}
