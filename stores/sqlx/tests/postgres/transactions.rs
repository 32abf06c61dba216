//! Imports in a transaction of the application.

use super::*;
use support::transactions;

#[tokio::test]
async fn a_rollback_imports_nothing() {
    let pool = pool(server!()).await;
    for column in [AccountColumn::Text, AccountColumn::BigInt] {
        let store = store_of(column, &pool).await;
        transactions::a_rollback_imports_nothing(&pool, store, PostgresStore::in_transaction).await;
    }
}

#[tokio::test]
async fn other_methods_are_refused() {
    let pool = pool(server!()).await;
    let store = store(&pool).await;
    transactions::other_methods_are_refused(&pool, store, PostgresStore::in_transaction).await;
}

#[tokio::test]
async fn nothing_follows_a_failed_statement() {
    let pool = pool(server!()).await;
    let (store, broken) = (store(&pool).await, at(&pool, "missing"));
    let of = PostgresStore::in_transaction;
    transactions::nothing_follows_a_failed_statement(&pool, store, broken, of).await;
}
