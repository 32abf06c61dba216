//! The table, and the list of its accounts.

use countersign::AccountId;
use countersign::store::Store;
use countersign_postgres::{AccountColumn, Error, PostgresStore};
use countersign_store_testing::sql::to_uuid;

use crate::kinds::Deadpool;
use crate::support::{account, admin, at, create, open, run, store_of, table, write};

#[tokio::test]
async fn the_summary_columns_store_the_summary() {
    let server = server!();
    let store = at(&open::<Deadpool>(server).await, "Second_Factor");
    store.create_table().await.unwrap();
    store.create_table().await.unwrap();
    create(&store, &account(5)).await;
    let sql = "SELECT account, enabled, codes_left, key_id FROM \"Second_Factor\"";
    let row = admin(server).await.query_one(sql, &[]).await.unwrap();
    let highest = i64::from(u32::MAX);
    assert_eq!(row.get::<_, &str>(0), "5");
    assert!(row.get::<_, bool>(1));
    assert_eq!([row.get::<_, i64>(2), row.get(3)], [highest; 2]);
}

#[tokio::test]
async fn clients_create_the_table_at_the_same_time() {
    let pool = open::<Deadpool>(server!()).await;
    for _ in 0..10 {
        let store = at(&pool, &table());
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

#[tokio::test]
async fn the_schema_supports_a_foreign_key() {
    let server = server!();
    let pool = open::<Deadpool>(server).await;
    for (column, id_type, user, refused) in [
        (AccountColumn::Text, "text", account(7), account(8)),
        (AccountColumn::BigInt, "bigint", account(7), account(8)),
        (AccountColumn::Uuid, "uuid", to_uuid(7), to_uuid(8)),
    ] {
        let (users, table) = (table(), table());
        let store = at(&pool, &table).with_account_column(column);
        let schema = store.schema();
        let key = format!("FOREIGN KEY (account) REFERENCES {users} ON DELETE CASCADE");
        let users_table = format!("CREATE TABLE {users} (id {id_type} PRIMARY KEY)");
        let user_row = format!("INSERT INTO {users} VALUES ('{user}')");
        run(
            server,
            format!("{users_table}; {schema}; ALTER TABLE {table} ADD {key}; {user_row}"),
        )
        .await;
        create(&store, &user).await;
        let error = store
            .compare_and_swap(&refused, write(None, 1, b"nobody's"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
        run(server, format!("DELETE FROM {users}")).await;
        assert_eq!(store.load(&user).await.unwrap(), None);
    }
    for wrong in ["", "x\" (a); DROP TABLE users; --"] {
        assert!(PostgresStore::new(pool.clone()).with_table(wrong).is_err());
    }
}

#[tokio::test]
async fn pages_list_accounts_in_column_order() {
    let pool = open::<Deadpool>(server!()).await;
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
        let prepared = store_of(column, &pool).await;
        assert_eq!(prepared.accounts_after(None, 10).await.unwrap(), []);
        for id in ids.iter().rev() {
            create(&prepared, id).await;
        }
        for store in [prepared.clone(), prepared.behind_pooler()] {
            let first = store.accounts_after(None, 2).await.unwrap();
            assert_eq!(first, ids[..2]);
            let second = store.accounts_after(first.last(), 10).await.unwrap();
            assert_eq!(second, ids[2..]);
            assert_eq!(store.accounts_after(second.last(), 2).await.unwrap(), []);
        }
    }
}
