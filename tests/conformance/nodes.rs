//! A cluster whose nodes compare the newest row, and answer loads from their own copy.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use countersign::conformance::{Harness, Rotation};
use countersign::store::{ConditionalWrite, StoredRecord, WriteResult};
use countersign::{AccountId, blocking};

use crate::rule_store::Rows;

/// A node's copy shows the writes of this node at once, and other writes one load too late.
#[derive(Clone, Default)]
pub(crate) struct Node {
    newest: Arc<Mutex<Rows>>,
    copy: Arc<Mutex<HashMap<AccountId, StoredRecord>>>,
}

impl Node {
    fn same_cluster(&self) -> Self {
        let (newest, copy) = (Arc::clone(&self.newest), Arc::default());
        Self { newest, copy }
    }

    /// Renews the copy of a row and returns what it had.
    fn copy(&self, newest: &Rows, account: &AccountId) -> Option<StoredRecord> {
        let mut copy = self.copy.lock().unwrap();
        match newest.0.get(account) {
            Some((stored, _)) => copy.insert(account.clone(), stored.clone()),
            None => copy.remove(account),
        }
    }
}

impl blocking::Store for Node {
    type Error = Infallible;

    fn load(&self, account: &AccountId) -> Result<Option<StoredRecord>, Infallible> {
        let newest = self.newest.lock().unwrap();
        Ok(self.copy(&newest, account))
    }

    fn compare_and_swap(
        &self,
        account: &AccountId,
        write: ConditionalWrite<'_>,
    ) -> Result<WriteResult, Infallible> {
        let mut newest = self.newest.lock().unwrap();
        if newest.revision(account) != write.expected() {
            return Ok(WriteResult::Stale);
        }
        let result = newest.put(account, write);
        self.copy(&newest, account);
        Ok(result)
    }
}

/// All handles are on one node.
#[derive(Default)]
pub(crate) struct OneNode(Node);

impl Harness for OneNode {
    type Store = blocking::Adapter<Node>;

    fn open(&self) -> Self::Store {
        blocking::Adapter::new(self.0.clone())
    }
}

/// Each call goes to the next of three nodes.
pub(crate) struct AllNodes(Rotation<blocking::Adapter<Node>>);

impl Default for AllNodes {
    fn default() -> Self {
        let first = Node::default();
        let others = [first.same_cluster(), first.same_cluster()];
        let others = others.map(blocking::Adapter::new);
        Self(Rotation::new(blocking::Adapter::new(first), others))
    }
}

impl Harness for AllNodes {
    type Store = Rotation<blocking::Adapter<Node>>;

    fn open(&self) -> Self::Store {
        self.0.clone()
    }
}
