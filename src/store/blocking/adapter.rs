use super::Store;
use crate::{AccountId, Stored, Swap, Swapped};

/// Makes a blocking store a [`Store`](crate::Store): its futures do the work when they are first polled, and are ready
/// then.
///
/// On an async executor that blocks the thread for as long as the database takes. Use it where that is well (a thread of
/// its own, a database in memory), and `spawn_blocking` where it is not.
///
/// ```
/// use countersign::{AccountId, MemoryStore, Store, blocking};
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

impl<S: Store> crate::Store for Adapter<S> {
    type Error = S::Error;

    async fn load(&self, account: &AccountId) -> Result<Option<Stored>, Self::Error> {
        self.0.load(account)
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: Swap<'_>,
    ) -> Result<Swapped, Self::Error> {
        self.0.compare_and_swap(account, swap)
    }
}
