//! A store refuses a database that can lose its answers.

use std::sync::Barrier;
use std::thread;

use countersign::store::{Store, WriteResult};
use countersign_diesel::{Error, configure_sqlite};
use diesel::{Connection, SqliteConnection};

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{account, create, on, overwrite, table};

on_each_kind!(
    a_lossy_setting_is_refused;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite,
    DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite,
    Bb8OnPostgres, Bb8OnMariaDb, Bb8OnSqlite,
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

/// SQLite answers some of them at once that the database is locked.
#[test]
fn connections_configure_a_new_database_at_the_same_time() {
    for _ in 0..50 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts.db");
        let path = path.to_str().unwrap();
        let barrier = Barrier::new(64);
        thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    let mut connection = SqliteConnection::establish(path).unwrap();
                    barrier.wait();
                    configure_sqlite(&mut connection).unwrap();
                });
            }
        });
    }
}
