//! A store refuses a database that can lose its answers.

use countersign::store::{Store, WriteResult};
use countersign_diesel::Error;

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{account, create, on, overwrite, table};

on_each_kind!(
    a_lossy_setting_is_refused;
    R2d2OnPostgres, R2d2OnSqlite, DeadpoolOnPostgres, DeadpoolOnSqlite, Bb8OnPostgres, Bb8OnSqlite,
);

async fn a_lossy_setting_is_refused<K: Kind>(database: &Database) {
    let pool = K::open(&database.url, 1).await;
    let table = table();
    let first = on::<K>(&pool, &table);
    first.create_table().await.unwrap();
    create(&first, &account(1)).await;
    K::run(&pool, K::Engine::LOSSY).await.unwrap();
    // A new store asks again.
    let store = on::<K>(&pool, &table);
    let answer = overwrite(&store, 1, 2).await;
    assert!(
        matches!(answer, Err(Error::UnsafeSetting { .. })),
        "{answer:?}"
    );
    // The store has closed the connection, and a new one has the old settings.
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    K::run(&pool, K::Engine::LOSSY).await.unwrap();
    let unchecked = on::<K>(&pool, &table).danger_without_check();
    assert_eq!(
        overwrite(&unchecked, 2, 3).await.unwrap(),
        WriteResult::Done
    );
    assert!(unchecked.load(&account(1)).await.unwrap().is_some());
}
