//! Shared parts of the tests.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use countersign::store::{ConditionalWrite, Store, StoredRecord, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId};
use countersign_diesel::{AccountColumn, Error};
pub(crate) use countersign_store_testing::sql::{account, revision, table, write};

use crate::databases::Database;
use crate::kinds::{Kind, PATIENT, TestStore};

/// A store with at most 16 connections.
pub(crate) async fn at<K: Kind>(database: &Database, table: &str) -> K::Store {
    on::<K>(&K::open(&database.url, 16).await, table)
}

pub(crate) fn on<K: Kind>(pool: &K::Pool, table: &str) -> K::Store {
    K::store(pool).with_table(table).with_timeout(PATIENT)
}

/// A store on a table of its own.
pub(crate) async fn store<K: Kind>(pool: &K::Pool) -> K::Store {
    store_of::<K>(AccountColumn::Text, pool).await
}

pub(crate) async fn store_of<K: Kind>(column: AccountColumn, pool: &K::Pool) -> K::Store {
    let store = on::<K>(pool, &table()).with_account_column(column);
    store.create_table().await.unwrap();
    store
}

/// Creates an account with the revision 1.
pub(crate) async fn create<S: Store<Error = Error>>(store: &S, account: &AccountId) {
    let result = store
        .compare_and_swap(account, write(None, 1, b"record"))
        .await;
    assert_eq!(result.unwrap(), WriteResult::Done);
}

/// Replaces the record of the account 1.
pub(crate) async fn overwrite(
    store: &impl Store<Error = Error>,
    expected: i64,
    new: i64,
) -> Result<WriteResult, Error> {
    store
        .compare_and_swap(&account(1), write(Some(expected), new, b"new"))
        .await
}

/// The stored record of the account 1.
pub(crate) async fn stored(store: &impl Store<Error = Error>) -> StoredRecord {
    store.load(&account(1)).await.unwrap().unwrap()
}

/// The output of a future, or `None` if the future needs more than `polls` polls. In that case, the
/// future is dropped.
pub(crate) async fn drop_after<F: Future>(polls: i64, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// A write of this kind over the revision `expected`.
pub(crate) fn write_of(
    kind: WriteKind,
    expected: i64,
    new: i64,
    record: &[u8],
) -> ConditionalWrite<'_> {
    let summary = Summary::new(true, 10, KeyId::new(1));
    ConditionalWrite::put(
        Some(revision(expected)),
        revision(new),
        record,
        kind,
        summary,
    )
}
