//! What is lost, late, dropped or cut off.

use super::*;

#[tokio::test]
async fn a_write_that_timed_out_may_land_later_and_is_then_stale_when_repeated() {
    let (pool, table) = (pool(server!()).await, table());
    let patient = at(&pool, &table);
    patient.create_table().await.unwrap();
    create(&patient, &account(1)).await;
    let mut other = pool.begin().await.unwrap();
    let lock = AssertSqlSafe(format!("SELECT * FROM {table} FOR UPDATE"));
    sqlx::raw_sql(lock).execute(&mut *other).await.unwrap();
    let hasty = patient.clone().with_timeout(Duration::from_secs(1));
    let answer = swapped(&hasty, 1, 2).await;
    assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
    let stored = patient.load(&account(1)).await.unwrap().unwrap();
    assert_eq!(stored.revision, revision(1), "not landed yet");
    other.rollback().await.unwrap();

    // The very same swap again: it lands now, or the abandoned one was first. Either way it is there once.
    _ = swapped(&patient, 1, 2).await.unwrap();
    let stored = patient.load(&account(1)).await.unwrap();
    assert_eq!(stored, Some(StoredRecord::new(b"new".into(), revision(2))));
    assert_eq!(swapped(&patient, 1, 2).await.unwrap(), WriteResult::Stale);
}

#[tokio::test]
async fn a_transaction_that_somebody_left_open_is_ended_before_a_write_can_be_part_of_it() {
    let (server, table) = (server!(), table());
    let witness = at(&pool(server).await, &table);
    witness.create_table().await.unwrap();
    create(&witness, &account(1)).await;
    for (begin, pool, seen) in [
        // What the documentation warns of: done, and nobody sees it.
        ("BEGIN", MySqlPoolOptions::new(), revision(1)),
        ("SET autocommit = 0", MySqlPoolOptions::new(), revision(1)),
        ("BEGIN", MySqlStore::pool_options(), revision(2)),
    ] {
        let pool = pool
            .max_connections(1)
            .connect(&server.url())
            .await
            .unwrap();
        let mut left = pool.acquire().await.unwrap();
        sqlx::raw_sql(begin).execute(&mut *left).await.unwrap();
        drop(left);
        let done = swapped(&at(&pool, &table), 1, 2).await.unwrap();
        assert_eq!(done, WriteResult::Done);
        let stored = witness.load(&account(1)).await.unwrap().unwrap();
        assert_eq!(stored.revision, seen);
        pool.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_write_whole_or_not_at_all_and_leave_the_pool_usable() {
    let options = MySqlPoolOptions::new().max_connections(4);
    let pool = options.connect(&server!().url()).await.unwrap();
    for in_a_task in [false, true] {
        let store = store(&pool).await;
        let check = async move { checks::dropped_futures_leave_the_pool_usable(&store, 400).await };
        checks::run(in_a_task, check).await;
        assert!(pool.size() <= 4);
    }
}

/// A store whose only connection goes through a proxy.
async fn behind(proxy: &Proxy, server: &MariaDb) -> MySqlStore {
    let options = MySqlPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false);
    let url = server.url_at(proxy.address());
    store(&options.connect(&url).await.unwrap()).await
}

#[tokio::test]
async fn a_future_that_is_dropped_while_its_statement_is_prepared_keeps_its_connection() {
    let server = server!();
    for in_a_task in [false, true] {
        let proxy = Proxy::start(server.address()).unwrap();
        let store = behind(&proxy, server).await;
        let check =
            async move { checks::a_dropped_future_keeps_its_connection(&store, &proxy).await };
        checks::run(in_a_task, check).await;
    }
}

#[tokio::test]
async fn a_lost_answer_is_an_error_and_settles() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    checks::a_lost_answer_is_an_error_and_settles(&behind(&proxy, server).await, &proxy).await;
}

#[tokio::test]
async fn a_silent_network_is_an_error_in_time() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    let store = behind(&proxy, server)
        .await
        .with_timeout(Duration::from_secs(2));
    checks::a_silent_network_is_an_error_in_time(&store, &proxy).await;
}

#[tokio::test]
async fn a_call_is_one_round_trip() {
    let server = server!();
    let proxy = Proxy::start(server.address()).unwrap();
    checks::a_call_is_one_round_trip(&behind(&proxy, server).await, &proxy).await;
}

#[tokio::test]
async fn a_server_that_restarts_is_an_error_and_then_as_before() {
    let Some(mut server) = available(MariaDb::start(Durability::Fast)) else {
        return;
    };
    let pool = pool(&server).await;
    let store = store(&pool).await;
    create(&store, &account(1)).await;
    for (old, crash) in [(1, false), (2, true)] {
        if crash {
            server.kill9().unwrap();
        } else {
            server.stop().unwrap();
        }
        let hasty = store.clone().with_timeout(Duration::from_millis(500));
        let error = hasty.load(&account(1)).await.unwrap_err();
        assert!(
            matches!(error, Error::Unreachable(_) | Error::ConnectionLost(_)),
            "{error:?}"
        );
        server.restart().unwrap();
        let stored = store.load(&account(1)).await.unwrap().unwrap();
        assert_eq!(stored.revision, revision(old));
        assert_eq!(
            swapped(&store, old, old + 1).await.unwrap(),
            WriteResult::Done
        );
    }
}
