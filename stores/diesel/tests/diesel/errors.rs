//! The store names the reason why it cannot answer.

use std::error::Error as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_diesel::{AccountColumn, Error};

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, PATIENT, TestStore};
use crate::support::{account, at, create, on, overwrite, store, store_of, stored, table, write};

on_each_kind!(
    an_unfitting_account_id_is_an_error,
    a_missing_table_error_says_what_to_do,
    an_incompatible_table_is_named,
    a_column_that_does_not_decode_is_named,
    an_unknown_row_is_an_error,
    an_exhausted_pool_times_out,
    any_time_limit_and_any_account_is_served;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite,
    DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite,
    Bb8OnPostgres, Bb8OnMariaDb, Bb8OnSqlite,
);

async fn an_unfitting_account_id_is_an_error<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    for column in [AccountColumn::BigInt, AccountColumn::Uuid] {
        let store = store_of::<K>(column, &pool).await;
        let bob = AccountId::new("bob").unwrap();
        let loaded = store.load(&bob).await.map(|_| ());
        let result = store.compare_and_swap(&bob, write(None, 1, b"x")).await;
        let listed = store.accounts_after(Some(&bob), 1).await.map(|_| ());
        for error in [loaded, result.map(|_| ()), listed].map(Result::unwrap_err) {
            assert!(matches!(error, Error::WrongAccount { .. }), "{error:?}");
        }
    }
}

async fn a_missing_table_error_says_what_to_do<K: Kind>(database: &Database) {
    let store = K::store(&K::open(&database.url, 1).await);
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there is no table `countersign`; \
         put the text of `schema` into a migration, or call `create_table`"
    );
    let source = error.source().unwrap().to_string();
    assert!(source.contains("countersign"), "{source}");
    let error = overwrite(&store, 1, 2).await.unwrap_err();
    assert!(matches!(error, Error::NoTable { .. }), "{error:?}");
}

async fn an_incompatible_table_is_named<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 2).await;
    let [text, bytes] = K::Engine::TYPES;
    let ours = format!(
        "revision BIGINT NOT NULL, record {bytes} NOT NULL, enabled BOOLEAN NOT NULL, \
         codes_left BIGINT NOT NULL, key_id BIGINT NOT NULL"
    );
    let key = format!("account {text} PRIMARY KEY");
    let mut tables = vec![
        // A table of an older version, and a table of a newer version, which renamed a column to
        // stop this version.
        format!("{key}, revision BIGINT, record {bytes}"),
        format!("{key}, {ours}").replace("record", "record_2"),
        // A newer table with another required column, and an unknown check.
        format!("{key}, {ours}, region INT NOT NULL"),
        format!("{key}, {ours}, CHECK (codes_left < 100)"),
    ];
    tables.extend(K::Engine::WRONG_TABLES.iter().map(|change| {
        let [from, to] = change;
        format!("{key}, {ours}").replace(from, to)
    }));
    for columns in tables {
        let table = table();
        K::Engine::run(database, &format!("CREATE TABLE {table} ({columns})"));
        let attempt = write(None, 1, b"x");
        let error = on::<K>(&pool, &table)
            .compare_and_swap(&account(44), attempt)
            .await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, Error::WrongTable { .. }),
            "{columns}: {error:?}"
        );
        let named = format!("the table `{table}` has other columns than the text of `schema`");
        assert!(error.to_string().starts_with(&named), "{error}");
    }
    // A table whose additional columns have defaults is fine.
    let table = table();
    let more = "note INT NOT NULL DEFAULT 5";
    K::Engine::run(
        database,
        &format!("CREATE TABLE {table} ({key}, {ours}, {more})"),
    );
    create(&on::<K>(&pool, &table), &account(1)).await;
}

async fn a_column_that_does_not_decode_is_named<K: Kind>(database: &Database) {
    let [text, bytes] = K::Engine::TYPES;
    for (columns, record) in [
        (format!("revision {text}, record {bytes}"), K::Engine::BYTES),
        ("revision BIGINT, record INTEGER".to_owned(), "5"),
    ] {
        let table = table();
        let create = format!("CREATE TABLE {table} (account {text} PRIMARY KEY, {columns})");
        let row = format!("INSERT INTO {table} VALUES ('1', 7, {record})");
        K::Engine::run(database, &format!("{create}; {row}"));
        let store = on::<K>(&K::open(&database.url, 1).await, &table);
        let answer = store.load(&account(1)).await;
        assert!(
            matches!(answer, Err(Error::WrongTable { .. })),
            "{columns}: {answer:?}"
        );
    }
}

