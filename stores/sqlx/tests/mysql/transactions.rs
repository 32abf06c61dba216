//! Imports in a transaction of the application.

use super::*;
use countersign::import::Imported;
use support::transactions;

#[tokio::test]
async fn a_rollback_imports_nothing() {
    let pool = pool(server!()).await;
    for column in [AccountColumn::Text, AccountColumn::BigInt] {
        let store = store_of(column, &pool).await;
        transactions::a_rollback_imports_nothing(&pool, store, MySqlStore::in_transaction).await;
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let pool = pool(server!()).await;
    let store = store(&pool).await;
    transactions::other_methods_are_refused(&pool, store, MySqlStore::in_transaction).await;
}

#[tokio::test]
async fn nothing_follows_a_failed_statement() {
    let pool = pool(server!()).await;
    let (store, broken) = (store(&pool).await, at(&pool, "missing"));
    let of = MySqlStore::in_transaction;
    transactions::nothing_follows_a_failed_statement(&pool, store, broken, of).await;
}

/// After a deadlock, the server has rolled the transaction back, and a later statement would commit
/// by itself.
#[tokio::test]
async fn nothing_commits_after_a_deadlock() {
    let pool = pool(server!()).await;
    let table = table();
    let store = at(&pool, &table);
    store.create_table().await.unwrap();
    let verifier = transactions::verifier(store);
    let import = transactions::import(1);

    let mut ours = pool.begin().await.unwrap();
    let importer = verifier.with_store(verifier.store().in_transaction(&mut ours));
    let imported = importer.import_in_transaction(&account(1), &import).await;
    assert_eq!(imported.unwrap(), Imported::Now);

    // The server ends the transaction that has changed fewer rows.
    let mut other = pool.begin().await.unwrap();
    let rows: Vec<String> = (2..50)
        .map(|id| format!("(1, '', 0, 0, 1, '{id}')"))
        .collect();
    let insert = format!(
        "INSERT INTO {table} (revision, record, enabled, codes_left, key_id, account) VALUES {}",
        rows.join(", ")
    );
    sqlx::raw_sql(AssertSqlSafe(insert))
        .execute(&mut *other)
        .await
        .unwrap();
    let wait = format!("SELECT 1 FROM {table} WHERE account = '1' FOR UPDATE");
    let waiting = tokio::spawn(async move {
        sqlx::raw_sql(AssertSqlSafe(wait))
            .execute(&mut *other)
            .await
            .unwrap();
        other.rollback().await.unwrap();
    });
    for id in [2, 60] {
        let error = importer.import_in_transaction(&account(id), &import).await;
        match transactions::failed(error.unwrap_err()) {
            Error::TransactionFailed(Some(reason)) => {
                assert!(matches!(*reason, Error::Conflict(_)), "{reason:?}");
            }
            error => panic!("{error:?}"),
        }
    }
    drop(importer);
    waiting.await.unwrap();
    ours.commit().await.unwrap();
    for id in [1, 2, 60] {
        assert!(!transactions::is_imported(&verifier, id).await, "{id}");
    }
}
