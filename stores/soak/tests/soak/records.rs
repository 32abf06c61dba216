//! Records that a test writes without a verifier.

use countersign::store::{
    BoxStore, ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult,
};
use countersign::{AccountId, KeyId};

pub(crate) fn revision(number: i64) -> Revision {
    Revision::from_i64(number).unwrap()
}

/// Writes over a revision, or creates the record over 0. Returns the texts of an error.
pub(crate) async fn write(
    store: &BoxStore,
    account: &AccountId,
    over: i64,
) -> Result<WriteResult, String> {
    let expected = (over > 0).then(|| revision(over));
    let summary = Summary::new(true, 10, KeyId::new(1));
    let (new, kind) = (revision(over + 1), WriteKind::Enrolled);
    let write = ConditionalWrite::put(expected, new, b"record", kind, summary);
    let answer = store.compare_and_swap(account, write).await;
    answer.map_err(|error| error.to_string())
}
