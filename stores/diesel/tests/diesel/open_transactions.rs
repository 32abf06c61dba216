//! A connection on which other code left a transaction open swallows no write and serves no old
//! load.

use countersign::store::{Store, WriteResult};
use countersign_diesel::Error;

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{account, at, create, on, overwrite, revision, stored, table};

on_each_kind!(
    a_write_commits_by_itself,
    a_load_sees_the_newest_record,
    a_transaction_of_diesel_is_not_joined;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite,
    DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite,
    Bb8OnPostgres, Bb8OnMariaDb, Bb8OnSqlite,
);

/// A store on one connection, and another one on the same table, with the account 1.
async fn two_stores<K: Kind>(database: &Database) -> (K::Pool, K::Store, K::Store) {
    let table = table();
    let witness = at::<K>(database, &table).await;
    witness.create_table().await.unwrap();
    create(&witness, &account(1)).await;
    let pool = K::open(&database.url, 1).await;
    let store = on::<K>(&pool, &table);
    (pool, store, witness)
}

async fn a_write_commits_by_itself<K: Kind>(database: &Database) {
    let (pool, store, witness) = two_stores::<K>(database).await;
    for (old, prepared) in [(1, false), (2, true)] {
        K::run(&pool, "BEGIN").await.unwrap();
        let done = overwrite(&store, old, old + 1).await.unwrap();
        assert_eq!(done, WriteResult::Done);
        let seen = stored(&witness).await.revision;
        assert_eq!(seen, revision(old + 1), "prepared before: {prepared}");
    }
    // The documentation warns of this: the result is `Done`, and no other connection sees the
    // write.
    K::run(&pool, "BEGIN").await.unwrap();
    let own = store.clone().with_own_connections();
    assert_eq!(overwrite(&own, 3, 4).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&witness).await.revision, revision(3));
    // The next call ends the transaction, and the write is gone.
    assert_eq!(stored(&store).await.revision, revision(3));
}

async fn a_load_sees_the_newest_record<K: Kind>(database: &Database) {
    let (pool, store, witness) = two_stores::<K>(database).await;
    K::run(&pool, K::Engine::SNAPSHOT).await.unwrap();
    // The first load of the transaction would take the snapshot.
    let own = store.clone().with_own_connections();
    assert_eq!(stored(&own).await.revision, revision(1));
    assert_eq!(overwrite(&witness, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&own).await.revision, revision(1), "the snapshot");
    assert_eq!(stored(&store).await.revision, revision(2));
}

async fn a_transaction_of_diesel_is_not_joined<K: Kind>(database: &Database) {
    let (pool, store, witness) = two_stores::<K>(database).await;
    // The pool closes the connection.
    K::leave_open(&pool, false).await;
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&witness).await.revision, revision(2));
    // The pool keeps a transaction for tests, and the store does not end it.
    K::leave_open(&pool, true).await;
    for store in [store.clone(), store.with_own_connections()] {
        let answers = [
            overwrite(&store, 2, 3).await.map(|_| ()),
            store.load(&account(1)).await.map(|_| ()),
        ];
        for answer in answers {
            assert!(matches!(answer, Err(Error::OpenTransaction)), "{answer:?}");
        }
    }
    assert_eq!(stored(&witness).await.revision, revision(2));
}

on_each_kind!(a_failed_transaction_ends; R2d2OnPostgres, DeadpoolOnPostgres, Bb8OnPostgres);

async fn a_failed_transaction_ends<K: Kind>(database: &Database) {
    let (pool, store, _) = two_stores::<K>(database).await;
    K::run(&pool, "BEGIN; SELECT 1 / 0").await.unwrap_err();
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&store).await.revision, revision(2));
}

on_each_kind!(a_write_commits_without_autocommit; R2d2OnMariaDb, DeadpoolOnMariaDb, Bb8OnMariaDb);

async fn a_write_commits_without_autocommit<K: Kind>(database: &Database) {
    let (pool, store, witness) = two_stores::<K>(database).await;
    for (sql, old) in [
        ("SET autocommit = 0", 1),
        ("SET completion_type = CHAIN", 2),
        ("SET autocommit = 0; BEGIN", 3),
    ] {
        K::run(&pool, sql).await.unwrap();
        let done = overwrite(&store, old, old + 1).await.unwrap();
        assert_eq!(done, WriteResult::Done);
        assert_eq!(stored(&witness).await.revision, revision(old + 1), "{sql}");
    }
}
