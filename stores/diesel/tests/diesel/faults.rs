//! Lost, late, dropped and interrupted calls.

use std::thread;
use std::time::{Duration, Instant};

use countersign::store::{Store, StoredRecord, WriteKind, WriteResult};
use countersign_diesel::Error;
use countersign_store_testing::{Fault, Proxy};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::databases::{Database, Engine};
use crate::kinds::{
    DeadpoolOnPostgres, DeadpoolOnSqlite, Kind, PATIENT, Rows, TestStore, database,
};
use crate::support::{
    account, at, create, drop_after, overwrite, revision, store, stored, table, write, write_of,
};

on_each_kind!(
    a_timed_out_write_is_applied_once,
    dropped_futures_write_completely_or_not_at_all;
    DeadpoolOnPostgres, DeadpoolOnMariaDb, DeadpoolOnSqlite, Bb8OnPostgres, Bb8OnMariaDb,
    Bb8OnSqlite,
);

async fn a_timed_out_write_is_applied_once<K: Kind>(database: &Database) {
    let table = table();
    let patient = at::<K>(database, &table).await;
    patient.create_table().await.unwrap();
    create(&patient, &account(1)).await;
    let other = K::Engine::hold(database, &K::Engine::LOCK.replace('@', &table));
    let hasty = patient.clone().with_timeout(Duration::from_secs(1));
    let answer = overwrite(&hasty, 1, 2).await;
    assert!(matches!(answer, Err(Error::Timeout { .. })), "{answer:?}");
    let seen = stored(&patient).await.revision;
    assert_eq!(seen, revision(1), "not applied yet");
    drop(other);

    // Sends the same write again. The database applies this write or the abandoned one, but only
    // once.
    _ = overwrite(&patient, 1, 2).await.unwrap();
    let expected = StoredRecord::new(b"new".into(), revision(2));
    assert_eq!(stored(&patient).await, expected);
    assert_eq!(overwrite(&patient, 1, 2).await.unwrap(), WriteResult::Stale);
}

/// diesel-async would block the only thread of this runtime, and panic.
#[tokio::test]
async fn a_late_write_of_sqlite_leaves_the_runtime_alone() {
    let database = database::<DeadpoolOnSqlite>().unwrap();
    a_timed_out_write_is_applied_once::<DeadpoolOnSqlite>(&database).await;
}

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
async fn dropped_futures_write_completely_or_not_at_all<K: Kind>(database: &Database) {
    for in_a_task in [false, true] {
        let store = store::<K>(&K::open(&database.url, 4).await).await;
        check(in_a_task, drop_writes(store)).await;
    }
}

async fn drop_writes(store: impl Store<Error = Error>) {
    const ROUNDS: i64 = 100;
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

#[test]
fn a_runtime_shutdown_fails_the_call() {
    let Some(database) = database::<DeadpoolOnPostgres>() else {
        return;
    };
    let runtime = Runtime::new().unwrap();
    let proxy = database.proxy();
    let store = runtime.block_on(store_behind::<DeadpoolOnPostgres>(&proxy, &database));
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
async fn store_behind<K: Kind>(proxy: &Proxy, database: &Database) -> K::Store {
    store::<K>(&K::open(&database.url_at(proxy), 1).await).await
}

on_each_kind!(
    a_repeated_write_resolves_a_lost_answer,
    a_lost_idle_connection_is_replaced,
    a_call_takes_one_round_trip,
    the_store_recovers_from_a_restart;
    R2d2OnPostgres, R2d2OnMariaDb, DeadpoolOnPostgres, DeadpoolOnMariaDb, Bb8OnPostgres,
    Bb8OnMariaDb,
);

/// A write with a lost answer is an error. The same write again is `Stale` if it was applied.
async fn a_repeated_write_resolves_a_lost_answer<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let store = store_behind::<K>(&proxy, database).await;
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

/// The store finds it out before it sends the statement.
async fn a_lost_idle_connection_is_replaced<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let store = store_behind::<K>(&proxy, database).await;
    create(&store, &account(1)).await;
    let connections = proxy.connections();
    // The next request ends a transaction.
    proxy.inject(b"", Fault::Reset);
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(proxy.connections(), connections + 1);
}

/// Each statement is prepared once. Only the end of a transaction that other code may have left
/// open takes more round trips.
async fn a_call_takes_one_round_trip<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let store = store_behind::<K>(&proxy, database).await;
    create(&store, &account(1)).await;
    _ = overwrite(&store, 1, 2).await.unwrap();
    stored(&store).await;
    let mut old = 2;
    let end = if K::HAS_LIMIT {
        1
    } else {
        K::Engine::BLOCKING_END
    };
    for (store, round_trips) in [(store.clone().with_own_connections(), 1), (store, end + 1)] {
        let before = proxy.requests();
        for _ in 0..20 {
            let result = overwrite(&store, old, old + 1).await;
            assert_eq!(result.unwrap(), WriteResult::Done);
            stored(&store).await;
            old += 1;
        }
        assert_eq!(proxy.requests() - before, 40 * round_trips);
    }
}

