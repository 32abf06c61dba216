//! A service with one account, and the known records that it has written.

use super::sealing::{self, ACCOUNT, KEY, KEY_ID};
use countersign::backup::{Argon2Params, CodeFormat, HashJob};
use countersign::otp::RandomError;
use countersign::runtime::{
    HashExecutor, HashExecutorError, HashFuture, InlineExecutor, RandomSource,
};
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, Store, StoredRecord, Summary, WriteKind,
};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Actor, AuthenticatorId, Denied, EnrollmentId, EnrollmentRequest, FirstFactor, KeyId,
    Keyring, Policy, Proof, Receipt, SealedReceipt, SealingKey, Status, Timestamp, Verifier,
    VerifierError,
};
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, LazyLock};

/// The time at which the service starts.
pub(super) const START: u64 = 1_800_000_000;

pub(super) struct Service {
    pub(super) verifier: Verifier<MemoryStore>,
    pub(super) account: AccountId,
    clock: ManualClock,
    worker: Worker,
}

impl Service {
    pub(super) fn new(policy: Policy) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix(START));
        let worker = Worker(Arc::new(AtomicBool::new(true)));
        let keyring = Keyring::new(KeyId::new(KEY_ID), SealingKey::from_bytes(&KEY));
        let store = MemoryStore::new();
        let verifier = Verifier::builder_with_random(store, keyring, "Example", Counted::default())
            .policy(policy)
            .clock(clock.clone())
            .hash_executor(worker.clone())
            .build()
            .expect("a short issuer");
        Self {
            verifier,
            account: AccountId::new(ACCOUNT).expect("a short id"),
            clock,
            worker,
        }
    }

    /// A service whose store holds this record under this revision.
    pub(super) fn with_record(record: &[u8], revision: Revision) -> Self {
        let service = Self::new(policy());
        let summary = Summary::new(true, 0, KeyId::new(KEY_ID));
        let write = ConditionalWrite::put(None, revision, record, WriteKind::Enrolled, summary);
        let store = service.verifier.store();
        let Ok(_) = block_on(Store::compare_and_swap(store, &service.account, write));
        service
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn set(&self, now: Timestamp) {
        self.clock.set(now);
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.set(self.now().saturating_add(seconds));
    }

    /// Whether hashes are computed from now on.
    pub(super) fn compute(&self, hashes: bool) {
        self.worker.0.store(hashes, Ordering::Relaxed);
    }

    pub(super) fn stored(&self) -> StoredRecord {
        let Ok(stored) = block_on(Store::load(self.verifier.store(), &self.account));
        stored.expect("nothing erases the record")
    }

    pub(super) fn status(&self) -> Result<Status, VerifierError> {
        block_on(self.verifier.status(&self.account))
    }

    pub(super) fn verify(&self, typed: &str) -> Result<Receipt, Denied> {
        block_on(self.verifier.verify(&self.account, typed))
    }

    pub(super) fn verify_row(&self, typed: &[String]) -> Result<Receipt, Denied> {
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        block_on(self.verifier.verify_consecutive(&self.account, &typed))
    }

    /// Begins an enrollment, by default with a fresh password check. Returns the id and the key
    /// URI.
    pub(super) fn begin(&self, proof: Option<Proof<'_>>) -> Result<(EnrollmentId, String), Denied> {
        let checked_at = self.now();
        let proof = proof.unwrap_or(Proof::Password { checked_at });
        let request = EnrollmentRequest::new(ACCOUNT);
        let enrollment = block_on(
            self.verifier
                .begin_enrollment(&self.account, request, proof),
        )?;
        let uri = enrollment.key_uri().to_secret_text().expose().to_owned();
        Ok((enrollment.id(), uri))
    }

    pub(super) fn confirm(&self, id: EnrollmentId, typed: &str) -> Result<Receipt, Denied> {
        block_on(self.verifier.confirm_enrollment(&self.account, id, typed))
    }

    pub(super) fn seal(&self, receipt: &Receipt) -> SealedReceipt {
        self.verifier.seal_receipt(receipt)
    }

    pub(super) fn issue(&self, proof: Proof<'_>) -> Result<Vec<String>, Denied> {
        let codes = block_on(self.verifier.issue_backup_codes(&self.account, proof))?;
        Ok(codes.iter().map(str::to_owned).collect())
    }
}

