//! The store behind a pooler in transaction mode. With more clients than connections to the server,
//! the statements of a client run on all of them in turn.
//!
//! Run the long test by hand: `cargo test --release -p countersign-postgres --all-features --test
//! postgres -- --ignored --nocapture pooler`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign::AccountId;
use countersign::store::{Store, StoredRecord, WriteResult};
use countersign_postgres::{AccountColumn, Error, PostgresStore};
use countersign_store_testing::{Durability, PgBouncer, Postgres, PostgresPair, available};
use deadpool_postgres::Pool;
use tokio::task::JoinHandle;
use tokio_postgres::Config;

use crate::conformance::Handles;
use crate::kinds::{Bb8, Deadpool, Kind, PATIENT};
use crate::support::{
    SERVER, account, at, config, create, overwrite, revision, store, store_with_account, stored,
    table, write,
};

const CLIENTS: u32 = 64;
const SERVER_CONNECTIONS: usize = 8;

/// A pool with a connection for each client, which leads to a pooler.
async fn pool(pooler: &PgBouncer) -> Pool {
    let config: Config = pooler.url().parse().unwrap();
    Deadpool::open(config, CLIENTS).await
}

/// A store that knows of the pooler, on a table of its own.
async fn behind(pooler: &PgBouncer) -> PostgresStore<Pool> {
    let store = at(&pool(pooler).await, &table()).behind_pooler();
    store.create_table().await.unwrap();
    store
}

/// Each client replaces the record of its own account, and loads it. Returns the number of calls,
/// and the failed or wrong ones.
async fn calls(store: &PostgresStore<Pool>, rounds: i64) -> (usize, Vec<String>) {
    let clients: Vec<JoinHandle<_>> = (1..=CLIENTS)
        .map(|id| {
            let store = store.clone();
            tokio::spawn(async move { one_client(&store, &account(id), rounds).await })
        })
        .collect();
    let (mut calls, mut failures) = (0, Vec::new());
    for client in clients {
        let (more, failed) = client.await.unwrap();
        calls += more;
        failures.extend(failed);
    }
    (calls, failures)
}

async fn one_client(
    store: &PostgresStore<Pool>,
    account: &AccountId,
    rounds: i64,
) -> (usize, Vec<String>) {
    let mut failures = Vec::new();
    for new in 2..2 + rounds {
        let record = format!("{account}: {new}");
        let attempt = write(Some(new - 1), new, record.as_bytes());
        match store.compare_and_swap(account, attempt).await {
            Ok(WriteResult::Done) => {}
            other => failures.push(format!("{other:?}")),
        }
        let expected = StoredRecord::new(record.clone().into_bytes(), revision(new));
        match store.load(account).await {
            Ok(Some(stored)) if stored == expected => {}
            other => failures.push(format!("{other:?}")),
        }
    }
    (2 * usize::try_from(rounds).unwrap(), failures)
}

