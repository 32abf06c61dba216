//! Many users who type backup codes at once, and the delay of other tasks meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use countersign::backup::{Alphabet, CodeFormat};
use countersign::runtime::{HashExecutor, InlineExecutor};
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, block_on};
use countersign::{
    AccountId, Actor, Denied, KeyId, Keyring, Policy, Rejection, SealingKey, ServerClock,
    Timestamp, Verifier,
};
use countersign_benches::{Enrolled, Error};
use countersign_store_testing::bench::resident;
use tokio::task::yield_now;
use tokio::time::sleep_until;

/// Accounts with backup codes.
pub(crate) struct Accounts {
    store: MemoryStore,
    key: SealingKey,
    clock: ManualClock,
    users: Vec<AccountId>,
}

/// A service that all users sign in to at once.
pub(crate) struct Service {
    verifier: Arc<Verifier<MemoryStore>>,
    users: Vec<AccountId>,
}

/// The attempts of the users, and the delays of other tasks.
pub(crate) struct Measurement {
    attempts: u32,
    took: Duration,
    /// The delays of other tasks, in ascending order.
    delays: Vec<Duration>,
    /// The peak memory minus the memory before, in bytes.
    pub(crate) memory: f64,
}

impl Accounts {
    /// Enrolls all users.
    pub(crate) fn new(users: u32) -> Result<Self, Error> {
        let accounts = Self {
            store: MemoryStore::new(),
            key: SealingKey::generate()?,
            clock: ManualClock::at(Timestamp::from_unix(1_800_000_000)),
            users: (0..users).map(AccountId::from).collect(),
        };
        let verifier = accounts.verifier(InlineExecutor)?;
        for id in &accounts.users {
            Enrolled::new(&verifier, id, accounts.clock.now(), 1)?;
        }
        Ok(accounts)
    }

    /// A service whose accounts have no counted failures.
    pub(crate) fn service(
        &self,
        hash_executor: impl HashExecutor + 'static,
    ) -> Result<Service, Error> {
        let verifier = self.verifier(hash_executor)?;
        let staff = Actor::new("this benchmark", "counted failures")?;
        for id in &self.users {
            block_on(verifier.unlock(id, ServerClock::Confirmed, &staff))?;
        }
        Ok(Service {
            verifier: Arc::new(verifier),
            users: self.users.clone(),
        })
    }

    /// A verifier without back-off before the hundredth failure.
    fn verifier(
        &self,
        hash_executor: impl HashExecutor + 'static,
    ) -> Result<Verifier<MemoryStore>, Error> {
        let policy = Policy::builder()
            .code_format(CodeFormat::new(Alphabet::Digits, 8, 4, 1)?)
            .backoff(100, Duration::ZERO, Duration::ZERO)
            .budget(1_000, Duration::from_secs(86_400))
            .build()?;
        let keyring = Keyring::new(KeyId::new(1), self.key.clone());
        let builder = Verifier::builder(self.store.clone(), keyring, "Example").policy(policy);
        let builder = builder
            .clock(self.clock.clone())
            .hash_executor(hash_executor);
        Ok(builder.build()?)
    }
}

impl Measurement {
    /// Measures the delays of other tasks. If there is a service, each of its users types one
    /// backup code after the other meanwhile.
    pub(crate) async fn run(length: Duration, service: Option<&Service>) -> Result<Self, Error> {
        const OTHER_TASKS: usize = 16;
        let before = resident()?;
        let done = Arc::new(AtomicBool::new(false));
        let memory_watcher = thread::spawn({
            let done = Arc::clone(&done);
            move || peak(&done)
        });
        let start = Instant::now();
        let others: Vec<_> = (0..OTHER_TASKS)
            .map(|_| tokio::spawn(delays(start, length)))
            .collect();
        let mut typing = Vec::new();
        if let Some(Service { verifier, users }) = service {
            for id in users {
                let (verifier, id) = (Arc::clone(verifier), id.clone());
                typing.push(tokio::spawn(type_codes(verifier, id, start, length)));
            }
        }
        let mut attempts = 0;
        for user in typing {
            attempts += user.await??;
        }
        let took = start.elapsed();
        let mut all = Vec::new();
        for other in others {
            all.extend(other.await?);
        }
        all.sort_unstable();
        done.store(true, Ordering::Relaxed);
        let peak = memory_watcher
            .join()
            .map_err(|_| "the memory watcher panicked")??;
        Ok(Self {
            attempts,
            took,
            delays: all,
            memory: peak - before,
        })
    }

    pub(crate) fn attempts_per_second(&self) -> f64 {
        f64::from(self.attempts) / self.took.as_secs_f64()
    }

    /// The delay that this share of the wake-ups does not exceed.
    pub(crate) fn delay(&self, share: f64) -> Duration {
        self.delays[((self.delays.len() - 1) as f64 * share) as usize]
    }
}

/// A task that sleeps for 5 ms again and again. Returns the delay of each wake-up.
async fn delays(start: Instant, length: Duration) -> Vec<Duration> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut all = Vec::new();
    while start.elapsed() < length {
        let due = Instant::now() + PAUSE;
        sleep_until(due.into()).await;
        all.push(due.elapsed());
    }
    all
}

/// Types wrong codes, and returns their number.
async fn type_codes(
    verifier: Arc<Verifier<MemoryStore>>,
    id: AccountId,
    start: Instant,
    length: Duration,
) -> Result<u32, Error> {
    let mut attempts = 0;
    while start.elapsed() < length {
        match verifier.verify(&id, "0000 0000").await {
            Err(Denied::Rejected(Rejection::WrongCode)) => attempts += 1,
            Err(denied) => return Err(denied.into()),
            Ok(_) => return Err("the verifier accepted a wrong code".into()),
        }
        // With `InlineExecutor`, one user would otherwise type without a pause until the account is
        // locked.
        yield_now().await;
    }
    Ok(attempts)
}

fn peak(done: &AtomicBool) -> Result<f64, Error> {
    let mut peak = 0.0_f64;
    while !done.load(Ordering::Relaxed) {
        peak = peak.max(resident()?);
        thread::sleep(Duration::from_millis(2));
    }
    Ok(peak)
}
