//! The store refuses a connection that could lose a write, and waits for a connection in use.

use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use countersign::blocking::Store;
use countersign::store::WriteResult;
use countersign_rusqlite::{
    Connections, Error, NoConnection, OneConnection, SqliteStore, blocking, configure,
};
use r2d2::Pool;
use rusqlite::Connection;

use crate::support::{Database, LONG, Manager, SHORT, account, create, stored, write};

fn on_one(database: &Database) -> (OneConnection, blocking::SqliteStore) {
    let connection = OneConnection::new(database.connection());
    let store = blocking::SqliteStore::new(connection.clone());
    store.create_table().unwrap();
    (connection, store)
}

fn is_refused(store: &blocking::SqliteStore) {
    let answer = store.compare_and_swap(&account(1), write(Some(1), 2, b"new"));
    assert!(matches!(answer, Err(Error::OpenTransaction)), "{answer:?}");
    let answer = store.load(&account(1));
    assert!(matches!(answer, Err(Error::OpenTransaction)), "{answer:?}");
}

#[test]
fn an_open_transaction_is_refused() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    create(&store, &account(1));
    for (begin, end) in [
        ("BEGIN", "ROLLBACK"),
        ("BEGIN IMMEDIATE", "COMMIT"),
        ("SAVEPOINT other", "RELEASE other"),
    ] {
        let sql = |sql| connection.connection(LONG).unwrap().execute_batch(sql);
        sql(begin).unwrap();
        is_refused(&store);
        sql(end).unwrap();
        assert_eq!(store.load(&account(1)).unwrap(), stored(b"record", 1));
    }
}

/// An unfinished statement keeps an old snapshot open, so a load would be out of date.
#[test]
fn an_unfinished_statement_is_refused() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    create(&store, &account(1));
    {
        let guard = connection.connection(LONG).unwrap();
        let mut select = guard.prepare("SELECT account FROM countersign").unwrap();
        let mut rows = select.query([]).unwrap();
        assert!(rows.next().unwrap().is_some());
        std::mem::forget(rows);
        std::mem::forget(select);
    }
    is_refused(&store);
}

#[test]
fn a_connection_that_can_lose_writes_is_refused() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    create(&store, &account(1));
    for (level, accepted) in [
        ("OFF", false),
        ("NORMAL", false),
        ("FULL", true),
        ("EXTRA", true),
    ] {
        let guard = connection.connection(LONG).unwrap();
        guard.pragma_update(None, "synchronous", level).unwrap();
        drop(guard);
        let answer = store.compare_and_swap(&account(2), write(Some(1), 2, b"new"));
        match answer {
            Ok(WriteResult::Stale) => assert!(accepted, "{level}"),
            Err(Error::UnsafeSetting { .. }) => assert!(!accepted, "{level}"),
            other => panic!("{level}: {other:?}"),
        }
        assert_eq!(store.load(&account(1)).unwrap(), stored(b"record", 1));
    }
}

#[test]
fn configure_makes_writes_durable() {
    let database = Database::new();
    let connection = Connection::open(database.path()).unwrap();
    connection
        .pragma_update(None, "synchronous", "OFF")
        .unwrap();
    configure(&connection).unwrap();
    let value = |name| {
        let text = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        connection.pragma_query_value(None, name, text).unwrap()
    };
    assert_eq!(value("journal_mode"), "wal".to_owned().into());
    assert_eq!(value("synchronous"), 2.into());
    assert_eq!(value("busy_timeout"), 4000.into());
}

#[test]
fn a_database_in_memory_has_one_connection() {
    let connection = Connection::open_in_memory().unwrap();
    configure(&connection).unwrap();
    let store = blocking::SqliteStore::new(OneConnection::new(connection));
    store.create_table().unwrap();
    create(&store, &account(1));
    assert_eq!(store.load(&account(1)).unwrap(), stored(b"record", 1));
}