async fn the_store_recovers_from_a_restart<K: Kind>(_shared: &Database) {
    let Some(mut server) = K::Engine::start() else {
        return;
    };
    let store = store::<K>(&K::open(&server.url(), 4).await).await;
    create(&store, &account(1)).await;
    for (old, crash) in [(1, false), (2, true)] {
        if crash {
            server.kill9();
        } else {
            server.stop();
        }
        let hasty = store.clone().with_timeout(Duration::from_secs(2));
        let error = hasty.load(&account(1)).await.unwrap_err();
        assert!(
            matches!(error, Error::Unreachable(_) | Error::ConnectionLost(_)),
            "{error:?}"
        );
        server.restart();
        assert_eq!(stored(&store).await.revision, revision(old));
        let result = overwrite(&store, old, old + 1).await;
        assert_eq!(result.unwrap(), WriteResult::Done);
    }
    a_crash_between_record_and_rows_undoes_both::<K>(server, store).await;
}

/// The server is killed while the application writes its rows.
async fn a_crash_between_record_and_rows_undoes_both<K: Kind>(
    mut server: Box<dyn crate::databases::Server>,
    store: K::Store,
) {
    let sessions = "CREATE TABLE sessions (id integer NOT NULL PRIMARY KEY)";
    K::Engine::run(&Database::at(server.url()), sessions);
    let writer = store.clone();
    let call = tokio::spawn(async move {
        let write = write_of(WriteKind::Accepted, 3, 4, b"accepted");
        let sql = format!("INSERT INTO sessions (id) VALUES (1); {}", K::Engine::SLEEP);
        writer.swap_with(&account(1), write, Rows::Run(sql)).await
    });
    // Long enough that the record is usually written. If not, nothing is stored either.
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.kill9();
    let error = call.await.unwrap().unwrap_err();
    assert!(
        matches!(error, Error::RowsFailed(_) | Error::ConnectionLost(_)),
        "{error:?}"
    );
    server.restart();
    assert_eq!(stored(&store).await.revision, revision(3));
    let count = "(SELECT count(*) FROM sessions)";
    assert_eq!(K::Engine::number(&Database::at(server.url()), count), 0);
}

on_each_kind!(
    a_silent_network_times_out,
    a_dead_connection_is_found_without_its_callers;
    DeadpoolOnPostgres, DeadpoolOnMariaDb, Bb8OnPostgres, Bb8OnMariaDb,
);

/// The network swallows one answer, and then every answer. Each call ends in time, and the store
/// works again as soon as the network does.
async fn a_silent_network_times_out<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let store = store_behind::<K>(&proxy, database).await;
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
async fn a_dead_connection_is_found_without_its_callers<K: Kind>(database: &Database) {
    let proxy = database.proxy();
    let store = store_behind::<K>(&proxy, database).await;
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
