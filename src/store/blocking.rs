use core::error::Error;
use std::boxed::Box;
use std::sync::Arc;

use crate::AccountId;
use crate::store::{ConditionalWrite, StoredRecord, WriteResult};

/// [`Store`](crate::store::Store) without futures: the same contract, word for word, for hosts and databases that block.
///
/// All rules there hold here, and so do the dangers of each wrong answer. [`Adapter`] turns an
/// implementation into a [`Store`](crate::store::Store).
pub trait Store: Send + Sync {
    /// What can go wrong on the way to the database.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static;

    /// The account's record and its revision, or `None`: see [`Store::load`](crate::store::Store::load).
    ///
    /// # Errors
    /// Whatever keeps the store from knowing. Never answer `None` for that.
    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error>;

    /// Atomically compares the revision and swaps the record: see
    /// [`Store::compare_and_swap`](crate::store::Store::compare_and_swap).
    ///
    /// # Errors
    /// Whatever keeps the store from knowing that the swap is durable, or that nothing changed.
    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error>;
}

impl<S: Store + ?Sized> Store for &S {
    type Error = S::Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        (**self).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        (**self).compare_and_swap(account, swap)
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    type Error = S::Error;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        (**self).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        (**self).compare_and_swap(account, swap)
    }
}

/// Makes a blocking store a [`Store`](crate::store::Store): its futures do the work when they are first polled, and are ready
/// then.
///
/// On an async executor that blocks the thread for as long as the database takes. Use it where that is well (a thread of
/// its own, a database in memory), and `spawn_blocking` where it is not.
///
/// ```
/// use countersign::{AccountId, blocking};
/// use countersign::store::{MemoryStore, Store};
///
/// async fn has_record(store: impl Store, account: &AccountId) -> bool {
///     matches!(store.load(account).await, Ok(Some(_)))
/// }
///
/// let account = AccountId::from(4711_u64);
/// let future = has_record(blocking::Adapter::new(MemoryStore::new()), &account);
/// # drop(future);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Adapter<S>(S);

impl<S: Store> Adapter<S> {
    /// Wraps a blocking store.
    pub const fn new(store: S) -> Self {
        Self(store)
    }

    /// The blocking store.
    pub const fn get_ref(&self) -> &S {
        &self.0
    }

    /// The blocking store again.
    pub fn into_inner(self) -> S {
        self.0
    }
}

impl<S: Store> crate::store::Store for Adapter<S> {
    type Error = S::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.0.load(account)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.0.compare_and_swap(account, swap)
    }
}
