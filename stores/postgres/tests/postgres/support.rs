//! Shared parts of the tests.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;

use countersign::AccountId;
use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_postgres::{AccountColumn, Connections, Error, PostgresStore};
pub(crate) use countersign_store_testing::sql::{account, revision, table, write};
use countersign_store_testing::{Durability, Postgres, Proxy, available};
use tokio_postgres::{Client, Config};

use crate::kinds::{Deadpool, Kind, PATIENT, connect};

pub(crate) static SERVER: LazyLock<Option<Postgres>> =
    LazyLock::new(|| available(Postgres::start(Durability::Fast)));

pub(crate) fn config(server: &Postgres) -> Config {
    server.url().parse().unwrap()
}

pub(crate) fn config_behind(proxy: &Proxy, server: &Postgres) -> Config {
    server.url_at(proxy.address()).parse().unwrap()
}

/// A client of its own, for statements of the test.
pub(crate) async fn admin(server: &Postgres) -> Client {
    connect(&config(server)).await.unwrap()
}

/// Runs statements as text.
pub(crate) async fn run(server: &Postgres, sql: impl AsRef<str>) {
    admin(server)
        .await
        .batch_execute(sql.as_ref())
        .await
        .unwrap();
}

/// Connections of this kind, at most 16.
pub(crate) async fn open<K: Kind>(server: &Postgres) -> K::Connections {
    K::open(config(server), 16).await
}

pub(crate) fn at<C: Connections>(connections: &C, table: &str) -> PostgresStore<C> {
    let store = PostgresStore::new(connections.clone());
    store.with_table(table).unwrap().with_timeout(PATIENT)
}

/// A store on a table of its own.
pub(crate) async fn store<C: Connections>(connections: &C) -> PostgresStore<C> {
    store_of(AccountColumn::Text, connections).await
}

pub(crate) async fn store_of<C: Connections>(
    column: AccountColumn,
    connections: &C,
) -> PostgresStore<C> {
    let store = at(connections, &table()).with_account_column(column);
    store.create_table().await.unwrap();
    store
}

/// A store on a pool of deadpool, on a table of its own with the account 1.
pub(crate) async fn store_with_account(
    server: &Postgres,
    table: &str,
) -> PostgresStore<deadpool_postgres::Pool> {
    let store = at(&open::<Deadpool>(server).await, table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    store
}

/// Creates an account with the revision 1.
pub(crate) async fn create<S: Store>(store: &S, account: &AccountId) {
    let result = store
        .compare_and_swap(account, write(None, 1, b"record"))
        .await;
    assert_eq!(result.map_err(Into::into).unwrap(), WriteResult::Done);
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
