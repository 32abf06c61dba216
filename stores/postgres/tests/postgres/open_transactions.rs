//! A connection on which other code left a transaction open swallows no write and serves no old
//! load.

use std::time::Duration;

use countersign::store::{Store, WriteResult};
use countersign_postgres::Connections;
use countersign_store_testing::{Fault, Postgres, Proxy};

use crate::kinds::{Bb8, Deadpool, Kind, OneClient, Reconnecting, TestedBb8};
use crate::support::{
    account, at, config, config_behind, create, drop_after, overwrite, revision, store,
    store_with_account, stored, table,
};

on_each_kind!(
    a_write_commits_by_itself,
    a_load_sees_the_newest_record,
    a_failed_transaction_ends;
    on_deadpool: Deadpool, on_bb8: Bb8, on_tested_bb8: TestedBb8, on_one_client: OneClient,
    on_another_pool: Reconnecting,
);

/// Leaves a transaction open on the only connection of a pool.
async fn leave_open<K: Kind>(pool: &K::Connections, sql: &str) {
    let connection = pool.connection().await.unwrap();
    // The last statement may fail on purpose.
    _ = K::client(&connection).batch_execute(sql).await;
}

async fn a_write_commits_by_itself<K: Kind>(server: &Postgres) {
    for behind_pooler in [false, true] {
        let table = table();
        let witness = store_with_account(server, &table).await;
        let pool = K::open(config(server), 1).await;
        let mut store = at(&pool, &table);
        if behind_pooler {
            store = store.behind_pooler();
        }
        for (old, prepared) in [(1, false), (2, true)] {
            leave_open::<K>(&pool, "BEGIN").await;
            let done = overwrite(&store, old, old + 1).await.unwrap();
            assert_eq!(done, WriteResult::Done);
            let seen = stored(&witness).await.revision;
            assert_eq!(seen, revision(old + 1), "prepared before: {prepared}");
        }
        // The documentation warns of this: the result is `Done`, and no other connection sees the
        // write.
        leave_open::<K>(&pool, "BEGIN").await;
        let own = store.clone().with_own_connections();
        assert_eq!(overwrite(&own, 3, 4).await.unwrap(), WriteResult::Done);
        assert_eq!(stored(&witness).await.revision, revision(3));
        // The next call ends the transaction, and the write is gone.
        assert_eq!(stored(&store).await.revision, revision(3));
    }
}

async fn a_load_sees_the_newest_record<K: Kind>(server: &Postgres) {
    let table = table();
    let witness = store_with_account(server, &table).await;
    let pool = K::open(config(server), 1).await;
    let store = at(&pool, &table);
    let old = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM {table}");
    leave_open::<K>(&pool, &old).await;
    assert_eq!(overwrite(&witness, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&store).await.revision, revision(2));
}

async fn a_failed_transaction_ends<K: Kind>(server: &Postgres) {
    let pool = K::open(config(server), 1).await;
    let store = store(&pool).await;
    for own in [false, true] {
        leave_open::<K>(&pool, "BEGIN; SELECT 1 / 0").await;
        let store = store.clone();
        let store = if own {
            store.with_own_connections()
        } else {
            store
        };
        let id = account(u32::from(own));
        create(&store, &id).await;
        assert!(store.load(&id).await.unwrap().is_some());
    }
}

on_each_kind!(only_a_used_connection_gets_the_batch; in_deadpool: Deadpool, in_bb8: Bb8);

/// A pool that only the store uses costs nothing more.
async fn only_a_used_connection_gets_the_batch<K: Kind>(server: &Postgres) {
    let proxy = Proxy::start(server.address()).unwrap();
    let pool = K::open(config_behind(&proxy, server), 1).await;
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    let harmless = Fault::Stall(Duration::ZERO);
    proxy.inject(b"ROLLBACK", harmless);
    for new in 2..5 {
        let result = overwrite(&store, new - 1, new).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
    }
    assert_eq!(proxy.injected(), 0);
    leave_open::<K>(&pool, "SELECT 1").await;
    assert_eq!(stored(&store).await.revision, revision(4));
    assert_eq!(proxy.injected(), 1);
    proxy.inject(b"ROLLBACK", harmless);
    assert_eq!(stored(&store).await.revision, revision(4));
    assert_eq!(proxy.injected(), 1);
}

/// A transaction of the driver ends itself, even if the future that begins it is dropped.
macro_rules! a_dropped_transaction_ends_itself {
    ($name:ident: $kind:ty) => {
        #[tokio::test]
        async fn $name() {
            let (server, table) = (server!(), table());
            let witness = store_with_account(server, &table).await;
            let pool = <$kind>::open(config(server), 1).await;
            let store = at(&pool, &table).with_own_connections();
            let mut connection = pool.get().await.unwrap();
            drop(connection.transaction().await.unwrap());
            drop(connection);
            assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
            let mut connection = pool.get().await.unwrap();
            let begun = drop_after(0, connection.transaction()).await;
            assert!(begun.map(drop).is_none(), "it was dropped");
            drop(connection);
            assert_eq!(overwrite(&store, 2, 3).await.unwrap(), WriteResult::Done);
            assert_eq!(stored(&witness).await.revision, revision(3));
        }
    };
}

a_dropped_transaction_ends_itself!(a_dropped_transaction_of_deadpool_ends_itself: Deadpool);
a_dropped_transaction_ends_itself!(a_dropped_transaction_of_bb8_ends_itself: Bb8);
