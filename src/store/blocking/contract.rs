use core::error::Error;
use std::boxed::Box;
use std::sync::Arc;

use crate::{AccountId, Stored, Swap, Swapped};

/// [`Store`](crate::Store) without futures: the same contract, word for word, for hosts and databases that block.
///
/// All rules there hold here, and so do the dangers of each wrong answer. [`Adapter`](super::Adapter) turns an
/// implementation into a [`Store`](crate::Store).
pub trait Store: Send + Sync {
    /// What can go wrong on the way to the database.
    type Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static;

    /// The account's record and its revision, or `None`: see [`Store::load`](crate::Store::load).
    ///
    /// # Errors
    /// Whatever keeps the store from knowing. Never answer `None` for that.
    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Self::Error>;

    /// Atomically compares the revision and swaps the record: see
    /// [`Store::compare_and_swap`](crate::Store::compare_and_swap).
    ///
    /// # Errors
    /// Whatever keeps the store from knowing that the swap is durable, or that nothing changed.
    fn compare_and_swap(&self, account: &AccountId, swap: Swap<'_>)
    -> Result<Swapped, Self::Error>;
}

impl<S: Store + ?Sized> Store for &S {
    type Error = S::Error;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Self::Error> {
        (**self).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: Swap<'_>,
    ) -> Result<Swapped, Self::Error> {
        (**self).compare_and_swap(account, swap)
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    type Error = S::Error;

    fn load(&self, account: &AccountId) -> Result<Option<Stored>, Self::Error> {
        (**self).load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: Swap<'_>,
    ) -> Result<Swapped, Self::Error> {
        (**self).compare_and_swap(account, swap)
    }
}
