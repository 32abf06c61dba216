//! The store that `docs/sql-drivers.md` shows satisfies the contract on a real MariaDB server, and
//! names the reason of each failure.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[allow(unreachable_pub, reason = "modules as an application has them")]
mod open;
#[allow(unreachable_pub, reason = "modules as an application has them")]
mod store;

use std::net::TcpListener;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use countersign::conformance::{Effort, Harness};
use countersign::store::{ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult};
use countersign::{AccountId, KeyId, Status};
use countersign_sql::{Dialect, RecordTable};
use countersign_store_testing::{Durability, Fault, MariaDb, Proxy, available, rarest_fault};
use mysql_async::TxOpts;
use mysql_async::prelude::Queryable;
use store::{Error, MySqlAsyncStore, pool};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// The server that all tests share. Without one, the test returns.
static SERVER: LazyLock<Option<MariaDb>> =
    LazyLock::new(|| available(MariaDb::start(Durability::Fast)));

/// A store on the table of this name, which exists afterwards.
async fn store(url: &str, name: &str) -> MySqlAsyncStore {
    let table = RecordTable::new(Dialect::MySql).with_table(name).unwrap();
    let store = MySqlAsyncStore {
        pool: pool(url).unwrap(),
        table,
    };
    store.run(store.table.create_table()).await.unwrap();
    store
}

#[tokio::test]
async fn the_verifier_opens() {
    let Some(server) = &*SERVER else { return };
    let verifier = open::open(&server.url(), &[7; 32]).await.unwrap();
    let status = verifier.status(&account()).await.unwrap();
    assert_eq!(status, Status::Absent);
    assert!(open::open(&server.url(), &[7; 31]).await.is_err());
}

/// The address of a pool of one connection, which goes through the proxy.
fn url_through(proxy: &Proxy, server: &MariaDb) -> String {
    let url = server.url_at(proxy.address());
    // The driver would move to the socket of a server on this computer.
    format!("{url}?prefer_socket=false&pool_min=1&pool_max=1")
}

fn account() -> AccountId {
    AccountId::from(1_u32)
}

fn write(expected: Option<i64>, new: i64) -> ConditionalWrite<'static> {
    let revision = |number| Revision::from_i64(number).unwrap();
    let summary = Summary::new(true, u32::MAX, KeyId::new(u32::MAX));
    let (expected, new) = (expected.map(revision), revision(new));
    ConditionalWrite::put(expected, new, b"the record", WriteKind::Accepted, summary)
}

async fn swap(
    store: &MySqlAsyncStore,
    expected: Option<i64>,
    new: i64,
) -> Result<WriteResult, Error> {
    store
        .compare_and_swap(&account(), write(expected, new))
        .await
}

async fn revision(store: &MySqlAsyncStore) -> Option<i64> {
    let stored = store.load(&account()).await.unwrap();
    stored.map(|stored| stored.revision.as_i64())
}

struct Handles {
    runtime: Runtime,
    store: Arc<MySqlAsyncStore>,
}

impl Harness for Handles {
    type Store = Arc<MySqlAsyncStore>;

    fn open(&self) -> Self::Store {
        Arc::clone(&self.store)
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn effort(&self) -> Effort {
        Effort::default().one_in(rarest_fault(200))
    }
}

mod conformance {
    use super::*;

