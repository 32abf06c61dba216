//! Each failure of a file has its error, which says what to do.

use std::error::Error as _;
use std::fs;
use std::time::Duration;

use countersign::blocking::Store;
use countersign::store::WriteResult;
use countersign_rusqlite::{Error, OneConnection, blocking};
use rusqlite::{Connection, OpenFlags};

use crate::support::{Database, account, create, revision, stored, write};

fn on(connection: Connection) -> blocking::SqliteStore {
    blocking::SqliteStore::new(OneConnection::new(connection))
}

#[test]
fn a_missing_table_error_says_what_to_do() {
    let database = Database::new();
    let store = on(database.connection());
    let error = store.load(&account(1)).unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there is no table `countersign`; \
         put the text of `schema` into a migration, or call `create_table`"
    );
    let source = error.source().unwrap().to_string();
    assert!(source.contains("no such table"), "{source}");
    let error = store.compare_and_swap(&account(1), write(None, 1, b"x"));
    assert!(matches!(error, Err(Error::NoTable { .. })), "{error:?}");
}

#[test]
fn the_error_names_an_incompatible_table() {
    let ours = "revision INTEGER NOT NULL, record BLOB NOT NULL, enabled, codes_left, key_id";
    for columns in [
        "account TEXT PRIMARY KEY, revision INTEGER".into(),
        format!("account TEXT PRIMARY KEY, {ours}").replace("record", "record_2"),
        format!("account TEXT PRIMARY KEY, {ours}, region TEXT NOT NULL"),
        format!("account TEXT PRIMARY KEY, {ours}, CHECK (codes_left < 5)"),
        format!("account TEXT, {ours}"),
    ] {
        let database = Database::new();
        let connection = database.connection();
        let create_table = format!("CREATE TABLE countersign ({columns})");
        connection.execute_batch(&create_table).unwrap();
        let error = on(connection)
            .compare_and_swap(&account(1), write(None, 1, b"x"))
            .unwrap_err();
        assert!(
            matches!(error, Error::WrongTable { .. }),
            "{columns}: {error:?}"
        );
    }
}

#[test]
fn the_error_names_other_column_types() {
    let database = Database::new();
    let connection = database.connection();
    let sql = "CREATE TABLE countersign (account TEXT PRIMARY KEY, revision TEXT, record INTEGER);
               INSERT INTO countersign VALUES ('1', 'x', 5)";
    connection.execute_batch(sql).unwrap();
    let error = on(connection).load(&account(1)).unwrap_err();
    assert!(matches!(error, Error::WrongTable { .. }), "{error:?}");
}

#[test]
fn a_view_is_no_table() {
    let database = Database::new();
    let connection = database.connection();
    let sql = "CREATE VIEW countersign AS SELECT '1' AS account, 1 AS revision, x'00' AS record,
               1 AS enabled, 1 AS codes_left, 1 AS key_id";
    connection.execute_batch(sql).unwrap();
    let answer = on(connection).compare_and_swap(&account(1), write(None, 2, b"x"));
    assert!(matches!(answer, Err(Error::Database(_))), "{answer:?}");
}

#[test]
fn an_unknown_row_is_an_error() {
    let database = Database::new();
    let store = database.store();
    create(&store, &account(1));
    let connection = database.connection();
    for number in [0, -1] {
        let sql = "UPDATE countersign SET revision = ?1";
        connection.execute(sql, [number]).unwrap();
        let error = store.load(&account(1)).unwrap_err();
        assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    }
    let sql = "UPDATE countersign SET account = char(97, 0)";
    connection.execute(sql, []).unwrap();
    let error = store.accounts_after(None, 1).unwrap_err();
    assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
}

#[test]
fn a_read_only_database_serves_loads_only() {
    let database = Database::new();
    create(&database.store(), &account(1));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let store = on(Connection::open_with_flags(database.path(), flags).unwrap());
    assert!(store.load(&account(1)).unwrap().is_some());
    let answer = store.compare_and_swap(&account(1), write(Some(1), 2, b"new"));
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");
}

#[test]
fn a_missing_directory_cannot_be_opened() {
    let database = Database::new();
    let path = database.path().join("missing/accounts.db");
    let error = blocking::SqliteStore::open(path).unwrap_err();
    assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
}

#[test]
fn another_file_is_no_database() {
    let database = Database::new();
    fs::write(
        database.path(),
        "a text file, longer than a header ".repeat(100),
    )
    .unwrap();
    let error = blocking::SqliteStore::open(database.path()).unwrap_err();
    assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
    let store = on(Connection::open(database.path()).unwrap());
    let error = store.load(&account(1)).unwrap_err();
    assert!(matches!(error, Error::CannotOpen(_)), "{error:?}");
}

#[test]
fn a_full_disk_writes_nothing() {
    let database = Database::new();
    let connection = database.connection();
    let set = |_: &rusqlite::Row<'_>| Ok(());
    let limited = connection.pragma_update_and_check(None, "max_page_count", 8, set);
    limited.unwrap();
    let store = on(connection);
    store.create_table().unwrap();
    create(&store, &account(1));
    let large = vec![1; 65_536];
    let answer = store.compare_and_swap(&account(1), write(Some(1), 2, &large));
    assert!(matches!(answer, Err(Error::DiskFull(_))), "{answer:?}");
    assert_eq!(store.load(&account(1)).unwrap(), stored(b"record", 1));
}

#[test]
fn a_locked_database_writes_nothing() {
    let database = Database::new();
    create(&database.store(), &account(1));
    let connection = database.connection();
    connection.busy_timeout(Duration::from_millis(50)).unwrap();
    let store = on(connection);
    let writer = database.connection();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = store.compare_and_swap(&account(1), write(Some(1), 2, b"new"));
    assert!(matches!(answer, Err(Error::Locked(_))), "{answer:?}");
    assert!(
        store.load(&account(1)).unwrap().is_some(),
        "loads do not wait"
    );
    writer.execute_batch("COMMIT").unwrap();
    let found = store.load(&account(1)).unwrap().unwrap();
    assert_eq!(found.revision, revision(1));
    let answer = store.compare_and_swap(&account(1), write(Some(1), 2, b"new"));
    assert_eq!(answer.unwrap(), WriteResult::Done);
}
