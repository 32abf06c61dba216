use core::error::Error;
use core::fmt;
use core::pin::Pin;
use std::boxed::Box;
use std::sync::Arc;

use super::{ConditionalWrite, Store, StoredRecord, WriteResult};
use crate::AccountId;

/// Any store, chosen at run time.
///
/// Clones share the one store. A call costs one allocation more than on the store itself.
///
/// ```
/// use countersign::store::{BoxStore, MemoryStore};
///
/// let database = std::env::var("DATABASE_URL").unwrap_or_else(|_| "memory".into());
/// let store = match database.as_str() {
///     "memory" => BoxStore::new(MemoryStore::new()),
///     // "sqlite:..." => BoxStore::new(SqliteStore::new(pool)),
///     other => return Err(format!("no such database: {other}").into()),
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct BoxStore(Arc<dyn ErasedStore>);

impl BoxStore {
    /// Boxes a store.
    pub fn new(store: impl Store + 'static) -> Self {
        Self(Arc::new(store))
    }
}

impl Store for BoxStore {
    type Error = BoxError;

    async fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Self::Error> {
        self.0.erased_load(account).await
    }

    async fn compare_and_swap(
        &self,
        account: &AccountId,
        swap: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Self::Error> {
        self.0.erased_compare_and_swap(account, swap).await
    }
}

impl fmt::Debug for BoxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxStore").finish_non_exhaustive()
    }
}

type BoxError = Box<dyn Error + Send + Sync>;
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`Store`] with futures of one type.
trait ErasedStore: Send + Sync {
    fn erased_load<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, Option<StoredRecord>>;

    fn erased_compare_and_swap<'a>(
        &'a self,
        account: &'a AccountId,
        swap: ConditionalWrite<'a>,
    ) -> BoxFuture<'a, WriteResult>;
}

impl<S: Store> ErasedStore for S {
    fn erased_load<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, Option<StoredRecord>> {
        Box::pin(async move { self.load(account).await.map_err(Into::into) })
    }

    fn erased_compare_and_swap<'a>(
        &'a self,
        account: &'a AccountId,
        swap: ConditionalWrite<'a>,
    ) -> BoxFuture<'a, WriteResult> {
        Box::pin(async move {
            self.compare_and_swap(account, swap)
                .await
                .map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[test]
    fn stores_and_their_futures_go_between_threads() {
        fn is_send<T: Send>(_: &T) {}
        fn is_send_sync<T: Send + Sync>(_: &T) {}
        let store = BoxStore::new(MemoryStore::new());
        let account = AccountId::from(1_u32);
        is_send_sync(&store);
        is_send(&store.load(&account));
        is_send(&Arc::new(&store).load(&account));
    }
}
