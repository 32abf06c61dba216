//! Shared parts of the tests: conditional writes, account ids for other columns, and checks for
//! every store on a server.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

pub(crate) mod checks;
#[cfg(feature = "gate")]
pub(crate) mod outbox;
#[cfg(feature = "gate")]
pub(crate) mod sign_ins;
pub(crate) mod transactions;

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
pub(crate) use countersign_store_testing::sql::{
    MappedIds, account, erase, revision, table, to_number, to_uuid, write,
};

/// Creates an account with the revision 1.
pub(crate) async fn create<S: Store>(store: &S, account: &AccountId) {
    let result = store
        .compare_and_swap(account, write(None, 1, b"record"))
        .await;
    assert_eq!(result.map_err(Into::into).unwrap(), WriteResult::Done);
}