async fn no_call_fails(rounds: i64) {
    let server = server!();
    let Some(pooler) = available(PgBouncer::start(server, SERVER_CONNECTIONS)) else {
        return;
    };
    let (shared, own) = (behind(&pooler).await, behind(&pooler).await);
    for store in [shared, own.with_own_connections()] {
        for id in 1..=CLIENTS {
            create(&store, &account(id)).await;
        }
        let start = Instant::now();
        let (calls, failures) = calls(&store, rounds).await;
        println!(
            "{CLIENTS} clients behind a pooler with {SERVER_CONNECTIONS} connections: \
             {} of {calls} calls failed; {:.1?}",
            failures.len(),
            start.elapsed()
        );
        assert_eq!(failures, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_behind_a_pooler_fails() {
    no_call_fails(40).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn no_call_of_100_000_behind_a_pooler_fails() {
    no_call_fails(800).await;
}

/// Without `behind_pooler` and without a check, the same calls fail. So the pooler does mix up the
/// connections.
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_mixes_up_prepared_statements() {
    let server = server!();
    let Some(pooler) = available(PgBouncer::start(server, SERVER_CONNECTIONS)) else {
        return;
    };
    let table = table();
    let store = at(&pool(&pooler).await, &table).danger_without_server_check();
    let direct = at(&Deadpool::open(config(server), 1).await, &table);
    direct.create_table().await.unwrap();
    for id in 1..=CLIENTS {
        create(&direct, &account(id)).await;
    }
    let (calls, failures) = calls(&store, 20).await;
    println!("{} of {calls} calls were not right", failures.len());
    assert!(failures.iter().any(|failure| failure.contains("Pooler(")));
}

on_each_kind!(
    a_pooler_that_mixes_up_statements_is_refused, a_pooler_of_sessions_is_accepted;
    on_deadpool: Deadpool, on_bb8: Bb8,
);

async fn a_pooler_that_mixes_up_statements_is_refused<K: Kind>(server: &Postgres) {
    for connections in [1, 4] {
        let Some(pooler) = available(PgBouncer::start(server, connections)) else {
            return;
        };
        is_refused::<K>(&pooler).await;
        let noise = noise(&pooler).await;
        is_refused::<K>(&pooler).await;
        noise.iter().for_each(JoinHandle::abort);
    }
}

async fn is_refused<K: Kind>(pooler: &PgBouncer) {
    for _ in 0..20 {
        let store = at(&K::open(pooler.url().parse().unwrap(), 2).await, "absent");
        // One of them looks for the pooler. The others find no pooler that was accepted.
        let (first, second) = (account(1), account(2));
        let (one, other) = tokio::join!(store.load(&first), store.load(&second));
        for answer in [one, other] {
            assert!(matches!(answer, Err(Error::Pooler(_))), "{answer:?}");
        }
    }
}

/// Clients of a pooler that take and return its connections all the time.
async fn noise(pooler: &PgBouncer) -> Vec<JoinHandle<()>> {
    let pool = pool(pooler).await;
    let client = |_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            loop {
                let client = pool.get().await.unwrap();
                client.batch_execute("SELECT 1").await.unwrap();
            }
        })
    };
    (0..8).map(client).collect()
}

async fn a_pooler_of_sessions_is_accepted<K: Kind>(server: &Postgres) {
    let Some(pooler) = available(PgBouncer::start_by_session(server, 16)) else {
        return;
    };
    let store = store(&K::open(pooler.url().parse().unwrap(), 2).await).await;
    create(&store, &account(1)).await;
    assert_eq!(overwrite(&store, 1, 2).await.unwrap(), WriteResult::Done);
    assert_eq!(stored(&store).await.revision.as_i64(), 2);
}

/// Without a second connection, the store goes on, and looks for a pooler later.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_one_connection_is_served() {
    let server = server!();
    let table = table();
    store_with_account(server, &table).await;
    let store = at(&Bb8::open(config(server), 1).await, &table);
    assert!(store.load(&account(1)).await.unwrap().is_some());
}

/// Other code left a transaction that has failed on each connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_with_failed_transactions_is_served() {
    let server = server!();
    let table = table();
    store_with_account(server, &table).await;
    let pool = Deadpool::open(config(server), 2).await;
    let clients = [pool.get().await.unwrap(), pool.get().await.unwrap()];
    for client in &clients {
        let failed = client.batch_execute("BEGIN; SELECT 1 / 0").await;
        failed.unwrap_err();
    }
    drop(clients);
    let stored = at(&pool, &table).load(&account(1)).await;
    assert!(stored.unwrap().is_some());
}

mod conformance {
    use super::*;

    countersign::conformance_tests!({
        let Some(server) = &*SERVER else {
            return Ok(());
        };
        let Some(pooler) = available(PgBouncer::start(server, SERVER_CONNECTIONS)) else {
            return Ok(());
        };
        let config = pooler.url().parse().unwrap();
        let handles = Handles::<Deadpool>::new(config, AccountColumn::Text, false);
        handles.with_pooler(pooler)
    });
}

/// A write of a client, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    Stale,
    /// The call failed, so the write may have been applied.
    Unknown,
}

/// What a client wrote: the account, the expected revision, the new one, and the answer.
type Journal = Vec<(u32, i64, i64, Answer)>;

/// Clients that change a few accounts until they are stopped, through a failover.
struct Race {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<(Journal, BTreeMap<String, usize>)>>,
}

const ACCOUNTS: u32 = 32;

