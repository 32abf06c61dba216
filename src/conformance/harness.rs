use super::Effort;
use crate::Store;
use crate::testing::block_on;

/// How the suite reaches the store that it is to check.
///
/// A store over tokio brings its runtime, which must be a multi-threaded one, since the cases call
/// [`block_on`](Self::block_on) from many threads at once:
///
/// ```
/// # use countersign::{MemoryStore as PoolStore, conformance::Harness};
/// # mod tokio { pub mod runtime { pub struct Runtime; impl Runtime {
/// #     pub fn block_on<F: Future>(&self, future: F) -> F::Output { countersign::testing::block_on(future) }
/// # } } }
/// struct OnTokio {
///     runtime: tokio::runtime::Runtime,
///     store: PoolStore,
/// }
///
/// impl Harness for OnTokio {
///     type Store = PoolStore;
///
///     fn open(&self) -> PoolStore {
///         self.store.clone()
///     }
///
///     fn block_on<F: Future>(&self, future: F) -> F::Output {
///         self.runtime.block_on(future)
///     }
/// }
/// ```
pub trait Harness: Sync {
    /// The store to check.
    type Store: Store;

    /// Another handle on the same database. Called several times in a case.
    ///
    /// Give what one request of the host's service gets. If two machines or processes would each have a pool of their own,
    /// give a new pool: then the suite sees what each keeps to itself.
    fn open(&self) -> Self::Store;

    /// Runs a future of the store to its end. As it stands for stores that need no runtime.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }
    /// How rare a fault the suite finds. As it stands: one that hits one call in 1,000.
    fn effort(&self) -> Effort {
        Effort::default()
    }
}
