use countersign::AccountId;

use crate::server::Address;

/// Some of the accounts of a store, from [`RedisStore::accounts`](crate::RedisStore::accounts).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The accounts, in no order. There can be none on a page that others follow.
    pub accounts: Vec<AccountId>,
    /// Where the next page begins, or `None` if this is the last one.
    pub next: Option<Cursor>,
}

/// A place in a walk through the accounts of a store. The default is the beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The node of a cluster.
    pub(crate) node: Option<Address>,
    /// What the server called the place.
    pub(crate) at: u64,
}