impl Race {
    fn start(store: &PostgresStore<Pool>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicUsize::new(0));
        let revisions = Arc::new(AtomicI64::new(2));
        let clients = (0..CLIENTS).map(|client| {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            let (store, revisions) = (store.clone(), Arc::clone(&revisions));
            tokio::spawn(async move {
                let (mut journal, mut errors) = (Journal::new(), BTreeMap::new());
                let mut note = |error: Error| {
                    let text = format!("{error:?}");
                    let name = text.split(['(', ' ']).next().unwrap().to_owned();
                    assert_ne!(name, "Database", "{text}");
                    *errors.entry(name).or_default() += 1;
                };
                let mut number = client % ACCOUNTS;
                while !stop.load(Ordering::SeqCst) {
                    number = (number + 1) % ACCOUNTS;
                    let old = match store.load(&account(number)).await {
                        Ok(stored) => stored.unwrap().revision.as_i64(),
                        Err(error) => {
                            note(error);
                            continue;
                        }
                    };
                    let new = revisions.fetch_add(1, Ordering::SeqCst);
                    let attempt = write(Some(old), new, b"race");
                    let answer = match store.compare_and_swap(&account(number), attempt).await {
                        Ok(WriteResult::Done) => {
                            done.fetch_add(1, Ordering::SeqCst);
                            Answer::Done
                        }
                        Ok(_) => Answer::Stale,
                        Err(error) => {
                            note(error);
                            Answer::Unknown
                        }
                    };
                    journal.push((number, old, new, answer));
                }
                (journal, errors)
            })
        });
        Self {
            clients: clients.collect(),
            stop,
            done,
        }
    }

    /// Waits until this number of further writes is done.
    async fn wait_for(&self, more: usize) {
        let (start, wanted) = (Instant::now(), self.done.load(Ordering::SeqCst) + more);
        while self.done.load(Ordering::SeqCst) < wanted {
            assert!(start.elapsed() < 2 * PATIENT, "no progress");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn finish(self) -> (Journal, BTreeMap<String, usize>) {
        self.stop.store(true, Ordering::SeqCst);
        let (mut journal, mut errors) = (Journal::new(), BTreeMap::<_, usize>::new());
        for client in self.clients {
            let (more, failed) = client.await.unwrap();
            journal.extend(more);
            for (name, count) in failed {
                *errors.entry(name).or_default() += count;
            }
        }
        (journal, errors)
    }
}

/// Each `Done` is an ancestor of the stored revision, and no two writes share an expected revision.
/// Returns the number of unknown writes that were applied.
fn check(journal: &Journal, stored: &HashMap<u32, i64>) -> usize {
    let mut writes = HashMap::new();
    for &(account, old, new, answer) in journal {
        writes.insert((account, new), (old, answer));
    }
    let mut applied = HashSet::new();
    let mut unknown = 0;
    for (&account, &last) in stored {
        let mut revision = last;
        while revision != 1 {
            let (old, answer) = writes[&(account, revision)];
            assert_ne!(answer, Answer::Stale, "a stale write was applied");
            unknown += usize::from(answer == Answer::Unknown);
            applied.insert((account, revision));
            revision = old;
        }
    }
    for &(account, _, new, answer) in journal {
        if answer == Answer::Done {
            assert!(applied.contains(&(account, new)), "lost or done twice");
        }
    }
    unknown
}

/// The server behind the pooler dies, and its standby takes over. Each call that fails has a typed
/// error. No write that was answered with `Done` is lost, and no revision is replaced twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_behind_a_pooler_loses_nothing() {
    let delay = Duration::from_millis(10);
    let Some(mut pair) = available(PostgresPair::start(Durability::Fast, delay, "on")) else {
        return;
    };
    let Some(pooler) = available(PgBouncer::start_at(pair.address(), SERVER_CONNECTIONS)) else {
        return;
    };
    let store = behind(&pooler).await;
    for number in 0..ACCOUNTS {
        create(&store, &account(number)).await;
    }
    let store = store.with_timeout(Duration::from_secs(2));
    let race = Race::start(&store);
    race.wait_for(200).await;
    pair.kill9_primary().unwrap();
    pair.fail_over().unwrap();
    race.wait_for(200).await;
    let (journal, errors) = race.finish().await;

    let store = store.with_timeout(PATIENT);
    let mut stored = HashMap::new();
    for number in 0..ACCOUNTS {
        let loaded = store.load(&account(number)).await.unwrap().unwrap();
        stored.insert(number, loaded.revision.as_i64());
    }
    let unknown = check(&journal, &stored);
    let count = |answer| journal.iter().filter(|entry| entry.3 == answer).count();
    println!(
        "a failover: {} done, {} stale, {} unknown writes, of which {unknown} were applied; \
         errors of loads and writes: {errors:?}",
        count(Answer::Done),
        count(Answer::Stale),
        count(Answer::Unknown),
    );
    assert!(!errors.is_empty(), "the failover was not noticed");
}
