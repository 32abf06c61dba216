//! A service over a `MemoryStore`, and its users.

use std::time::Duration;

use countersign::backup::{Alphabet, Argon2Params, CodeFormat};
use countersign::otp::Window;
use countersign::runtime::{HashExecutor, InlineExecutor};
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, StoredRecord, Summary, WriteKind, WriteResult,
};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{AccountId, KeyId, Keyring, Policy, SealingKey, Timestamp, Verifier, blocking};
use countersign_benches::{Enrolled, Error, wrong_code};

/// A service with a manual clock.
pub(crate) struct Service {
    pub(crate) verifier: Verifier<MemoryStore>,
    pub(crate) clock: ManualClock,
}

/// The window of the policy, and what each account has.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) window: u8,
    pub(crate) authenticators: u8,
    pub(crate) codes: u8,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            window: 1,
            authenticators: 1,
            codes: 10,
        }
    }
}

/// A user who can sign in.
pub(crate) struct Owner {
    pub(crate) id: AccountId,
    phone: Phone,
    pub(crate) codes: Vec<String>,
}

/// The time at which a user types a passcode, and the passcode.
pub(crate) type Typed = (Timestamp, String);

impl Service {
    /// A service whose password hash takes almost no time.
    pub(crate) fn new(setup: Setup) -> Result<Self, Error> {
        Self::with_hash(setup, Argon2Params::new(8, 1, 1)?, InlineExecutor)
    }

    pub(crate) fn with_hash(
        setup: Setup,
        params: Argon2Params,
        hash_executor: impl HashExecutor + 'static,
    ) -> Result<Self, Error> {
        let policy = Policy::builder()
            .window(Window::around(setup.window))
            .code_format(CodeFormat::new(Alphabet::Digits, 8, 4, setup.codes)?)
            .code_hash(params)
            .build()?;
        Self::over(MemoryStore::new(), policy, hash_executor)
    }

    /// A service whose backup codes have 115 bits, so that they need no password hash.
    pub(crate) fn with_long_codes(setup: Setup) -> Result<Self, Error> {
        let policy = Policy::builder()
            .window(Window::around(setup.window))
            .code_format(CodeFormat::BITS_112)
            .build()?;
        Self::over(MemoryStore::new(), policy, InlineExecutor)
    }

    fn over(
        store: MemoryStore,
        policy: Policy,
        hash_executor: impl HashExecutor + 'static,
    ) -> Result<Self, Error> {
        let clock = ManualClock::at(BEGINNING);
        let verifier = Verifier::builder(store, Keyring::new(KEY_ID, key()), "Example")
            .policy(policy)
            .clock(clock.clone())
            .hash_executor(hash_executor)
            .build()?;
        Ok(Self { verifier, clock })
    }

    /// Another server of the same service, with its own clock.
    pub(crate) fn another_server(&self) -> Result<Self, Error> {
        let (store, policy) = (self.verifier.store(), self.verifier.policy());
        let other = Self::over(store.clone(), policy.clone(), InlineExecutor)?;
        other.clock.set(self.clock.now());
        Ok(other)
    }

    /// Enrolls a user, and signs in from the next day on until the history of the record is full.
    /// Then the record grows no more, and no longer has the time at which the codes were issued.
    pub(crate) fn enroll(&self, id: AccountId, setup: Setup) -> Result<Owner, Error> {
        let Enrolled { phone, codes } =
            Enrolled::new(&self.verifier, &id, self.clock.now(), setup.authenticators)?;
        let owner = Owner {
            codes: codes.iter().map(str::to_owned).collect(),
            id,
            phone,
        };
        self.clock.advance(DAY);
        for typed in self.next_passcodes(&owner, 8) {
            self.sign_in(&owner, &typed);
        }
        Ok(owner)
    }

    /// The stored row of an account.
    pub(crate) fn stored(&self, owner: &Owner) -> Result<StoredRecord, Error> {
        let stored = blocking::Store::load(self.verifier.store(), &owner.id)?;
        Ok(stored.ok_or("the account has no record")?)
    }

    /// Passcodes of increasing time steps. No step is in the window of the step before.
    pub(crate) fn next_passcodes(&self, owner: &Owner, count: u32) -> Vec<Typed> {
        let interval = 30 * u64::from(self.verifier.policy().window().width() + 1);
        let now = self.clock.now();
        let times = (1..=u64::from(count)).map(|turn| now.saturating_add(turn * interval));
        times.map(|at| (at, owner.phone.passcode(at))).collect()
    }

    /// A passcode that is wrong at this time.
    pub(crate) fn wrong_passcode(&self, owner: &Owner, at: Timestamp) -> String {
        let steps = u64::from(self.verifier.policy().window().width());
        let right: Vec<String> = (0..2 * steps)
            .map(|step| {
                owner
                    .phone
                    .passcode(Timestamp::from_unix(at.as_unix() + 30 * step - 30 * steps))
            })
            .collect();
        wrong_code(&right)
    }

    /// Signs in with a right passcode.
    pub(crate) fn sign_in(&self, owner: &Owner, (at, passcode): &Typed) {
        self.clock.set(*at);
        let accepted = block_on(self.verifier.verify(&owner.id, passcode));
        assert!(accepted.is_ok(), "{accepted:?}");
    }
}

/// Creates the record of an account.
pub(crate) fn insert(
    store: &MemoryStore,
    id: &AccountId,
    revision: Revision,
    record: &[u8],
) -> Result<(), Error> {
    let write = ConditionalWrite::put(None, revision, record, WriteKind::Enrolled, SUMMARY);
    match blocking::Store::compare_and_swap(store, id, write)? {
        WriteResult::Done => Ok(()),
        WriteResult::Stale => Err("the account has a record already".into()),
    }
}

pub(crate) fn key() -> SealingKey {
    SealingKey::from_bytes(&[7; 32])
}

pub(crate) const KEY_ID: KeyId = KeyId::new(1);
pub(crate) const SUMMARY: Summary = Summary::new(true, 10, KEY_ID);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);
const BEGINNING: Timestamp = Timestamp::from_unix(1_800_000_000);