async fn an_unknown_row_is_an_error<K: Kind>(database: &Database) {
    let table = table();
    let store = at::<K>(database, &table).await;
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    for number in [0, -1] {
        let tampering = format!("UPDATE {table} SET revision = {number}");
        K::Engine::run(database, &tampering);
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    }
}

async fn an_exhausted_pool_times_out<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let store = store::<K>(&pool)
        .await
        .with_timeout(Duration::from_millis(200));
    let connection = K::hold(&pool).await;
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::NoConnection { .. }), "{error:?}");
    drop(connection);
    let store = store.with_timeout(PATIENT);
    assert_eq!(store.load(&account(1)).await.unwrap(), None);
}

async fn any_time_limit_and_any_account_is_served<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let longest = AccountId::new("\u{E9}x".repeat(85)).unwrap();
    assert_eq!(longest.as_str().len(), AccountId::MAX_BYTES);
    for (column, id) in [
        (AccountColumn::Text, longest),
        (
            AccountColumn::Text,
            AccountId::new("' OR 1 = 1 --\\").unwrap(),
        ),
        (AccountColumn::BigInt, AccountId::from(i64::MIN)),
        (AccountColumn::Uuid, AccountId::from_uuid_bytes([0xFF; 16])),
    ] {
        let store = store_of::<K>(column, &pool).await;
        let store = store.with_timeout(Duration::MAX);
        create(&store, &id).await;
        assert!(store.load(&id).await.unwrap().is_some());
        assert_eq!(store.accounts_after(None, u32::MAX).await.unwrap(), [id]);
    }
}

on_each_kind!(
    two_rows_of_an_account_are_an_error,
    a_missing_server_is_reported_in_time,
    a_refused_connection_gives_a_clear_error,
    a_user_without_rights_gives_a_clear_error,
    a_locked_row_gives_a_clear_error;
    R2d2OnPostgres, R2d2OnMariaDb, DeadpoolOnPostgres, DeadpoolOnMariaDb, Bb8OnPostgres,
    Bb8OnMariaDb,
);

async fn two_rows_of_an_account_are_an_error<K: Kind>(database: &Database) {
    let table = table();
    let store = at::<K>(database, &table).await;
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let no_key = K::Engine::DROP_KEY.replace('@', &table);
    K::Engine::run(
        database,
        &format!("{no_key}; INSERT INTO {table} SELECT * FROM {table}"),
    );
    let error = store.load(&account(1)).await.unwrap_err();
    assert!(matches!(error, Error::CorruptRow { .. }), "{error:?}");
    let answer = overwrite(&store, 1, 2).await;
    assert!(
        matches!(answer, Err(Error::CorruptRow { .. })),
        "{answer:?}"
    );
}

async fn error_of_load<K: Kind>(url: &str) -> Error {
    let store = K::store(&K::open(url, 1).await);
    let store = store.with_timeout(Duration::from_millis(800));
    store.load(&account(1)).await.unwrap_err()
}

async fn a_missing_server_is_reported_in_time<K: Kind>(database: &Database) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let old = format!(":{}", database.address.unwrap().port());
    let nowhere = database.url.replace(&old, &format!(":{port}"));
    let begun = Instant::now();
    let error = error_of_load::<K>(&nowhere).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

