//! Clients that load and write the same accounts at the same time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use countersign::store::{
    BoxStore, ConditionalWrite, Revision, Store, Summary, WriteKind, WriteResult,
};
use countersign::{AccountId, KeyId};
use tokio::time::sleep;

/// A race, and the faults that happen during the race.
pub struct Race {
    /// The number of accounts. With fewer accounts, more writes conflict.
    pub accounts: usize,
    /// The number of clients.
    pub clients: usize,
    /// How long the clients begin new calls.
    pub duration: Duration,
    /// The stores of the clients, one for each node. Client *n* uses store *n* modulo their number.
    pub stores: Vec<BoxStore>,
    /// The faults.
    pub faults: Vec<Fault>,
}

/// Something that happens to the cluster, at a time after the start of the race.
pub struct Fault {
    at: Duration,
    happen: Box<dyn FnOnce() + Send>,
}

/// Everything that the clients did.
#[derive(Debug)]
pub struct RaceLog {
    /// When the race began.
    pub begun: Instant,
    /// When the clients began no new calls any more.
    pub ended: Instant,
    /// The accounts, and the revision of each before the race.
    pub accounts: Vec<(AccountId, Revision)>,
    /// The writes, in the order of their answers.
    pub writes: Vec<LoggedWrite>,
    /// The loads that returned a record.
    pub loads: Vec<LoggedLoad>,
    /// How many loads failed.
    pub failed_loads: usize,
    /// How many loads of an existing account returned nothing.
    pub absent: usize,
    /// The errors of loads and writes, and how many times each occurred.
    pub errors: BTreeMap<String, usize>,
}

/// A write and its result.
#[derive(Debug, Clone, Copy)]
pub struct LoggedWrite {
    /// The number of the account.
    pub account: usize,
    /// The revision that the write replaces.
    pub expected: Revision,
    /// The revision of the write.
    pub new: Revision,
    /// The result, or `None` after an error: the effect is unknown.
    pub result: Option<WriteResult>,
    /// When the answer came.
    pub answered: Instant,
}

/// A load and its result.
#[derive(Debug, Clone, Copy)]
pub struct LoggedLoad {
    /// The number of the account.
    pub account: usize,
    /// The revision that the load returned.
    pub revision: Revision,
    /// When the call began.
    pub begun: Instant,
}

impl Fault {
    /// Makes a fault. It runs on a thread of its own, and may take as long as it needs.
    pub fn new(at: Duration, happen: impl FnOnce() + Send + 'static) -> Self {
        let happen = Box::new(happen);
        Self { at, happen }
    }
}

impl fmt::Debug for Race {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race")
            .field("accounts", &self.accounts)
            .field("clients", &self.clients)
            .field("duration", &self.duration)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl Race {
    /// Creates the accounts, runs the clients and the faults, and waits until all have ended.
    pub async fn run(self) -> RaceLog {
        let accounts = self.create_accounts().await;
        let ids: Arc<[AccountId]> = accounts.iter().map(|(id, _)| id.clone()).collect();
        let (begun, end) = (Instant::now(), Instant::now() + self.duration);
        let log = Arc::new(Mutex::new(RaceLog::new(accounts, begun, end)));
        let clients: Vec<_> = (0..self.clients)
            .map(|client| {
                let store = self.stores[client % self.stores.len()].clone();
                tokio::spawn(run_client(store, ids.clone(), end, log.clone()))
            })
            .collect();
        let faults = thread::spawn(move || happen(self.faults));
        for client in clients {
            client.await.unwrap();
        }
        faults.join().unwrap();
        Arc::try_unwrap(log).unwrap().into_inner().unwrap()
    }

    async fn create_accounts(&self) -> Vec<(AccountId, Revision)> {
        let race = fastrand::u64(..);
        let mut accounts = Vec::new();
        for number in 0..self.accounts {
            let account = AccountId::new(format!("race-{race}-{number}")).unwrap();
            let revision = new_revision();
            let write = write(None, revision);
            let created = self.stores[0].compare_and_swap(&account, write).await;
            assert_eq!(created.unwrap(), WriteResult::Done);
            accounts.push((account, revision));
        }
        accounts
    }
}

/// The faults, in their order.
fn happen(mut faults: Vec<Fault>) {
    let start = Instant::now();
    faults.sort_by_key(|fault| fault.at);
    for Fault { at, happen } in faults {
        thread::sleep(at.saturating_sub(start.elapsed()));
        happen();
    }
}

async fn run_client(
    store: BoxStore,
    accounts: Arc<[AccountId]>,
    end: Instant,
    log: Arc<Mutex<RaceLog>>,
) {
    while Instant::now() < end {
        let account = fastrand::usize(..accounts.len());
        let begun = Instant::now();
        let loaded = store.load(&accounts[account]).await;
        let expected = match loaded {
            Ok(Some(stored)) => stored.revision,
            Ok(None) => {
                log.lock().unwrap().absent += 1;
                continue;
            }
            Err(error) => {
                log.lock().unwrap().count_failed_load(&*error);
                sleep(AFTER_ERROR).await;
                continue;
            }
        };
        log.lock().unwrap().loads.push(LoggedLoad {
            account,
            revision: expected,
            begun,
        });
        let new = new_revision();
        let result = store.compare_and_swap(&accounts[account], write(Some(expected), new));
        let result = result.await;
        let answered = Instant::now();
        let mut log = log.lock().unwrap();
        if let Err(error) = &result {
            log.count_error("write", &**error);
        }
        log.writes.push(LoggedWrite {
            account,
            expected,
            new,
            result: result.ok(),
            answered,
        });
    }
}

impl RaceLog {
    /// A log without calls.
    pub(crate) fn new(
        accounts: Vec<(AccountId, Revision)>,
        begun: Instant,
        ended: Instant,
    ) -> Self {
        Self {
            begun,
            ended,
            accounts,
            writes: Vec::new(),
            loads: Vec::new(),
            failed_loads: 0,
            absent: 0,
            errors: BTreeMap::new(),
        }
    }

    fn count_failed_load(&mut self, error: &(dyn std::error::Error + Send + Sync)) {
        self.failed_loads += 1;
        self.count_error("load", error);
    }

    fn count_error(&mut self, call: &str, error: &(dyn std::error::Error + Send + Sync)) {
        *self.errors.entry(format!("{call}: {error}")).or_default() += 1;
    }
}

fn write(expected: Option<Revision>, new: Revision) -> ConditionalWrite<'static> {
    let summary = Summary::new(true, 10, KeyId::new(1));
    let kind = match expected {
        None => WriteKind::Enrolling,
        Some(_) => WriteKind::Accepted,
    };
    ConditionalWrite::put(expected, new, &[7; RECORD_BYTES], kind, summary)
}

fn new_revision() -> Revision {
    Revision::from_i64(fastrand::i64(1..)).unwrap()
}

/// About the size of a record.
const RECORD_BYTES: usize = 300;
/// A client waits after an error, so that a node that is down does not fill the log.
const AFTER_ERROR: Duration = Duration::from_millis(50);
