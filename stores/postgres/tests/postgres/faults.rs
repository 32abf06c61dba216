//! Lost, late, dropped and interrupted calls.

use std::thread;
use std::time::{Duration, Instant};

use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_postgres::{Error, PostgresStore};
use countersign_store_testing::{Durability, Fault, Postgres, Proxy, available};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::kinds::{Bb8, Deadpool, Kind, OneClient, PATIENT, Reconnecting};
use crate::support::{
    account, admin, at, config, config_behind, create, drop_after, overwrite, revision, store,
    store_with_account, stored, table, write,
};

#[tokio::test]
async fn a_timed_out_write_is_applied_once() {
    let (server, table) = (server!(), table());
    let patient = store_with_account(server, &table).await;
    let other = admin(server).await;
    let lock = format!("BEGIN; SELECT * FROM {table} FOR UPDATE");
    other.batch_execute(&lock).await.unwrap();
    let hasty = patient.clone().with_timeout(Duration::from_secs(1));
    let answer = overwrite(&hasty, 1, 2).await;
    assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
    let seen = stored(&patient).await.revision;
    assert_eq!(seen, revision(1), "not applied yet");
    other.batch_execute("ROLLBACK").await.unwrap();

    // Sends the same write again. The server applies this write or the abandoned one, but only
    // once.
    _ = overwrite(&patient, 1, 2).await.unwrap();
    let expected = StoredRecord::new(b"new".into(), revision(2));
    assert_eq!(stored(&patient).await, expected);
    assert_eq!(overwrite(&patient, 1, 2).await.unwrap(), WriteResult::Stale);
}

