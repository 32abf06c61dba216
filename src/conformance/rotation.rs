//! A store on all nodes of a cluster, one after the other.

use crate::AccountId;
use crate::store::{ConditionalWrite, Store, StoredRecord, WriteResult};
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::vec::Vec;

/// A store for the conformance tests of a cluster: each call goes to the next node.
///
/// A cluster whose nodes all answer clients may show a write late on the other nodes. Handles on
/// one node do not see that. With this wrapper, every load follows a write on another node.
///
/// Make one store per node. Let [`Harness::open`](super::Harness::open) return a clone, because
/// clones share the turn:
///
/// ```
/// use countersign::conformance::{Harness, Rotation};
/// # use countersign::store::MemoryStore as PoolStore;
///
/// struct Cluster(Rotation<PoolStore>);
///
/// impl Cluster {
///     fn new(nodes: [PoolStore; 3]) -> Self {
///         let [first, others @ ..] = nodes;
///         Self(Rotation::new(first, others))
///     }
/// }
///
/// impl Harness for Cluster {
///     type Store = Rotation<PoolStore>;
///
///     fn open(&self) -> Rotation<PoolStore> {
///         self.0.clone()
///     }
/// }
/// # let store = PoolStore::new();
/// # let cluster = Cluster::new([store.clone(), store.clone(), store]);
/// # countersign::conformance::an_erased_record_is_gone(&cluster).unwrap();
/// ```
pub struct Rotation<S> {
    nodes: Arc<Nodes<S>>,
}

struct Nodes<S> {
    first: S,
    others: Vec<S>,
    turn: AtomicUsize,
}

impl<S> Rotation<S> {
    /// Makes a store on these nodes.
    pub fn new(first: S, others: impl IntoIterator<Item = S>) -> Self {
        let nodes = Arc::new(Nodes {
            first,
            others: others.into_iter().collect(),
            turn: AtomicUsize::new(0),
        });
        Self { nodes }
    }

    /// The node whose turn it is.
    fn next(&self) -> &S {
        let nodes = &self.nodes;
        let count = nodes.others.len().saturating_add(1);
        let turn = nodes.turn.fetch_add(1, Ordering::Relaxed);
        let turn = turn.checked_rem(count).unwrap_or_default();
        let other = turn
            .checked_sub(1)
            .and_then(|other| nodes.others.get(other));
        other.unwrap_or(&nodes.first)
    }
}

impl<S: Store> Store for Rotation<S> {
    type Error = S::Error;

    fn load(
        &self,
        account: &AccountId,
    ) -> impl Future<Output = Result<Option<StoredRecord>, S::Error>> + Send {
        self.next().load(account)
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> impl Future<Output = Result<WriteResult, S::Error>> + Send {
        self.next().compare_and_swap(account, write)
    }
}

impl<S> Clone for Rotation<S> {
    fn clone(&self) -> Self {
        let nodes = Arc::clone(&self.nodes);
        Self { nodes }
    }
}

impl<S> fmt::Debug for Rotation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes.others.len().saturating_add(1);
        f.debug_struct("Rotation")
            .field("nodes", &nodes)
            .finish_non_exhaustive()
    }
}