async fn a_refused_connection_gives_a_clear_error<K: Kind>(database: &Database) {
    for closed in K::Engine::closed(&database.url) {
        let error = error_of_load::<K>(&closed).await;
        assert!(matches!(error, Error::CannotOpen(_)), "{closed}: {error:?}");
    }
    let error = error_of_load::<K>(&K::Engine::full(database)).await;
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

async fn a_user_without_rights_gives_a_clear_error<K: Kind>(database: &Database) {
    let table = table();
    let store = at::<K>(database, &table).await;
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let reader = K::Engine::reader(database, &table);
    let reader = on::<K>(&K::open(&reader, 1).await, &table);
    assert!(reader.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&reader, 1, 2).await;
    assert!(matches!(answer, Err(Error::NotAllowed(_))), "{answer:?}");
}

async fn a_locked_row_gives_a_clear_error<K: Kind>(database: &Database) {
    let table = table();
    let pool = K::open(&database.url, 1).await;
    let store = on::<K>(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let lock = format!("BEGIN; UPDATE {table} SET revision = 5");
    let _other = K::Engine::hold(database, &lock);
    K::run(&pool, K::Engine::IMPATIENT).await.unwrap();
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::Locked(_))), "{answer:?}");
}

on_each_kind!(
    a_read_only_database_serves_loads_only;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite, DeadpoolOnPostgres, DeadpoolOnMariaDb,
    DeadpoolOnSqlite,
);

async fn a_read_only_database_serves_loads_only<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let store = store::<K>(&pool).await;
    create(&store, &account(1)).await;
    K::run(&pool, K::Engine::READ_ONLY).await.unwrap();
    assert!(store.load(&account(1)).await.unwrap().is_some());
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::ReadOnly(_))), "{answer:?}");
    // The pool has another connection now.
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
}

on_each_kind!(
    a_full_disk_gives_a_clear_error;
    R2d2OnPostgres, DeadpoolOnPostgres, R2d2OnSqlite, DeadpoolOnSqlite,
);

/// The test cannot fill a disk. PostgreSQL raises its error, and SQLite has a limit.
async fn a_full_disk_gives_a_clear_error<K: Kind>(database: &Database) {
    let (pool, table) = (K::open(&database.url, 1).await, table());
    let store = on::<K>(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    K::run(&pool, &K::Engine::FULL_DISK.replace('@', &table))
        .await
        .unwrap();
    let large = vec![1; 65_536];
    let attempt = write(Some(1), 2, &large);
    let answer = store.compare_and_swap(&account(1), attempt).await;
    assert!(matches!(answer, Err(Error::DiskFull(_))), "{answer:?}");
    assert_eq!(stored(&store).await.revision.as_i64(), 1);
}

on_each_kind!(a_file_that_is_no_database_cannot_be_opened; R2d2OnSqlite, DeadpoolOnSqlite);

async fn a_file_that_is_no_database_cannot_be_opened<K: Kind>(database: &Database) {
    std::fs::write(
        &database.url,
        "a text file, longer than a header ".repeat(100),
    )
    .unwrap();
    let missing = format!("{}/missing/accounts.db", database.url);
    for path in [&database.url, &missing] {
        let error = error_of_load::<K>(path).await;
        assert!(matches!(error, Error::CannotOpen(_)), "{path}: {error:?}");
    }
}

on_each_kind!(a_locked_file_writes_nothing; R2d2OnSqlite, DeadpoolOnSqlite, Bb8OnSqlite);

async fn a_locked_file_writes_nothing<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let store = store::<K>(&pool).await;
    create(&store, &account(1)).await;
    K::run(&pool, "PRAGMA busy_timeout = 50").await.unwrap();
    let other = K::Engine::hold(database, "BEGIN IMMEDIATE");
    let answer = overwrite(&store, 1, 2).await;
    assert!(matches!(answer, Err(Error::Locked(_))), "{answer:?}");
    assert!(store.load(&account(1)).await.unwrap().is_some());
    drop(other);
    _ = overwrite(&store, 1, 2).await.unwrap();
    assert_eq!(stored(&store).await.revision.as_i64(), 2);
}

on_each_kind!(an_unknown_prepared_statement_names_the_pooler; R2d2OnPostgres, DeadpoolOnPostgres);

async fn an_unknown_prepared_statement_names_the_pooler<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let store = store::<K>(&pool).await;
    create(&store, &account(1)).await;
    K::run(&pool, "DEALLOCATE ALL").await.unwrap();
    let attempt = write(None, 1, b"record");
    let error = store.compare_and_swap(&account(2), attempt).await;
    assert!(matches!(error, Err(Error::Pooler(_))), "{error:?}");
    // The store has closed this connection, so the next one prepares again.
    create(&store, &account(2)).await;
}
