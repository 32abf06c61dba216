//! Records that a test writes without a verifier.

use countersign::AccountId;
use countersign::store::{BoxStore, Store, WriteResult};
use countersign_store_testing::sql;

/// Writes over a revision, or creates the record over 0. Returns the text of an error.
pub(crate) async fn write(
    store: &BoxStore,
    account: &AccountId,
    over: i64,
) -> Result<WriteResult, String> {
    let write = sql::write((over > 0).then_some(over), over + 1, b"record");
    let answer = store.compare_and_swap(account, write).await;
    answer.map_err(|error| error.to_string())
}