#[test]
fn a_call_waits_for_the_connection() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    let store = store.with_timeout(LONG);
    let guard = connection.connection(LONG).unwrap();
    let (begun, begins) = channel();
    let loading = thread::spawn(move || {
        begun.send(()).unwrap();
        store.load(&account(1))
    });
    begins.recv().unwrap();
    drop(guard);
    assert_eq!(loading.join().unwrap().unwrap(), None);
}

#[test]
fn a_connection_in_use_is_an_error() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    let hasty = store.clone().with_timeout(SHORT);
    let guard = connection.connection(LONG).unwrap();
    let answer = hasty.load(&account(1));
    assert!(
        matches!(answer, Err(Error::NoConnection { limit: SHORT })),
        "{answer:?}"
    );
    drop(guard);
    assert_eq!(store.load(&account(1)).unwrap(), None);
}

/// Several threads give up while the connection is in use. Their turns go to the next thread.
#[test]
fn a_thread_that_gave_up_blocks_nobody() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    let guard = connection.connection(LONG).unwrap();
    for _ in 0..3 {
        assert!(store.clone().with_timeout(SHORT).load(&account(1)).is_err());
    }
    let patient = store.clone().with_timeout(LONG);
    let loading = thread::spawn(move || patient.load(&account(1)));
    drop(guard);
    assert_eq!(loading.join().unwrap().unwrap(), None);
    assert_eq!(store.load(&account(1)).unwrap(), None);
}

#[test]
fn a_panic_of_other_code_keeps_the_connection() {
    let database = Database::new();
    let (connection, store) = on_one(&database);
    let user = thread::spawn(move || {
        let _guard = connection.connection(LONG).unwrap();
        panic!("on purpose");
    });
    assert!(user.join().is_err());
    assert_eq!(store.load(&account(1)).unwrap(), None);
}

#[test]
fn an_exhausted_pool_is_an_error() {
    let database = Database::new();
    let pool = Pool::builder().max_size(1);
    let pool = pool.build(Manager(database.path())).unwrap();
    let store = blocking::SqliteStore::new(pool.clone()).with_timeout(LONG);
    store.create_table().unwrap();
    let hasty = store.clone().with_timeout(SHORT);
    let connection = pool.get().unwrap();
    let answer = hasty.load(&account(1));
    assert!(
        matches!(answer, Err(Error::NoConnection { .. })),
        "{answer:?}"
    );
    drop(connection);
    assert_eq!(store.load(&account(1)).unwrap(), None);
}

/// A pool of an application that opens a connection for each call.
struct NewConnections(Database);

impl Connections for NewConnections {
    type Connection<'a> = Box<Connection>;

    fn connection(&self, _: Duration) -> Result<Box<Connection>, NoConnection> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let opened = Connection::open_with_flags(self.0.path(), flags);
        Ok(Box::new(opened?))
    }
}

#[tokio::test]
async fn another_pool_reports_its_reason() {
    use countersign::store::Store;

    let database = Database::new();
    let missing = blocking::SqliteStore::new(NewConnections(Database::new()));
    let answer = SqliteStore::new(missing).load(&account(1)).await;
    assert!(matches!(answer, Err(Error::CannotOpen(_))), "{answer:?}");
    create(&database.store(), &account(1));
    let found = SqliteStore::new(blocking::SqliteStore::new(NewConnections(database)));
    assert_eq!(found.load(&account(1)).await.unwrap(), stored(b"record", 1));
}

/// SQLite answers some of them at once that the database is locked.
#[test]
fn connections_configure_a_new_database_at_the_same_time() {
    for _ in 0..50 {
        let database = Database::new();
        let barrier = Barrier::new(64);
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    barrier.wait();
                    database.connection()
                });
            }
        });
    }
}

#[test]
fn any_time_limit_is_served() {
    let database = Database::new();
    let pool = Pool::builder().max_size(1);
    serves_any_time_limit(pool.build(Manager(database.path())).unwrap());
    serves_any_time_limit(OneConnection::new(database.connection()));
}

fn serves_any_time_limit(connections: impl Connections) {
    let store = blocking::SqliteStore::new(connections).with_timeout(Duration::MAX);
    store.create_table().unwrap();
    assert_eq!(store.load(&account(1)).unwrap(), None);
}