#[tokio::test]
async fn client_connection_check_stops_an_abandoned_write() {
    let (server, table) = (server!(), table());
    let patient = store_with_account(server, &table).await;
    let other = admin(server).await;
    let lock = format!("BEGIN; SELECT * FROM {table} FOR UPDATE");
    other.batch_execute(&lock).await.unwrap();
    let mut config = config(server);
    config
        .application_name(&table)
        .options("-c client_connection_check_interval=100");
    let hasty = at(&Deadpool::open(config, 1).await, &table);
    // Opens the connection, so that the time limit does not cover this.
    stored(&hasty).await;
    let hasty = hasty.with_timeout(Duration::from_secs(1));
    let answer = overwrite(&hasty, 1, 2).await;
    assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
    let begun = Instant::now();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let witness = admin(server).await;
    let clients = async || {
        let count = witness.query_one(sql, &[&table]).await.unwrap();
        count.get::<_, i64>(0)
    };
    while clients().await > 0 {
        assert!(begun.elapsed() < PATIENT);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(stored(&patient).await.revision, revision(1));
}

#[test]
fn a_runtime_shutdown_fails_the_call() {
    shutdown_fails_the_call::<Deadpool>(server!());
    shutdown_fails_the_call::<Bb8>(server!());
}

fn shutdown_fails_the_call<K: Kind>(server: &Postgres) {
    let runtime = Runtime::new().unwrap();
    let proxy = Proxy::start(server.address()).unwrap();
    let store = runtime.block_on(store_behind::<K>(&proxy, server));
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

/// A store whose only connection goes through a proxy.
async fn store_behind<K: Kind>(proxy: &Proxy, server: &Postgres) -> PostgresStore<K::Connections> {
    store(&K::open(config_behind(proxy, server), 1).await).await
}

on_each_kind!(
    dropped_futures_write_completely_or_not_at_all,
    a_future_dropped_during_prepare_keeps_its_connection,
    a_repeated_write_resolves_a_lost_answer,
    a_silent_network_times_out,
    a_dead_connection_is_found_without_its_callers,
    the_store_recovers_from_a_restart;
    on_deadpool: Deadpool, on_bb8: Bb8, on_another_pool: Reconnecting,
);

/// Runs a check in a task, as a web server does, or outside of all tasks, as tests do.
async fn check(in_a_task: bool, check: impl Future<Output = ()> + Send + 'static) {
    if in_a_task {
        tokio::spawn(check).await.unwrap();
    } else {
        check.await;
    }
}

/// Drops calls at random. Each write is applied completely or not at all, and the connections stay
/// usable.
async fn dropped_futures_write_completely_or_not_at_all<K: Kind>(server: &Postgres) {
    for in_a_task in [false, true] {
        let store = store(&K::open(config(server), 4).await).await;
        check(in_a_task, drop_writes(store)).await;
    }
}

async fn drop_writes(store: impl Store<Error = Error>) {
    const ROUNDS: i64 = 300;
    let account = account(1);
    create(&store, &account).await;
    let (mut dropped, mut applied) = (0, 0);
    // On a busy computer, a call needs fewer polls. So the range of polls adapts to the calls.
    let mut most_polls = 200;
    for new in 2..ROUNDS {
        let record = new.to_string().repeat(500);
        let attempt = write(Some(new - 1), new, record.as_bytes());
        let polls = new * 37 % most_polls;
        match drop_after(polls, store.compare_and_swap(&account, attempt)).await {
            Some(result) => {
                assert_eq!(result.unwrap(), WriteResult::Done);
                most_polls = (most_polls / 2).max(2);
            }
            // The same write again shows the effect: `Done` if it was not applied, `Stale` if it
            // was.
            None => {
                dropped += 1;
                most_polls = (most_polls + most_polls / 4 + 1).min(200);
                let again = store.compare_and_swap(&account, attempt).await;
                if again.unwrap() == WriteResult::Stale {
                    applied += 1;
                }
            }
        }
        // Also drops loads on connections that have not prepared them yet.
        drop_after(polls, store.load(&account)).await;
        let expected = StoredRecord::new(record.into_bytes(), revision(new));
        let seen = stored(&store).await;
        assert_eq!(seen, expected, "after {dropped} dropped calls");
    }
    println!("{dropped} calls were dropped, {applied} of them were applied first");
    assert!(dropped > ROUNDS / 10, "only {dropped} were dropped");
}

/// Drops a call while its statement is prepared. The only connection stays usable.
async fn a_future_dropped_during_prepare_keeps_its_connection<K: Kind>(server: &Postgres) {
    for in_a_task in [false, true] {
        let proxy = Proxy::start(server.address()).unwrap();
        let store = store_behind::<K>(&proxy, server).await;
        check(in_a_task, async move {
            let account = account(1);
            create(&store, &account).await;
            let connections = proxy.connections();
            proxy.inject(b"SELECT record", Fault::Stall(Duration::from_secs(1)));
            let load = timeout(Duration::from_millis(50), store.load(&account));
            assert!(load.await.is_err(), "it was dropped");
            assert!(store.load(&account).await.unwrap().is_some());
            assert_eq!((proxy.injected(), proxy.connections()), (1, connections));
        })
        .await;
    }
}

/// A write with a lost answer is an error. The same write again is `Stale` if it was applied.
async fn a_repeated_write_resolves_a_lost_answer<K: Kind>(server: &Postgres) {
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind::<K>(&proxy, server).await;
    create(&store, &account(1)).await;
    for (new, fault) in [
        (2, Fault::DropReply),
        (3, Fault::DropRequest),
        (4, Fault::Reset),
    ] {
        // The statement is prepared already, so the fault hits its execution.
        let record = format!("struck {fault:?}");
        let attempt = write(Some(new - 1), new, record.as_bytes());
        store.load(&account(1)).await.unwrap();
        proxy.inject(record.as_bytes(), fault);
        let error = store.compare_and_swap(&account(1), attempt).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, Error::ConnectionLost(_)),
            "{fault:?}: {error:?}"
        );
        let again = store.compare_and_swap(&account(1), attempt).await.unwrap();
        let was_applied = matches!(fault, Fault::DropReply);
        assert_eq!(again == WriteResult::Stale, was_applied, "{fault:?}");
        let expected = StoredRecord::new(record.into_bytes(), revision(new));
        assert_eq!(stored(&store).await, expected);
    }
    assert_eq!(proxy.injected(), 3);
}