    countersign::conformance_tests!(match &*SERVER {
        Some(server) => {
            let runtime = Runtime::new().unwrap();
            // With the default of 100 connections, few tests at once exceed the limit of the server.
            let url = format!("{}?pool_max=16", server.url());
            let store = runtime.block_on(store(&url, "countersign"));
            let store = Arc::new(store);
            Handles { runtime, store }
        }
        None => return Ok(()),
    });
}

/// The trap: the application drops its transaction, and the store gets the connection.
#[tokio::test]
async fn a_transaction_of_the_application_takes_no_write_with_it() {
    let Some(server) = &*SERVER else { return };
    let url = format!("{}?pool_min=1&pool_max=1", server.url());
    let store = store(&url, "transactions").await;
    let mut connection = store.pool.get_conn().await.unwrap();
    connection.query_drop("SET autocommit = 0").await.unwrap();
    connection.query_drop("BEGIN").await.unwrap();
    drop(connection);
    assert_eq!(swap(&store, None, 1).await.unwrap(), WriteResult::Done);
    let transaction = store.pool.start_transaction(TxOpts::default()).await;
    drop(transaction.unwrap());
    assert_eq!(swap(&store, Some(1), 2).await.unwrap(), WriteResult::Done);

    let other = pool(&server.url()).unwrap();
    let mut connection = other.get_conn().await.unwrap();
    let sql = "SELECT revision FROM transactions";
    let stored: Option<i64> = connection.query_first(sql).await.unwrap();
    assert_eq!(stored, Some(2));
}

#[tokio::test]
async fn a_silent_server_is_a_timeout() {
    let Some(server) = &*SERVER else { return };
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store(&url_through(&proxy, server), "timeouts").await;
    proxy.inject(b"the record", Fault::BlackHole);
    let error = swap(&store, None, 1).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    // The pool has one connection, and the silent one is no longer in it.
    assert_eq!(revision(&store).await, Some(1));
}

#[tokio::test]
async fn a_lost_answer_is_an_error() {
    let Some(server) = &*SERVER else { return };
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store(&url_through(&proxy, server), "lost_answers").await;
    proxy.inject(b"the record", Fault::DropReply);
    let error = swap(&store, None, 1).await.unwrap_err();
    assert!(matches!(error, Error::ConnectionLost(_)), "{error:?}");
    assert_eq!(revision(&store).await, Some(1));
}

#[tokio::test]
async fn a_dropped_call_frees_its_connection() {
    let Some(server) = &*SERVER else { return };
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store(&url_through(&proxy, server), "dropped").await;
    proxy.inject(b"the record", Fault::Stall(Duration::from_secs(1)));
    let mut call = Box::pin(swap(&store, None, 1));
    let moment = Duration::from_millis(10);
    while proxy.injected() == 0 && timeout(moment, &mut call).await.is_err() {}
    assert_eq!(proxy.injected(), 1);
    drop(call);
    // The pool has one connection, and the one of the dropped call is no longer in it.
    assert_eq!(revision(&store).await, Some(1));
}

#[tokio::test]
async fn a_locked_row_is_an_error() {
    let Some(server) = &*SERVER else { return };
    let store = store(&server.url(), "locks").await;
    assert_eq!(swap(&store, None, 1).await.unwrap(), WriteResult::Done);
    let transaction = store.pool.start_transaction(TxOpts::default()).await;
    let mut transaction = transaction.unwrap();
    let lock = "SELECT revision FROM locks FOR UPDATE";
    let locked: Option<i64> = transaction.query_first(lock).await.unwrap();
    assert_eq!(locked, Some(1));
    let error = swap(&store, Some(1), 2).await.unwrap_err();
    assert!(matches!(error, Error::Locked(_)), "{error:?}");
    // A load waits for no row.
    assert_eq!(revision(&store).await, Some(1));
    transaction.rollback().await.unwrap();
}

#[tokio::test]
async fn errors_name_the_table() {
    let Some(server) = &*SERVER else { return };
    let store = store(&server.url(), "errors").await;
    assert_eq!(swap(&store, None, 1).await.unwrap(), WriteResult::Done);
    let mut connection = store.pool.get_conn().await.unwrap();
    let other_type = "ALTER TABLE errors MODIFY revision DATE NULL, ALGORITHM = COPY";
    connection.query_drop("SET sql_mode = ''").await.unwrap();
    connection.query_drop(other_type).await.unwrap();
    let error = store.load(&account()).await.unwrap_err();
    assert!(
        matches!(&error, Error::WrongTable { table, .. } if table == "errors"),
        "{error:?}"
    );
    connection.query_drop("DROP TABLE errors").await.unwrap();
    let error = store.load(&account()).await.unwrap_err();
    assert!(
        matches!(&error, Error::NoTable { table, .. } if table == "errors"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_absent_server_is_unreachable() {
    let Some(server) = &*SERVER else { return };
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = server.url_at(free.local_addr().unwrap());
    drop(free);
    let absent = MySqlAsyncStore {
        pool: pool(&url).unwrap(),
        table: RecordTable::new(Dialect::MySql),
    };
    let error = absent.load(&account()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}
