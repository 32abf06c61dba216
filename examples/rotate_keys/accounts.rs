//! Accounts that are the same in every run: account 7 always has the same secret, so that its phone can be made again after
//! the program was killed.

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

    /// Those that sign in meanwhile: at most a thousand, spread over all.
    pub(crate) fn members(self) -> impl Iterator<Item = u32> {
        let apart = self.count.div_ceil(1000).max(1);
        (1..=self.count).step_by(usize::try_from(apart).unwrap_or(usize::MAX))
    }
}

/// An account with a confirmed authenticator, sealed with the old key, and its phone.
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
        .clock(ManualClock::at(BEGINNING))
        .build()?;
    let password = Proof::Password {
        checked_at: BEGINNING,
    };
    let request = EnrollmentRequest::new("somebody@example.com");
    let begun = block_on(verifier.begin_enrollment(&account, request, password))?;
    let phone = Phone::scan(begun.key_uri().to_secret_text().expose())?;
    let passcode = phone.passcode(BEGINNING);
    let _receipt = block_on(verifier.confirm_enrollment(&account, begun.id(), &passcode))?;
    let stored = blocking::Store::load(&store, &account)?;
    Ok(Enrolled {
        account,
        stored: stored.ok_or("the account was not written")?,
        phone,
    })
}

const SEED: u64 = 1;
/// 2027-01-15, at the beginning of a step.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_unix(1_800_000_000);