/// The network swallows one answer, and then every answer. Each call ends in time, and the store
/// works again as soon as the network does.
async fn a_silent_network_times_out<K: Kind>(server: &Postgres) {
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind::<K>(&proxy, server).await;
    let hasty = store.clone().with_timeout(Duration::from_secs(2));
    create(&store, &account(1)).await;
    // Prepares the statement that the network swallows.
    _ = overwrite(&store, 1, 2).await.unwrap();
    for new in 3..5 {
        let attempt = write(Some(new - 1), new, b"black hole");
        let connections = proxy.connections();
        proxy.inject(b"black hole", Fault::BlackHole);
        let error = hasty.compare_and_swap(&account(1), attempt).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        let result = store.compare_and_swap(&account(1), attempt).await.unwrap();
        assert_eq!(result, WriteResult::Stale, "the write was applied");
        // A cancel request would have used a connection of its own.
        assert_eq!(proxy.connections(), connections + 1);
    }
    proxy.inject_always(Fault::BlackHole);
    for _ in 0..2 {
        let start = Instant::now();
        hasty.load(&account(1)).await.unwrap_err();
        assert!(start.elapsed() < PATIENT);
    }
    proxy.stop_faults();
    // bb8 may still wait for a server that said nothing.
    let start = Instant::now();
    while store.load(&account(1)).await.is_err() {
        assert!(start.elapsed() < PATIENT);
    }
}

/// Every caller gives up before the store does, so only an abandoned call can find out that the
/// connection is dead. The calls after the fault have no time limit, so they do not find out.
async fn a_dead_connection_is_found_without_its_callers<K: Kind>(server: &Postgres) {
    let proxy = Proxy::start(server.address()).unwrap();
    let store = store_behind::<K>(&proxy, server).await;
    create(&store, &account(1)).await;
    let hasty = store.clone().with_timeout(Duration::from_secs(1));
    proxy.inject(b"", Fault::BlackHole);
    let id = account(1);
    while proxy.injected() == 0 {
        // Drops the load.
        _ = timeout(Duration::from_millis(50), hasty.load(&id)).await;
    }
    let endless = store.with_timeout(Duration::MAX);
    // On a busy computer, a call can take longer than the first callers wait.
    let mut patience = Duration::from_millis(300);
    loop {
        let load = timeout(patience, endless.load(&id)).await;
        if let Ok(Ok(stored)) = load {
            assert!(stored.is_some());
            break;
        }
        assert!(patience < PATIENT, "{load:?}");
        patience *= 2;
    }
}

/// The calls of a store take one request each, prepared or not. One thread runs the driver, so its
/// writes have a fixed order.
macro_rules! a_call_takes_one_round_trip {
    ($($name:ident: $kind:ty),+) => { $(
        #[tokio::test]
        async fn $name() {
            let server = server!();
            let proxy = Proxy::start(server.address()).unwrap();
            let store = store_behind::<$kind>(&proxy, server).await;
            for store in [
                store.clone(),
                store.clone().with_own_connections(),
                store.clone().behind_pooler(),
                store.with_own_connections().behind_pooler(),
            ] {
                assert_eq!(requests_of_40_calls(&store, &proxy).await, 40);
            }
        }
    )+ };
}

a_call_takes_one_round_trip!(
    a_call_on_deadpool_takes_one_round_trip: Deadpool,
    a_call_on_bb8_takes_one_round_trip: Bb8,
    a_call_on_one_client_takes_one_round_trip: OneClient
);

async fn requests_of_40_calls(store: &impl Store<Error = Error>, proxy: &Proxy) -> usize {
    let old = match store.load(&account(1)).await.unwrap() {
        Some(stored) => stored.revision.as_i64(),
        None => {
            create(store, &account(1)).await;
            1
        }
    };
    _ = overwrite(store, old, old + 1).await.unwrap();
    store.load(&account(1)).await.unwrap();
    let before = proxy.requests();
    for new in old + 2..old + 22 {
        let result = overwrite(store, new - 1, new).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
        store.load(&account(1)).await.unwrap();
    }
    proxy.requests() - before
}

async fn the_store_recovers_from_a_restart<K: Kind>(_shared: &Postgres) {
    let Some(mut server) = available(Postgres::start(Durability::Fast)) else {
        return;
    };
    let store = store(&K::open(config(&server), 4).await).await;
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
        assert_eq!(stored(&store).await.revision, revision(old));
        let result = overwrite(&store, old, old + 1).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
    }
}
