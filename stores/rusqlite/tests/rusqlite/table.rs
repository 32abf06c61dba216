//! The table: its columns, its schema, its order, and foreign keys to it.

use countersign::AccountId;
use countersign::blocking::Store as _;
use countersign::store::{ConditionalWrite, Store as _, Summary, WriteKind, WriteResult};
use countersign_rusqlite::{AccountColumn, Error, SqliteStore, blocking};
use countersign_store_testing::sql::to_uuid;

use crate::support::{Database, account, create, revision, stored, write};

#[test]
fn the_summary_columns_store_the_summary() {
    let database = Database::new();
    let store = database.store().with_table("second_factor").unwrap();
    store.create_table().unwrap();
    store.create_table().unwrap();
    create(&store, &account(5));
    let connection = database.connection();
    let columns = || {
        let sql = "SELECT account, enabled, codes_left, key_id FROM second_factor";
        connection
            .query_row(sql, [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap()
    };
    assert_eq!(columns(), ("5".to_owned(), true, u32::MAX, u32::MAX));

    let summary = Summary::new(false, 0, countersign::KeyId::new(2));
    let kind = WriteKind::Disabled;
    let disabled = ConditionalWrite::put(Some(revision(1)), revision(2), b"x", kind, summary);
    let result = store.compare_and_swap(&account(5), disabled);
    assert_eq!(result.unwrap(), WriteResult::Done);
    assert_eq!(columns(), ("5".to_owned(), false, 0, 2));
}

#[test]
fn the_schema_works_in_a_migration() {
    let database = Database::new();
    let store = blocking::SqliteStore::open(database.path()).unwrap();
    let store = store.with_table("order").unwrap();
    database.connection().execute_batch(store.schema()).unwrap();
    create(&store, &account(1));
    assert!(
        store
            .clone()
            .with_table("x\"; DROP TABLE users; --")
            .is_err()
    );
    assert!(store.with_table("").is_err());
}

#[test]
fn records_survive_reopening_the_database() {
    let database = Database::new();
    create(&database.store(), &account(1));
    assert_eq!(
        database.store().load(&account(1)).unwrap(),
        stored(b"record", 1)
    );
}

#[tokio::test]
async fn pages_list_accounts_in_column_order() {
    let (nil, highest) = ([0; 16], [0xFF; 16]);
    for (column, ids) in [
        (
            AccountColumn::Text,
            ["1", "20", "3", "B", "a"].map(|id| id.parse().unwrap()),
        ),
        (
            AccountColumn::BigInt,
            [i64::MIN, -5, 0, 3, 20].map(AccountId::from),
        ),
        (
            AccountColumn::Uuid,
            [nil, [1; 16], [2; 16], [0xA0; 16], highest].map(AccountId::from_uuid_bytes),
        ),
    ] {
        let database = Database::new();
        let blocking = blocking::SqliteStore::open(database.path()).unwrap();
        let blocking = blocking.with_account_column(column);
        blocking.create_table().unwrap();
        let store = SqliteStore::new(blocking.clone());
        assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
        for id in ids.iter().rev() {
            create(&blocking, id);
        }
        let first = store.accounts_after(None, 2).await.unwrap();
        assert_eq!(first, ids[..2]);
        let second = store.accounts_after(first.last(), 10).await.unwrap();
        assert_eq!(second, ids[2..]);
        assert_eq!(store.accounts_after(second.last(), 2).await.unwrap(), []);
        assert_eq!(blocking.accounts_after(first.last(), 10).unwrap(), second);
    }
}

#[tokio::test]
async fn the_async_store_has_every_setting() {
    let database = Database::new();
    let store = SqliteStore::open(database.path()).unwrap();
    let store = store.with_table("second_factor").unwrap();
    let store = store.with_account_column(AccountColumn::BigInt);
    assert!(store.schema().contains("\"second_factor\""));
    store.create_table().await.unwrap();
    let seven = account(7);
    let result = store.compare_and_swap(&seven, write(None, 1, b"record"));
    assert_eq!(result.await.unwrap(), WriteResult::Done);
    let sql = "SELECT typeof(account) FROM second_factor";
    let kind: String = database
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(kind, "integer");
    let bob = AccountId::new("bob").unwrap();
    let error = store.load(&bob).await.unwrap_err();
    assert!(matches!(error, Error::WrongAccount { .. }), "{error:?}");
}

#[test]
fn an_unfitting_account_id_is_an_error() {
    for column in [AccountColumn::BigInt, AccountColumn::Uuid] {
        let database = Database::new();
        let store = database.store().with_account_column(column);
        let bob = AccountId::new("bob").unwrap();
        let loaded = store.load(&bob).map(drop);
        let written = store.compare_and_swap(&bob, write(None, 1, b"x")).map(drop);
        for error in [loaded, written].map(Result::unwrap_err) {
            assert!(matches!(error, Error::WrongAccount { .. }), "{error:?}");
        }
    }
}

#[test]
fn a_foreign_key_to_users_is_enforced() {
    let uuid = AccountId::from_uuid_bytes([7; 16]);
    let quoted = "unhex('07070707070707070707070707070707')";
    for (column, id_type, user, id, refused) in [
        (AccountColumn::Text, "TEXT", account(7), "'7'", account(8)),
        (
            AccountColumn::BigInt,
            "INTEGER",
            account(7),
            "7",
            account(8),
        ),
        (AccountColumn::Uuid, "BLOB", uuid, quoted, to_uuid(8)),
    ] {
        let database = Database::new();
        let store = blocking::SqliteStore::open(database.path()).unwrap();
        let store = store.with_account_column(column);
        let key = ", FOREIGN KEY (account) REFERENCES users ON DELETE CASCADE\n) STRICT";
        let schema = store.schema().replace("\n) STRICT", key);
        let connection = database.connection();
        let sql = format!(
            "CREATE TABLE users (id {id_type} PRIMARY KEY); INSERT INTO users VALUES ({id}); \
             {schema}"
        );
        connection.execute_batch(&sql).unwrap();
        create(&store, &user);
        let answer = store.compare_and_swap(&refused, write(None, 1, b"nobody's"));
        assert!(
            matches!(answer, Err(Error::ForeignKey { .. })),
            "{answer:?}"
        );
        connection.execute("DELETE FROM users", []).unwrap();
        assert_eq!(store.load(&user).unwrap(), None);
    }
}
