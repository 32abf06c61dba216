//! A service with one account, one phone, and a clock that the test moves.

use countersign::backup::Argon2Params;
use countersign::store::{MemoryStore, Store};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Actor, AuthenticatorId, Denied, Enrollment, EnrollmentRequest, FirstFactor, KeyId,
    Keyring, Policy, PolicyBuilder, Proof, Receipt, Rejection, SealingKey, ServerClock, Status,
    Timestamp, Verifier, VerifierBuilder,
};
use std::time::Duration;

/// 2027-01-15, at the beginning of a time step.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(crate) const STEP: Duration = Duration::from_secs(30);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

pub(crate) struct World<S = MemoryStore> {
    pub(crate) verifier: Verifier<S>,
    pub(crate) clock: ManualClock,
    pub(crate) key: SealingKey,
    pub(crate) alice: AccountId,
}

/// The default policy with a cheap password hash.
pub(crate) fn policy() -> PolicyBuilder {
    Policy::builder().code_hash(Argon2Params::new(8, 1, 1).unwrap())
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_policy(policy().build().unwrap())
    }

    pub(crate) fn with_policy(policy: Policy) -> Self {
        Self::with_store(MemoryStore::new(), policy)
    }

    /// A service whose account confirmed an authenticator a minute ago.
    pub(crate) fn enrolled() -> (Self, Phone) {
        let world = Self::new();
        let phone = world.enroll();
        (world, phone)
    }

    /// The stored bytes of the account.
    pub(crate) fn record(&self) -> Vec<u8> {
        let Ok(stored) = block_on(Store::load(self.verifier.store(), &self.alice));
        stored.unwrap().record
    }
}

impl<S: Store + Clone> World<S> {
    /// Another server of the same service. The store, key, policy and clock are the same, unless
    /// `with` changes them.
    pub(crate) fn server(
        &self,
        with: impl FnOnce(VerifierBuilder<S>) -> VerifierBuilder<S>,
    ) -> Self {
        let store = self.verifier.store().clone();
        self.service(store, keyring(1, &self.key), with)
    }
}

impl<S: Store> World<S> {
    /// The same account at a service with another store and keyring. The policy and clock are the
    /// same, unless `with` changes them.
    pub(crate) fn service<T: Store>(
        &self,
        store: T,
        keyring: Keyring,
        with: impl FnOnce(VerifierBuilder<T>) -> VerifierBuilder<T>,
    ) -> World<T> {
        let builder = Verifier::builder(store, keyring, "Example")
            .policy(self.verifier.policy().clone())
            .clock(self.clock.clone());
        World {
            verifier: with(builder).build().unwrap(),
            clock: self.clock.clone(),
            key: self.key.clone(),
            alice: self.alice.clone(),
        }
    }

    pub(crate) fn with_store(store: S, policy: Policy) -> Self {
        let clock = ManualClock::at(START);
        let key = SealingKey::generate().unwrap();
        let verifier = Verifier::builder(store, keyring(1, &key), "Example");
        let verifier = verifier
            .policy(policy)
            .clock(clock.clone())
            .build()
            .unwrap();
        Self {
            verifier,
            clock,
            key,
            alice: AccountId::new("alice").unwrap(),
        }
    }

    pub(crate) fn enroll(&self) -> Phone {
        let enrollment = self
            .begin(EnrollmentRequest::new("alice"), self.password())
            .unwrap();
        let phone = scan(&enrollment);
        let _receipt = self.confirm(&enrollment, &self.now(&phone)).unwrap();
        self.clock.advance(STEP * 2);
        phone
    }

    /// What the phone shows now.
    pub(crate) fn now(&self, phone: &Phone) -> String {
        phone.passcode(self.clock.now())
    }

