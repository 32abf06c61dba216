//! What other code of the application does to a connection that it shares with the store.

use countersign::AccountId;
use countersign::store::{Store, WriteResult};
use countersign_diesel::{Connections, Error};
use diesel_async::SimpleAsyncConnection;

use crate::databases::{Database, Engine};
use crate::kinds::{Kind, TestStore};
use crate::support::{account, at, create, drop_after, on, overwrite, revision, stored, table};

/// A store on one connection, with the account 1, and the name of its table.
async fn site<K: Kind>(database: &Database) -> (K::Pool, K::Store, String) {
    let (pool, table) = (K::open(&database.url, 1).await, table());
    let store = on::<K>(&pool, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    (pool, store, table)
}

on_each_kind!(
    answers_to_dropped_statements_are_not_taken;
    DeadpoolOnMariaDb, Bb8OnMariaDb, DeadpoolOnPostgres, Bb8OnPostgres,
);

/// Each statement changes one row, as a write of the store does. The application drops its future
/// after the statement is sent, and its answer is due on the connection.
async fn answers_to_dropped_statements_are_not_taken<K>(database: &Database)
where
    K: Kind<Pool: Connections<Connection: SimpleAsyncConnection>>,
{
    let (pool, store, table) = site::<K>(database).await;
    // From here on, each statement of the store is prepared.
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    let other = format!("other_{table}");
    K::Engine::run(
        database,
        &format!("CREATE TABLE {other} (id integer); INSERT INTO {other} VALUES (1)"),
    );
    let statement = K::Engine::SLOW_UPDATE.replace('@', &other);
    let mut current = 2;
    for dropped in [2, 1, 3, 4] {
        for _ in 0..dropped {
            let mut connection = pool.connection().await.unwrap();
            let answer = drop_after(5, connection.batch_execute(&statement)).await;
            assert!(answer.is_none(), "it was dropped");
        }
        let stale = overwrite(&store, current + 7, current + 8).await.unwrap();
        assert_eq!(stale, WriteResult::Stale, "after {dropped} statements");
        assert_eq!(stored(&store).await.revision, revision(current));
        let done = overwrite(&store, current, current + 1).await.unwrap();
        assert_eq!(done, WriteResult::Done, "after {dropped} statements");
        current += 1;
    }
    let witness = at::<K>(database, &table).await;
    assert_eq!(stored(&witness).await.revision, revision(current));
}

on_each_kind!(
    a_changed_session_fails_one_call;
    R2d2OnPostgres, R2d2OnMariaDb, DeadpoolOnPostgres, DeadpoolOnMariaDb, Bb8OnPostgres,
    Bb8OnMariaDb,
);

/// The store closes the connection, and the next one has its own settings.
async fn a_changed_session_fails_one_call<K: Kind>(database: &Database) {
    let (pool, store, table) = site::<K>(database).await;
    for (current, sql) in (1..).zip(K::Engine::CHANGES) {
        let sql = sql.replace('@', &table);
        K::run(&pool, &sql).await.unwrap();
        match overwrite(&store, current, current + 1).await {
            Err(
                Error::NoTable { .. }
                | Error::NotAllowed(_)
                | Error::ReadOnly(_)
                | Error::Pooler(_)
                | Error::WrongTable { .. }
                | Error::Database(_),
            ) => {}
            answer => panic!("{sql}: {answer:?}"),
        }
        assert_eq!(stored(&store).await.revision, revision(current), "{sql}");
        let done = overwrite(&store, current, current + 1).await;
        assert_eq!(done.unwrap(), WriteResult::Done, "{sql}");
    }
}

on_each_kind!(
    settings_of_the_session_change_no_answer;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite, DeadpoolOnPostgres, DeadpoolOnMariaDb,
    DeadpoolOnSqlite,
);

async fn settings_of_the_session_change_no_answer<K: Kind>(database: &Database) {
    let (pool, store, table) = site::<K>(database).await;
    let witness = at::<K>(database, &table).await;
    let (mut current, bob) = (1, AccountId::new("B\u{F6}b").unwrap());
    create(&store, &bob).await;
    for sql in K::Engine::HARMLESS {
        K::run(&pool, sql).await.unwrap();
        for id in [account(1), bob.clone()] {
            assert!(store.load(&id).await.unwrap().is_some(), "{sql}: {id}");
        }
        let stale = overwrite(&store, current + 7, current + 8).await.unwrap();
        assert_eq!(stale, WriteResult::Stale, "{sql}");
        let done = overwrite(&store, current, current + 1).await.unwrap();
        assert_eq!(done, WriteResult::Done, "{sql}");
        current += 1;
        assert_eq!(stored(&witness).await.revision, revision(current), "{sql}");
    }
}

on_each_kind!(
    a_migrated_table_needs_no_restart;
    R2d2OnPostgres, R2d2OnMariaDb, R2d2OnSqlite, DeadpoolOnPostgres, DeadpoolOnMariaDb,
    DeadpoolOnSqlite,
);

/// The connection has prepared its statements before the table changes. A statement that no longer
/// fits fails once.
async fn a_migrated_table_needs_no_restart<K: Kind>(database: &Database) {
    let (_pool, store, table) = site::<K>(database).await;
    for (current, (migration, fails)) in (1..).zip(K::Engine::MIGRATIONS) {
        assert_eq!(stored(&store).await.revision, revision(current));
        K::Engine::run(database, &migration.replace('@', &table));
        let answer = store.load(&account(1)).await;
        if *fails {
            assert!(
                matches!(answer, Err(Error::WrongTable { .. })),
                "{migration}: {answer:?}"
            );
        } else {
            assert!(answer.unwrap().is_some(), "{migration}");
        }
        assert_eq!(stored(&store).await.revision, revision(current));
        let done = overwrite(&store, current, current + 1).await;
        assert_eq!(done.unwrap(), WriteResult::Done, "{migration}");
    }
}
