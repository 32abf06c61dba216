//! The table, and the list of its accounts.

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_diesel::{AccountColumn, Error};
use countersign_store_testing::sql::to_uuid;

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{account, create, on, store, store_of, table, write};

on_each_kind!(
    pages_list_accounts_in_column_order,
    the_summary_columns_store_the_summary,
    a_write_that_changes_nothing_is_done;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite,
    DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite,
);

async fn pages_list_accounts_in_column_order<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
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
        let store = store_of::<K>(column, &pool).await;
        assert_eq!(store.accounts_after(None, 10).await.unwrap(), []);
        for id in ids.iter().rev() {
            create(&store, id).await;
        }
        let first = store.accounts_after(None, 2).await.unwrap();
        assert_eq!(first, ids[..2]);
        let second = store.accounts_after(first.last(), 10).await.unwrap();
        assert_eq!(second, ids[2..]);
        assert_eq!(store.accounts_after(second.last(), 2).await.unwrap(), []);
    }
}

async fn the_summary_columns_store_the_summary<K: Kind>(database: &Database) {
    let table = table();
    let store = on::<K>(&K::open(&database.url, 1).await, &table);
    store.create_table().await.unwrap();
    store.create_table().await.unwrap();
    create(&store, &account(5)).await;
    let highest = u32::MAX;
    let sql = format!(
        "(SELECT count(*) FROM {table} WHERE account = '5' AND enabled = {} \
         AND codes_left = {highest} AND key_id = {highest})",
        if K::Engine::IS_SERVER { "true" } else { "1" }
    );
    assert_eq!(K::Engine::number(database, &sql), 1);
}

/// MySQL would count only the rows that change.
async fn a_write_that_changes_nothing_is_done<K: Kind>(database: &Database) {
    let store = store::<K>(&K::open(&database.url, 1).await).await;
    create(&store, &account(1)).await;
    let same = write(Some(1), 1, b"record");
    let answer = store.compare_and_swap(&account(1), same).await;
    assert_eq!(answer.unwrap(), WriteResult::Done);
}

on_each_kind!(
    clients_create_the_table_at_the_same_time;
    R2d2OnPostgres, DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite,
);

async fn clients_create_the_table_at_the_same_time<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 16).await;
    for _ in 0..5 {
        let store = on::<K>(&pool, &table());
        let clients: Vec<_> = (0..16)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.create_table().await })
            })
            .collect();
        for client in clients {
            client.await.unwrap().unwrap();
        }
        create(&store, &account(1)).await;
    }
}

on_each_kind!(
    the_schema_supports_a_foreign_key;
    R2d2OnPostgres, R2d2OnMariaDb, DeadpoolOnPostgres, DeadpoolOnMariaDb,
);

async fn the_schema_supports_a_foreign_key<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let uuid = AccountId::from_uuid_bytes([7; 16]);
    for (column, user, refused) in [
        (AccountColumn::BigInt, account(7), account(8)),
        (AccountColumn::Uuid, uuid, to_uuid(8)),
    ] {
        let (users, table) = (table(), table());
        let store = on::<K>(&pool, &table).with_account_column(column);
        let [id_type, id] = K::Engine::user_id(column);
        K::Engine::run(
            database,
            &format!(
                "CREATE TABLE {users} (id {id_type} PRIMARY KEY); {}; ALTER TABLE {table} \
                 ADD FOREIGN KEY (account) REFERENCES {users} (id) ON DELETE CASCADE; \
                 INSERT INTO {users} VALUES ({id})",
                store.schema()
            ),
        );
        create(&store, &user).await;
        let attempt = write(None, 1, b"nobody's");
        let error = store.compare_and_swap(&refused, attempt).await.unwrap_err();
        assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
        K::Engine::run(database, &format!("DELETE FROM {users}"));
        assert_eq!(store.load(&user).await.unwrap(), None);
    }
}
