use core::error::Error;
use std::boxed::Box;
use std::sync::Arc;

use super::{ConditionalWrite, StoredRecord, WriteResult};
use crate::AccountId;

/// [`Store`](crate::store::Store) without futures, for applications and databases that block.
///
/// The contract is the same: every rule of [`Store`](crate::store::Store) applies, and wrong
/// answers have the same consequences. [`Adapter`] turns an implementation into a
/// [`Store`](crate::store::Store).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `countersign::blocking::Store`",
    label = "this type does not implement `countersign::blocking::Store`",
    note = "a `countersign::store::Store` needs no adapter: pass it to `Verifier::builder`"
)]
pub trait Store: Send + Sync {
    /// The error of a call to the database.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static;

    /// Loads the account's record and its revision, or returns `None`: see
    /// [`Store::load`](crate::store::Store::load).
    ///
    /// # Errors
    /// Any error after which the store is not sure of the answer. Never return `None` then.
    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error>;

    /// Compares the account's revision and writes, in one atomic step: see
    /// [`Store::compare_and_swap`](crate::store::Store::compare_and_swap).
    ///
    /// # Errors
    /// Any error after which the store is not sure that the write is durable, or that nothing
    /// changed.
    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        (**self).compare_and_swap(account, write)
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        (**self).compare_and_swap(account, write)
    }
}

/// Turns a blocking store into a [`Store`](crate::store::Store).
///
/// Its futures do the work when they are first polled, and are ready then. On an async executor, a
/// call blocks the thread for as long as the database takes. Use the adapter where blocking does no
/// harm: on a thread of its own, or over a database in memory. Otherwise call the verifier inside
/// `spawn_blocking`.
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

    /// Returns the blocking store by reference.
    pub const fn get_ref(&self) -> &S {
        &self.0
    }

    /// Returns the blocking store.
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
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.0.compare_and_swap(account, write)
    }
}