/// The default policy with a cheap hash.
fn policy() -> Policy {
    let format = CodeFormat::new(countersign::backup::Alphabet::Digits, 8, 4, 3).expect("in range");
    Policy::builder()
        .code_format(format)
        .code_hash(Argon2Params::new(8, 1, 1).expect("in range"))
        .build()
        .expect("in range")
}

/// A record that the library has written.
pub(super) struct Known {
    pub(super) record: Vec<u8>,
    pub(super) revision: Revision,
    pub(super) plain: Vec<u8>,
}

/// The records of one account: enrollments, two authenticators, backup codes, failures, codes that
/// are never stored, and the disabled account. Both forms of records are among them.
pub(super) static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let service = Service::new(policy());
    let mut known = Vec::new();
    let mut keep = || {
        let StoredRecord { record, revision } = service.stored();
        let plain = sealing::open(&record);
        known.push(Known {
            record,
            revision,
            plain,
        });
    };
    let (id, uri) = service.begin(None).expect("a first enrollment");
    keep();
    service.confirm(id, "000000").expect_err("a wrong passcode");
    keep();
    let phone = Phone::scan(&uri).expect("a key URI");
    let shown = || phone.passcode(service.now());
    let receipt = service.confirm(id, &shown()).expect("the passcode");
    let receipt = service.seal(&receipt);
    keep();
    let proof = || Proof::Reauthenticated {
        first_factor: FirstFactor::password(service.now()),
        receipt: &receipt,
    };
    let codes = service.issue(proof()).expect("a fresh receipt");
    keep();
    let _ = service.verify(&codes[1]).expect("an unused code");
    keep();
    service.advance(30);
    let (id, uri) = service.begin(Some(proof())).expect("a fresh receipt");
    keep();
    let other = Phone::scan(&uri).expect("a key URI");
    let _ = service
        .confirm(id, &other.passcode(service.now()))
        .expect("the passcode");
    keep();
    service.verify("000000").expect_err("a wrong passcode");
    keep();
    service.advance(30);
    let request = EnrollmentRequest::replacing(newest(&service), ACCOUNT);
    block_on(
        service
            .verifier
            .begin_enrollment(&service.account, request, proof()),
    )
    .expect("a fresh receipt");
    keep();
    let _ = service.verify(&shown()).expect("the next passcode");
    keep();
    service.compute(false);
    service.issue(proof()).expect_err("hashes are not computed");
    keep();
    service.compute(true);
    for _ in 0..3 {
        service.begin(Some(proof())).expect("a fresh receipt");
    }
    keep();
    block_on(service.verifier.force_disable(&service.account, &staff())).expect("no fault");
    keep();
    known
});

/// The authenticator that was enrolled last.
fn newest(service: &Service) -> AuthenticatorId {
    let status = service.status().expect("a record");
    let Status::Enabled(enabled) = status else {
        panic!("not enabled: {status:?}");
    };
    enabled.authenticators.last().expect("an authenticator").id
}

/// Fills every buffer with the number of the call, so ids and secrets are known.
#[derive(Default)]
struct Counted(AtomicU8);

impl RandomSource for Counted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        Ok(())
    }
}

/// Computes hashes, or fails if disabled.
#[derive(Clone)]
struct Worker(Arc<AtomicBool>);

impl HashExecutor for Worker {
    fn run(&self, job: HashJob) -> HashFuture<'_> {
        if self.0.load(Ordering::Relaxed) {
            return InlineExecutor.run(job);
        }
        Box::pin(ready(Err(HashExecutorError::Worker(
            "too slow to fuzz".into(),
        ))))
    }
}

/// A person who acts without a proof.
pub(super) fn staff() -> Actor {
    Actor::new("staff", "a fuzz target").expect("valid texts")
}