    /// A passcode that is wrong at every time step near now.
    pub(crate) fn wrong(&self, phone: &Phone) -> String {
        let now = self.clock.now().as_unix();
        let near: Vec<_> = (now - 300..now + 300)
            .map(|at| phone.passcode(Timestamp::from_unix(at)))
            .collect();
        (0..)
            .map(|n: u32| format!("{n:06}"))
            .find(|passcode| !near.contains(passcode))
            .unwrap()
    }

    pub(crate) fn password(&self) -> Proof<'static> {
        Proof::Password {
            checked_at: self.clock.now(),
        }
    }

    pub(crate) fn begin(
        &self,
        request: EnrollmentRequest,
        proof: Proof<'_>,
    ) -> Result<Enrollment, Denied> {
        block_on(self.verifier.begin_enrollment(&self.alice, request, proof))
    }

    pub(crate) fn confirm(
        &self,
        enrollment: &Enrollment,
        passcode: &str,
    ) -> Result<Receipt, Denied> {
        block_on(
            self.verifier
                .confirm_enrollment(&self.alice, enrollment.id(), passcode),
        )
    }

    pub(crate) fn verify(&self, code: &str) -> Result<Receipt, Denied> {
        block_on(self.verifier.verify(&self.alice, code))
    }

    /// Logs in with the phone, one time step later.
    pub(crate) fn log_in(&self, phone: &Phone) -> Receipt {
        self.clock.advance(STEP);
        self.verify(&self.now(phone)).unwrap()
    }

    /// Issues backup codes by a fresh login and password check.
    pub(crate) fn issue(&self, phone: &Phone) -> Vec<String> {
        let receipt = self.log_in(phone);
        let codes = block_on(
            self.verifier
                .issue_backup_codes(&self.alice, self.reauthenticated(&receipt)),
        );
        codes.unwrap().iter().map(String::from).collect()
    }

    pub(crate) fn reauthenticated(&self, receipt: &Receipt) -> Proof<'static> {
        self.reauthenticated_at(self.clock.now(), receipt)
    }

    pub(crate) fn reauthenticated_at(
        &self,
        password: Timestamp,
        receipt: &Receipt,
    ) -> Proof<'static> {
        Proof::Reauthenticated {
            first_factor: FirstFactor::password(password),
            receipt: Box::leak(Box::new(self.verifier.seal_receipt(receipt))),
        }
    }

    pub(crate) fn unlock(&self, clock: ServerClock) -> Result<(), Denied> {
        block_on(self.verifier.unlock(&self.alice, clock, &staff()))
    }

    pub(crate) fn status(&self) -> Status {
        block_on(self.verifier.status(&self.alice)).unwrap()
    }

    pub(crate) fn authenticators(&self) -> Vec<AuthenticatorId> {
        match self.status() {
            Status::Enabled(enabled) => enabled
                .authenticators
                .iter()
                .map(|active| active.id)
                .collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn codes_left(&self) -> usize {
        match self.status() {
            Status::Enabled(enabled) => enabled.backup_codes.map_or(0, |codes| codes.remaining),
            _ => 0,
        }
    }
}

/// A person who acts without a proof.
pub(crate) fn staff() -> Actor {
    Actor::new("staff", "a test").unwrap()
}

pub(crate) fn keyring(id: u32, key: &SealingKey) -> Keyring {
    Keyring::new(KeyId::new(id), key.clone())
}

pub(crate) fn scan(enrollment: &Enrollment) -> Phone {
    Phone::scan(enrollment.key_uri().to_secret_text().expose()).unwrap()
}

pub(crate) fn rejection<T>(outcome: Result<T, Denied>) -> Rejection {
    match outcome {
        Ok(_) => panic!("accepted"),
        Err(Denied::Rejected(rejection) | Denied::Repeated(rejection)) => rejection,
        Err(Denied::Failed(error)) => panic!("failed: {error:?}"),
    }
}

pub(crate) const fn waiting(seconds: u64) -> Rejection {
    Rejection::Waiting {
        retry_after: Duration::from_secs(seconds),
    }
}
