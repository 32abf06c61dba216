//! Accounts that are the same in every run. Account 7 always has the same secret, so that a run
//! after a kill can create its phone again.

use countersign::store::{MemoryStore, StoredRecord};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{AccountId, EnrollmentRequest, Proof, Timestamp, Verifier, blocking};

use crate::Failure;
use crate::keys::{ISSUER, Stage, keyring};
use crate::repeatable_random::RepeatableRandom;

/// The accounts 1 to `count`.
#[derive(Clone, Copy)]
pub(crate) struct Accounts {
    count: u32,
}

impl Accounts {
    pub(crate) const fn new(count: u32) -> Self {
        Self { count }
    }

    pub(crate) const fn count(self) -> u32 {
        self.count
    }

    /// The accounts that sign in during the change: at most a thousand, spread over all accounts.
    pub(crate) fn members(self) -> impl Iterator<Item = u32> {
        let step = self.count.div_ceil(1000).max(1);
        (1..=self.count).step_by(usize::try_from(step).unwrap_or(usize::MAX))
    }
}

/// An account with a confirmed authenticator, encrypted with the old key, and its phone.
pub(crate) struct Enrolled {
    pub(crate) account: AccountId,
    pub(crate) stored: StoredRecord,
    pub(crate) phone: Phone,
}

pub(crate) fn enroll(number: u32) -> Result<Enrolled, Failure> {
    let (account, store) = (AccountId::from(number), MemoryStore::new());
    let random = RepeatableRandom::new(SEED, number.into());
    let keyring = keyring(Stage::Before)?;
    let verifier = Verifier::builder_with_random(store.clone(), keyring, ISSUER, random)
        .clock(ManualClock::at(START))
        .build()?;
    let password = Proof::Password { checked_at: START };
    let request = EnrollmentRequest::new("somebody@example.com");
    let enrollment = block_on(verifier.begin_enrollment(&account, request, password))?;
    let phone = Phone::scan(enrollment.key_uri().to_secret_text().expose())?;
    let passcode = phone.passcode(START);
    let _receipt = block_on(verifier.confirm_enrollment(&account, enrollment.id(), &passcode))?;
    let stored = blocking::Store::load(&store, &account)?;
    Ok(Enrolled {
        account,
        stored: stored.ok_or("the account was not written")?,
        phone,
    })
}

const SEED: u64 = 1;
/// 2027-01-15, at the start of a time step.
pub(crate) const START: Timestamp = Timestamp::from_unix(1_800_000_000);
