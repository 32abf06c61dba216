//! A store refuses a pooler that mixes up the statements of its clients.

use std::time::Duration;

use countersign::store::{Store, WriteResult};
use countersign_diesel::Error;
use countersign_store_testing::sql::{a_concurrent_mix_matches_the_rows, one_of_64_writes_is_done};
use countersign_store_testing::{PgBouncer, available};
use diesel::connection::CacheSize;
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection};
use diesel::{Connection, PgConnection};
use tokio::task::JoinHandle;

use crate::databases::{Database, Engine, OnPostgres, POSTGRES};
use crate::kinds::{Kind, R2d2OnPostgres, TestStore};
use crate::support::{account, at, create, on, overwrite, store, stored, table};

on_each_kind!(
    a_pooler_that_mixes_up_statements_is_refused,
    a_pooler_of_sessions_is_accepted;
    R2d2OnPostgres, DeadpoolOnPostgres, Bb8OnPostgres,
);

/// Clients of a pooler that take and return its connections all the time.
async fn noise<K: Kind>(pooler: &PgBouncer) -> Vec<JoinHandle<()>> {
    let clients = K::open(&pooler.url(), 8).await;
    let client = |_| {
        let clients = clients.clone();
        tokio::spawn(async move {
            loop {
                K::run(&clients, "SELECT 1").await.unwrap();
                // A blocking client gives the runtime no chance to stop it.
                tokio::task::yield_now().await;
            }
        })
    };
    (0..8).map(client).collect()
}

async fn a_pooler_that_mixes_up_statements_is_refused<K: Kind>(_database: &Database) {
    for connections in [1, 4] {
        if let Some(pooler) = pooler(connections) {
            is_refused::<K>(&pooler).await;
        }
    }
}

fn pooler(connections: usize) -> Option<PgBouncer> {
    available(PgBouncer::start(POSTGRES.as_ref().unwrap(), connections))
}

async fn is_refused<K: Kind>(pooler: &PgBouncer) {
    for _ in 0..20 {
        let store = on::<K>(&K::open(&pooler.url(), 2).await, "absent");
        let error = store.load(&account(1)).await.unwrap_err();
        assert!(matches!(error, Error::Pooler(_)), "{error:?}");
    }
}

on_each_kind!(a_busy_pooler_is_refused; R2d2OnPostgres, DeadpoolOnPostgres);

/// Not with bb8, which hides why it cannot connect: a busy pooler mixes up the statements with
/// which diesel-async begins a connection.
async fn a_busy_pooler_is_refused<K: Kind>(_database: &Database) {
    for connections in [1, 4] {
        if let Some(pooler) = pooler(connections) {
            let noise = noise::<K>(&pooler).await;
            is_refused::<K>(&pooler).await;
            noise.iter().for_each(JoinHandle::abort);
        }
    }
}

async fn a_pooler_of_sessions_is_accepted<K: Kind>(_database: &Database) {
    let server = POSTGRES.as_ref().unwrap();
    let Some(pooler) = available(PgBouncer::start_by_session(server, 16)) else {
        return;
    };
    let store = store::<K>(&K::open(&pooler.url(), 2).await).await;
    create(&store, &account(1)).await;
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&store).await.revision.as_i64(), 2);
}

on_each_kind!(
    a_user_with_one_connection_is_served;
    R2d2OnPostgres, DeadpoolOnPostgres, Bb8OnPostgres,
);

/// Without a second connection, the store goes on, and looks for a pooler later.
async fn a_user_with_one_connection_is_served<K: Kind>(database: &Database) {
    let (role, table) = (table(), table());
    let first = at::<K>(database, &table).await;
    first.create_table().await.unwrap();
    OnPostgres::run(
        database,
        &format!(
            "CREATE ROLE {role} LOGIN CONNECTION LIMIT 1; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {role}"
        ),
    );
    let url = database.url.replace("postgres@", &format!("{role}@"));
    for size in [1, 2] {
        let store = on::<K>(&K::open(&url, size).await, &table);
        let store = store.with_timeout(Duration::from_secs(60));
        create(&store, &account(size)).await;
        assert!(store.load(&account(size)).await.unwrap().is_some());
    }
}

/// Without a cache, diesel sends each statement as a whole, without a name.
#[derive(Debug)]
struct NoCache;

impl CustomizeConnection<PgConnection, r2d2::Error> for NoCache {
    fn on_acquire(&self, connection: &mut PgConnection) -> Result<(), r2d2::Error> {
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_store_without_cache_is_served() {
    if POSTGRES.is_none() {
        return;
    }
    let Some(pooler) = pooler(4) else {
        return;
    };
    let pool = r2d2::Pool::builder()
        .max_size(16)
        .connection_customizer(Box::new(NoCache));
    let pool = pool.build(ConnectionManager::new(pooler.url())).unwrap();
    let store = store::<R2d2OnPostgres>(&pool).await;
    one_of_64_writes_is_done(&store, 5).await;
    a_concurrent_mix_matches_the_rows(&store, 50).await;
}
