use std::time::Duration;

use countersign::backup::{Alphabet, Argon2Params, CodeFormat};
use countersign::otp::Window;
use countersign::runtime::{HashExecutor, InlineExecutor};
use countersign::store::{
    ConditionalWrite, MemoryStore, Revision, Summary, WriteKind, WriteResult,
};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, EnrollmentRequest, KeyId, Keyring, Policy, Proof, SealedReceipt, SealingKey,
    Timestamp, Verifier, blocking,
};
use countersign_benches::Error;

/// A service with a clock that is set by hand.
pub(crate) struct Service {
    pub(crate) verifier: Verifier<MemoryStore>,
    pub(crate) clock: ManualClock,
}

/// What an account has, and how much of it is accepted.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) window: u8,
    pub(crate) authenticators: u8,
    pub(crate) codes: u8,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            window: 1,
            authenticators: 1,
            codes: 10,
        }
    }
}

/// Somebody who can sign in.
pub(crate) struct Owner {
    pub(crate) id: AccountId,
    phone: Phone,
    pub(crate) codes: Vec<String>,
}

/// The time at which somebody types a passcode, and what.
pub(crate) type Typed = (Timestamp, String);

impl Service {
    /// A service whose backup codes have a digest that takes no time.
    pub(crate) fn new(shape: Shape) -> Result<Self, Error> {
        Self::with_digest(shape, Argon2Params::new(8, 1, 1)?, InlineExecutor)
    }

    pub(crate) fn with_digest(
        shape: Shape,
        params: Argon2Params,
        hash_executor: impl HashExecutor + 'static,
    ) -> Result<Self, Error> {
        let policy = Policy::builder()
            .window(Window::around(shape.window))
            .code_format(CodeFormat::new(Alphabet::Digits, 8, 4, shape.codes)?)
            .code_hash(params)
            .build()?;
        Self::over(MemoryStore::new(), policy, hash_executor)
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

    /// Another machine of the same service, with a clock of its own.
    pub(crate) fn beside(&self) -> Result<Self, Error> {
        let (store, policy) = (self.verifier.store(), self.verifier.policy());
        let other = Self::over(store.clone(), policy.clone(), InlineExecutor)?;
        other.clock.set(self.clock.now());
        Ok(other)
    }

    /// Enrolls somebody who signs in from the next day on, when the record no longer holds the time of the issue, until
    /// the history of the record is full, so that it grows no more.
    pub(crate) fn enroll(&self, id: AccountId, shape: Shape) -> Result<Owner, Error> {
        let (phone, receipt) = self.add_authenticator(&id, None)?;
        for _ in 1..shape.authenticators {
            let (_phone, _receipt) = self.add_authenticator(&id, Some(&receipt))?;
        }
        let proof = self.proof(Some(&receipt));
        let codes = block_on(self.verifier.issue_backup_codes(&id, proof))?;
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

    fn add_authenticator(
        &self,
        id: &AccountId,
        receipt: Option<&SealedReceipt>,
    ) -> Result<(Phone, SealedReceipt), Error> {
        let request = EnrollmentRequest::new("alice@example.com");
        let begun = block_on(
            self.verifier
                .begin_enrollment(id, request, self.proof(receipt)),
        )?;
        let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
        let passcode = phone.passcode(self.clock.now());
        let confirmed = self.verifier.confirm_enrollment(id, begun.id(), &passcode);
        Ok((phone, self.verifier.seal_receipt(&block_on(confirmed)?)))
    }

    fn proof<'a>(&self, receipt: Option<&'a SealedReceipt>) -> Proof<'a> {
        let now = self.clock.now();
        match receipt {
            None => Proof::Password { checked_at: now },
            Some(receipt) => Proof::Reauthenticated {
                password_checked_at: now,
                receipt,
            },
        }
    }

    /// The passcodes of later and later steps, none of which is that of a step of a window before.
    pub(crate) fn next_passcodes(&self, owner: &Owner, count: u32) -> Vec<Typed> {
        let apart = 30 * u64::from(self.verifier.policy().window().width() + 1);
        let now = self.clock.now();
        let times = (1..=u64::from(count)).map(|turn| now.saturating_add(turn * apart));
        times.map(|at| (at, owner.phone.passcode(at))).collect()
    }

    /// A code that is wrong at a time.
    pub(crate) fn wrong_passcode(&self, owner: &Owner, at: Timestamp) -> String {
        let steps = u64::from(self.verifier.policy().window().width());
        let right: Vec<String> = (0..2 * steps)
            .map(|step| {
                owner
                    .phone
                    .passcode(Timestamp::from_unix(at.as_unix() + 30 * step - 30 * steps))
            })
            .collect();
        let mut codes = (0..1_000_000).map(|code| format!("{code:06}"));
        codes.find(|code| !right.contains(code)).unwrap_or_default()
    }

    /// Types a passcode, which must be right.
    pub(crate) fn sign_in(&self, owner: &Owner, (at, passcode): &Typed) {
        self.clock.set(*at);
        let accepted = block_on(self.verifier.verify(&owner.id, passcode));
        assert!(accepted.is_ok(), "{accepted:?}");
    }
}

/// Puts a record in that an account did not have.
pub(crate) fn insert(
    store: &MemoryStore,
    id: &AccountId,
    revision: Revision,
    record: &[u8],
) -> Result<(), Error> {
    let swap = ConditionalWrite::put(None, revision, record, WriteKind::Enrolled, SUMMARY);
    match blocking::Store::compare_and_swap(store, id, swap)? {
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
