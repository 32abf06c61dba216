use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use countersign::backup::{Alphabet, CodeFormat};
use countersign::runtime::{HashExecutor, InlineExecutor};
use countersign::store::MemoryStore;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Denied, EnrollmentRequest, KeyId, Keyring, Policy, Proof, Rejection, SealingKey,
    ServerClock, Timestamp, Verifier,
};
use countersign_benches::{Error, resident};
use tokio::task::yield_now;
use tokio::time::sleep_until;

/// Accounts with backup codes.
pub(crate) struct Storm {
    store: MemoryStore,
    key: SealingKey,
    clock: ManualClock,
    people: Vec<AccountId>,
}

/// A service that they all sign in to at once.
pub(crate) struct Service {
    verifier: Arc<Verifier<MemoryStore>>,
    people: Vec<AccountId>,
}

/// How other tasks fared.
pub(crate) struct Weather {
    attempts: u32,
    took: Duration,
    /// In ascending order.
    lateness: Vec<Duration>,
    /// The most memory beside what there was before, in bytes.
    pub(crate) memory: f64,
}

impl Storm {
    /// Enrolls everybody.
    pub(crate) fn new(people: u32) -> Result<Self, Error> {
        let storm = Self {
            store: MemoryStore::new(),
            key: SealingKey::generate()?,
            clock: ManualClock::at(Timestamp::from_unix(1_800_000_000)),
            people: (0..people).map(AccountId::from).collect(),
        };
        let verifier = storm.verifier(InlineExecutor)?;
        for id in &storm.people {
            let now = storm.clock.now();
            let request = EnrollmentRequest::new("alice@example.com");
            let proof = Proof::Password { checked_at: now };
            let begun = block_on(verifier.begin_enrollment(id, request, proof))?;
            let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
            let passcode = phone.passcode(now);
            let receipt = block_on(verifier.confirm_enrollment(id, begun.id(), &passcode))?;
            let proof = Proof::Reauthenticated {
                password_checked_at: now,
                receipt: &verifier.seal_receipt(&receipt),
            };
            block_on(verifier.issue_backup_codes(id, proof))?;
        }
        Ok(storm)
    }

    /// A service that nobody has failed at so far.
    pub(crate) fn service(
        &self,
        hash_executor: impl HashExecutor + 'static,
    ) -> Result<Service, Error> {
        let verifier = self.verifier(hash_executor)?;
        for id in &self.people {
            block_on(verifier.unlock(id, ServerClock::Confirmed))?;
        }
        Ok(Service {
            verifier: Arc::new(verifier),
            people: self.people.clone(),
        })
    }

    /// It holds nobody off before the hundredth failure.
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

impl Weather {
    /// Lets everybody type backup codes as fast as they are answered, or nobody, and watches others meanwhile.
    pub(crate) async fn watch(length: Duration, service: Option<&Service>) -> Result<Self, Error> {
        const OTHERS: usize = 16;
        let before = resident()?;
        let over = Arc::new(AtomicBool::new(false));
        let watcher = thread::spawn({
            let over = Arc::clone(&over);
            move || peak(&over)
        });
        let begun = Instant::now();
        let others: Vec<_> = (0..OTHERS)
            .map(|_| tokio::spawn(lateness(begun, length)))
            .collect();
        let mut typing = Vec::new();
        if let Some(Service { verifier, people }) = service {
            for id in people {
                let (verifier, id) = (Arc::clone(verifier), id.clone());
                typing.push(tokio::spawn(type_codes(verifier, id, begun, length)));
            }
        }
        let mut attempts = 0;
        for person in typing {
            attempts += person.await??;
        }
        let took = begun.elapsed();
        let mut all = Vec::new();
        for other in others {
            all.extend(other.await?);
        }
        all.sort_unstable();
        over.store(true, Ordering::Relaxed);
        let peak = watcher
            .join()
            .map_err(|_| "the watcher of the memory is gone")??;
        Ok(Self {
            attempts,
            took,
            lateness: all,
            memory: peak - before,
        })
    }

    pub(crate) fn attempts_a_second(&self) -> f64 {
        f64::from(self.attempts) / self.took.as_secs_f64()
    }

    /// The lateness that this share of the wakings does not exceed.
    pub(crate) fn late(&self, share: f64) -> Duration {
        self.lateness[((self.lateness.len() - 1) as f64 * share) as usize]
    }
}

/// A task that has something to do every 5 ms: how late it was woken each time.
async fn lateness(begun: Instant, length: Duration) -> Vec<Duration> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut all = Vec::new();
    while begun.elapsed() < length {
        let due = Instant::now() + PAUSE;
        sleep_until(due.into()).await;
        all.push(due.elapsed());
    }
    all
}

/// How many codes were typed. All are wrong.
async fn type_codes(
    verifier: Arc<Verifier<MemoryStore>>,
    id: AccountId,
    begun: Instant,
    length: Duration,
) -> Result<u32, Error> {
    let mut attempts = 0;
    while begun.elapsed() < length {
        match verifier.verify(&id, "0000 0000").await {
            Err(Denied::Rejected(Rejection::WrongCode)) => attempts += 1,
            Err(denied) => return Err(denied.into()),
            Ok(_) => return Err("the wrong code is right".into()),
        }
        // The next request comes later. `InlineExecutor` waits for nothing, and one person alone would type until locked out.
        yield_now().await;
    }
    Ok(attempts)
}

fn peak(over: &AtomicBool) -> Result<f64, Error> {
    let mut peak = 0.0_f64;
    while !over.load(Ordering::Relaxed) {
        peak = peak.max(resident()?);
        thread::sleep(Duration::from_millis(2));
    }
    Ok(peak)
}
