//! Races of conditional writes on a cluster whose leader is killed or paused, or whose members are
//! all killed. With `COUNTERSIGN_CLUSTER_RACE=50`, each fault comes 50 times instead of once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::store::{Store, WriteResult};
use countersign_etcd::EtcdStore;
use countersign_store_testing::EtcdCluster;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::consistency::{Answer, Report, Write, check};
use crate::support::*;

/// Locked by each race, because they share the processors.
static ALONE: Mutex<()> = Mutex::const_new(());

const RACERS: u32 = 32;

/// Clients that write to some accounts until they are stopped.
struct Race {
    first: Vec<i64>,
    stores: Vec<EtcdStore>,
    tasks: Vec<JoinHandle<Vec<Write>>>,
    progress: Arc<Progress>,
    start: Instant,
}

#[derive(Default)]
struct Progress {
    stopped: AtomicBool,
    done: AtomicU64,
    /// The time of the last `Done`, and the longest time without one, in milliseconds.
    last_done: AtomicU64,
    longest_gap: AtomicU64,
}

impl Race {
    /// Half of the clients use one member each, and the others know all members.
    async fn start(urls: &[String; 3], accounts: u32) -> Self {
        let prefix = new_prefix();
        let open = |urls: &[String]| {
            let store = EtcdStore::new(urls).unwrap();
            store.with_prefix(&prefix).unwrap()
        };
        let mut stores: Vec<_> = urls.chunks(1).map(open).collect();
        for first in 0..3 {
            let mut urls = urls.clone();
            urls.rotate_left(first);
            stores.push(open(&urls));
        }
        let mut race = Self {
            first: Vec::new(),
            stores,
            tasks: Vec::new(),
            progress: Arc::default(),
            start: Instant::now(),
        };
        for id in 0..accounts {
            let revision = new_revision();
            let creation = write(None, revision, b"created");
            let account = account(id);
            let created = race.stores[0].compare_and_swap(&account, creation);
            assert_eq!(created.await.unwrap(), WriteResult::Done);
            race.first.push(revision);
        }
        for racer in 0..RACERS {
            let store = race.stores[racer as usize % race.stores.len()].clone();
            let (progress, start) = (Arc::clone(&race.progress), race.start);
            race.tasks.push(tokio::spawn(async move {
                let mut writes = Vec::new();
                while !progress.stopped.load(Ordering::SeqCst) {
                    let Some(write) = attempt(&store, fastrand::u32(0..accounts)).await else {
                        continue;
                    };
                    if write.answer == Answer::Done {
                        progress.count(start);
                    }
                    writes.push(write);
                }
                writes
            }));
        }
        race
    }

    /// Waits for this number of further `Done` writes.
    async fn wait_for(&self, done: u64) {
        let wanted = self.progress.done.load(Ordering::SeqCst) + done;
        let start = Instant::now();
        while self.progress.done.load(Ordering::SeqCst) < wanted {
            assert!(start.elapsed() < PATIENT * 10, "the race makes no progress");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops the clients, and checks what they wrote.
    async fn finish(self, name: &str) {
        let took = self.start.elapsed();
        self.progress.stopped.store(true, Ordering::SeqCst);
        let mut writes = Vec::new();
        for task in self.tasks {
            writes.extend(task.await.unwrap());
        }
        let store = self.stores[5].clone().with_timeout(PATIENT);
        let mut report = Report::default();
        for (id, first) in (0..).zip(self.first) {
            let last = store.load(&account(id)).await.unwrap().unwrap();
            let of_account = writes.iter().filter(|write| write.account == id);
            let of_account: Vec<_> = of_account.copied().collect();
            report += check(&of_account, first, last.revision.as_i64());
        }
        let gap = self.progress.longest_gap.load(Ordering::SeqCst);
        println!("{name}: {report:?}, {took:.1?}, longest time without a write {gap} ms");
        assert!(report.is_consistent(), "{name}: {report:?}");
    }
}

impl Progress {
    fn count(&self, start: Instant) {
        let now = u64::try_from(start.elapsed().as_millis()).unwrap();
        let last = self.last_done.fetch_max(now, Ordering::SeqCst);
        self.longest_gap
            .fetch_max(now.saturating_sub(last), Ordering::SeqCst);
        self.done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Loads an account and replaces its record. Without a record to replace, it writes nothing.
async fn attempt(store: &EtcdStore, id: u32) -> Option<Write> {
    let Ok(loaded) = store.load(&account(id)).await else {
        // The member may be down for a while.
        sleep(Duration::from_millis(20)).await;
        return None;
    };
    let expected = loaded.expect("a record is missing").revision.as_i64();
    let new = new_revision();
    let record = [b'x'; 300];
    let answer = store
        .compare_and_swap(&account(id), write(Some(expected), new, &record))
        .await;
    Some(Write {
        account: id,
        expected,
        new,
        answer: match answer {
            Ok(WriteResult::Done) => Answer::Done,
            Ok(WriteResult::Stale) => Answer::Stale,
            Err(_) => Answer::Unknown,
        },
    })
}

fn new_revision() -> i64 {
    fastrand::i64(1..)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_faults_loses_nothing() {
    let _alone = ALONE.lock().await;
    let cluster = available!(EtcdCluster::start());
    for accounts in [1, 64] {
        let race = Race::start(&cluster.urls(), accounts).await;
        let done = 150 * accounts.min(4) * repetitions();
        race.wait_for(done.into()).await;
        race.finish(&format!("no fault, accounts {accounts}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_loses_nothing() {
    let _alone = ALONE.lock().await;
    let mut cluster = available!(EtcdCluster::start());
    let race = Race::start(&cluster.urls(), 64).await;
    for _ in 0..repetitions() {
        race.wait_for(300).await;
        cluster.kill9(cluster.leader().unwrap()).unwrap();
        race.wait_for(300).await;
        cluster.restart().unwrap();
    }
    race.wait_for(100).await;
    race.finish("leader killed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_leader_loses_nothing() {
    let _alone = ALONE.lock().await;
    let mut cluster = available!(EtcdCluster::start());
    let race = Race::start(&cluster.urls(), 64).await;
    for _ in 0..repetitions() {
        race.wait_for(300).await;
        let leader = cluster.leader().unwrap();
        cluster.pause(leader).unwrap();
        // The others elect another leader, so the old one finds out only afterwards.
        race.wait_for(300).await;
        cluster.resume(leader).unwrap();
    }
    race.wait_for(100).await;
    race.finish("leader paused").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_killed_loses_nothing() {
    let _alone = ALONE.lock().await;
    let mut cluster = available!(EtcdCluster::start());
    let race = Race::start(&cluster.urls(), 64).await;
    for _ in 0..repetitions() {
        race.wait_for(300).await;
        for node in 0..3 {
            cluster.kill9(node).unwrap();
        }
        cluster.restart().unwrap();
    }
    race.wait_for(300).await;
    race.finish("all members killed").await;
}
