//! Lost, late, dropped and interrupted calls.

use std::thread;

use super::*;

#[tokio::test]
async fn a_timed_out_write_is_applied_once() {
    let (pool, table) = (pool(server!()).await, table());
    let patient = at(&pool, &table);
    patient.create_table().await.unwrap();
    create(&patient, &account(1)).await;
    let mut other = pool.begin().await.unwrap();
    let lock = AssertSqlSafe(format!("SELECT * FROM {table} FOR UPDATE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    // Opens another connection, so that the time limit does not cover this.
    assert!(patient.load(&account(1)).await.unwrap().is_some());
    let hasty = patient.clone().with_timeout(Duration::from_secs(1));
    let answer = overwrite(&hasty, 1, 2).await;
    assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
    let stored = patient.load(&account(1)).await.unwrap().unwrap();
    assert_eq!(stored.revision, revision(1), "not applied yet");
    other.rollback().await.unwrap();

    // Sends the same write again. The server applies this write or the abandoned one, but only
    // once.
    _ = overwrite(&patient, 1, 2).await.unwrap();
    let stored = patient.load(&account(1)).await.unwrap();
    assert_eq!(stored, Some(StoredRecord::new(b"new".into(), revision(2))));
    assert_eq!(overwrite(&patient, 1, 2).await.unwrap(), WriteResult::Stale);
}

#[tokio::test]
async fn client_connection_check_stops_an_abandoned_write() {
    let (server, table) = (server!(), table());
    let pool = pool(server).await;
    let patient = at(&pool, &table);
    patient.create_table().await.unwrap();
    create(&patient, &account(1)).await;
    let mut other = pool.begin().await.unwrap();
    let lock = AssertSqlSafe(format!("SELECT * FROM {table} FOR UPDATE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let options = options(server)
        .application_name(&table)
        .options([("client_connection_check_interval", "100")]);
    let hasty = PgPool::connect_with(options).await.unwrap();
    let hasty = at(&hasty, &table).with_timeout(Duration::from_secs(1));
    let answer = overwrite(&hasty, 1, 2).await;
    assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
    let begun = Instant::now();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let clients = || async {
        let count = sqlx::query_scalar(sql).bind(&table).fetch_one(&pool).await;
        let count: i64 = count.unwrap();
        count
    };
    while clients().await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    other.rollback().await.unwrap();
    let stored = patient.load(&account(1)).await.unwrap().unwrap();
    assert_eq!(stored.revision, revision(1));
}

#[test]
fn a_runtime_shutdown_fails_the_call() {
    let server = server!();
    let runtime = Runtime::new().unwrap();
    let proxy = Proxy::start(server.address()).unwrap();
    let store = runtime.block_on(store_behind(&proxy, server));
    proxy.inject_always(Fault::BlackHole);
    let handle = runtime.handle().clone();
    thread::scope(|scope| {
        scope.spawn(|| {
            while proxy.injected() == 0 {
                thread::sleep(Duration::from_millis(10));
            }
            runtime.shutdown_background();
        });
        let _entered = handle.enter();
        let answer = countersign::testing::block_on(store.load(&account(1)));
        assert!(matches!(answer, Err(Error::Interrupted)), "{answer:?}");
    });
}

#[tokio::test]
async fn pool_options_end_open_transactions() {
    let (server, table) = (server!(), table());
    let witness = at(&pool(server).await, &table);
    witness.create_table().await.unwrap();
    create(&witness, &account(1)).await;
    for (pool, seen) in [
        // The documentation warns of this: the result is `Done`, and no other connection sees the
        // write.
        (PgPoolOptions::new(), revision(1)),
        (PostgresStore::pool_options(), revision(2)),
    ] {
        let pool = pool
            .max_connections(1)
            .connect(&server.url())
            .await
            .unwrap();
        let mut left = pool.acquire().await.unwrap();
        sqlx::raw_sql("BEGIN").execute(&mut *left).await.unwrap();
        drop(left);
        let done = overwrite(&at(&pool, &table), 1, 2).await.unwrap();
        assert_eq!(done, WriteResult::Done);
        let stored = witness.load(&account(1)).await.unwrap().unwrap();
        assert_eq!(stored.revision, seen);
        pool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_completely_or_not_at_all() {
    let options = PgPoolOptions::new().max_connections(4);
    let pool = options.connect(&server!().url()).await.unwrap();
    for in_a_task in [false, true] {
        let store = store(&pool).await;
        let check = async move {
            checks::dropped_futures_write_completely_or_not_at_all(&store, 400).await;
        };
        checks::run(in_a_task, check).await;
        assert!(pool.size() <= 4);
    }
}

/// A pool whose only connection goes through a proxy.
async fn pool_behind(proxy: &Proxy, server: &Postgres) -> PgPool {
    let options = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let url = server.url_at(proxy.address());
    options.connect(&url).await.unwrap()
}

/// A store on such a pool.
async fn store_behind(proxy: &Proxy, server: &Postgres) -> PostgresStore {
    store(&pool_behind(proxy, server).await).await
}

#[tokio::test]
async fn a_future_dropped_during_prepare_keeps_its_connection() {
    let server = server!();
    for in_a_task in [false, true] {
        let proxy = Proxy::start(server.address()).unwrap();
        let store = store_behind(&proxy, server).await;
        let check = async move {
            checks::a_future_dropped_during_prepare_keeps_its_connection(&store, &proxy).await;
        };
        checks::run(in_a_task, check).await;
    }
}

#[tokio::test]
async fn a_repeated_write_resolves_a_lost_answer() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    checks::a_repeated_write_resolves_a_lost_answer(&store_behind(&proxy, server).await, &proxy)
        .await;
}

#[tokio::test]
async fn a_silent_network_times_out() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    let pool = pool_behind(&proxy, server).await;
    let store = store(&pool).await;
    let hasty = store.clone().with_timeout(Duration::from_secs(2));
    let is_idle = || pool.num_idle() == 1;
    checks::a_silent_network_times_out(&store, &hasty, &proxy, is_idle).await;
}

#[tokio::test]
async fn every_call_takes_one_round_trip() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    checks::every_call_takes_one_round_trip(&store_behind(&proxy, server).await, &proxy).await;
}

#[tokio::test]
async fn pools_test_idle_connections_only() {
    let server = server!();
    for (options, requests) in [
        // The call, and the test of sqlx when the connection comes back.
        (PostgresStore::own_pool_options(), 2),
        // And the end of open transactions.
        (PostgresStore::pool_options(), 3),
    ] {
        let proxy = Proxy::start(server.address()).unwrap();
        let options = options.max_connections(1);
        let pool = options.connect(&server.url_at(proxy.address())).await;
        let store = store(&pool.unwrap()).await;
        checks::only_idle_connections_are_tested(&store, &proxy, requests).await;
    }
}

#[tokio::test]
async fn the_store_recovers_from_a_restart() {
    let Some(mut server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    let pool = pool(&server).await;
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    for (old, crash) in [(1, false), (2, true)] {
        if crash {
            server.kill9_all().unwrap();
        } else {
            server.stop().unwrap();
        }
        let hasty = store.clone().with_timeout(Duration::from_secs(2));
        let error = hasty.load(&account(1)).await.unwrap_err();
        assert!(
            matches!(error, Error::Unreachable(_) | Error::ConnectionLost(_)),
            "{error:?}"
        );
        server.restart().unwrap();
        let stored = store.load(&account(1)).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision(old));
        assert_eq!(
            overwrite(&store, old, old + 1).await.unwrap(),
            WriteResult::Done
        );
    }
}
