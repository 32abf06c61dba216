//! The store refuses servers and poolers that would break the contract, and says what to do.

use countersign_store_testing::PgBouncer;
use tokio::task::JoinHandle;

use super::*;

/// A store whose connections have this `synchronous_commit`.
fn store_with(server: &Postgres, synchronous_commit: &str) -> PostgresStore {
    let options = options(server).options([("synchronous_commit", synchronous_commit)]);
    PostgresStore::new(PgPoolOptions::new().connect_lazy_with(options))
}

#[tokio::test]
async fn commits_that_a_crash_undoes_are_refused() {
    let off = store_with(server!(), "off").with_table(&table()).unwrap();
    // The second call asks again.
    for _ in 0..2 {
        let error = off.create_table().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the database's setting `synchronous_commit` is `off`, so no statement was sent; \
             set it to `on`, or the store cannot keep its promises"
        );
    }
    let off = off.danger_without_server_check();
    off.create_table().await.unwrap();
    create(&off, &account(1)).await;
    // Without a standby, nothing is missing.
    let local = store_with(server!(), "local");
    local
        .with_table(&table())
        .unwrap()
        .create_table()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_refused_setting_can_be_changed() {
    let (server, role) = (server!(), table());
    let admin = pool(server).await;
    run(&admin, format!("CREATE ROLE {role} LOGIN SUPERUSER")).await;
    run(
        &admin,
        format!("ALTER ROLE {role} SET synchronous_commit = off"),
    )
    .await;
    let pool = PgPoolOptions::new().connect_lazy_with(options(server).username(&role));
    let store = at(&pool, &table());
    let error = store.create_table().await.unwrap_err();
    assert!(matches!(error, Error::UnsafeSetting { .. }), "{error:?}");
    run(
        &admin,
        format!("ALTER ROLE {role} RESET synchronous_commit"),
    )
    .await;
    store.create_table().await.unwrap();
}

/// Clients of a pooler that take and return its connections all the time.
fn noise(pooler: &PgBouncer) -> Vec<JoinHandle<()>> {
    let clients = PgPoolOptions::new().max_connections(8);
    let clients = clients.connect_lazy(&pooler.url()).unwrap();
    let client = |_| {
        let clients = clients.clone();
        tokio::spawn(async move {
            loop {
                sqlx::raw_sql("SELECT 1").execute(&clients).await.unwrap();
            }
        })
    };
    (0..8).map(client).collect()
}

#[tokio::test]
async fn a_pooler_that_mixes_up_statements_is_refused() {
    let server = server!();
    for connections in [1, 4] {
        let Some(pooler) = available(PgBouncer::start(server, connections)) else {
            return;
        };
        for with_noise in [false, true] {
            let noise = if with_noise {
                noise(&pooler)
            } else {
                Vec::new()
            };
            for _ in 0..20 {
                let pool = PgPoolOptions::new().connect_lazy(&pooler.url()).unwrap();
                let store = at(&pool, "absent");
                let error = store.load(&account(1)).await.unwrap_err();
                assert!(
                    matches!(error, Error::Pooler(_)),
                    "{connections}: {error:?}"
                );
                pool.close().await;
            }
            noise.iter().for_each(JoinHandle::abort);
        }
    }
}

#[tokio::test]
async fn a_pooler_of_sessions_is_accepted() {
    let Some(pooler) = available(PgBouncer::start_by_session(server!(), 16)) else {
        return;
    };
    let pool = PgPoolOptions::new().connect_lazy(&pooler.url()).unwrap();
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    assert!(store.load(&account(1)).await.unwrap().is_some());
}

/// The pooler reports that the server is gone with the code of a protocol violation. The write may
/// have been applied, so the answer must not be that nothing was written.
#[tokio::test]
async fn a_server_that_dies_behind_a_pooler_is_a_lost_connection() {
    let Some(mut server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    let Some(pooler) = available(PgBouncer::start_by_session(&server, 16)) else {
        return;
    };
    let clients = PgPoolOptions::new().connect_lazy(&pooler.url()).unwrap();
    let (direct, table) = (pool(&server).await, table());
    let store = at(&clients, &table);
    store.create_table().await.unwrap();
    create(&store, &account(1)).await;
    let mut other = direct.begin().await.unwrap();
    let lock = AssertSqlSafe(format!("SELECT * FROM {table} FOR UPDATE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let patient = store.with_timeout(Duration::from_secs(120));
    let call = tokio::spawn(async move { overwrite(&patient, 1, 2).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
    let waits = async || {
        let count = sqlx::query_scalar(waiting).fetch_one(&direct).await;
        let count: i64 = count.unwrap();
        count > 0
    };
    while !waits().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill9_all().unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::ConnectionLost(_)), "{error:?}");
}

/// Without a second connection, the store goes on, and looks for a pooler later.
#[tokio::test]
async fn a_user_with_one_connection_is_served() {
    let (server, role) = (server!(), table());
    let admin = pool(server).await;
    run(
        &admin,
        format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1"),
    )
    .await;
    run(
        &admin,
        format!("GRANT CREATE, USAGE ON SCHEMA public TO {role}"),
    )
    .await;
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect_lazy_with(options(server).username(&role));
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    assert!(store.load(&account(1)).await.unwrap().is_some());
}
