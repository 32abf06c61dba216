//! The verifier of a storm, on a clock that the client sets.

use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::factor::RateLimitState;
use countersign::store::BoxStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, KeyId, Keyring, Policy, SealingKey, Status, Timestamp, Verifier, VerifierError,
};

/// At so many consecutive failures an account is locked. Until then nothing is in the way of a guess: no wait, and a budget
/// that grows with every second.
pub const LOCKED_AT: u32 = 100;

/// A verifier with a clock of its own.
#[derive(Debug)]
pub struct Service {
    /// The verifier.
    pub verifier: Verifier<BoxStore>,
    /// What it takes for the time.
    pub clock: ManualClock,
}

impl Service {
    /// A service on this store, with the key that all processes have.
    #[must_use]
    pub fn new(store: BoxStore) -> Self {
        Self::locked_at(store, LOCKED_AT)
    }

    fn locked_at(store: BoxStore, failures: u32) -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let policy = Policy::builder()
            .backoff(LOCKED_AT, Duration::ZERO, Duration::ZERO)
            .lock_after(failures)
            .budget(1000, Duration::from_secs(1))
            .code_hash(Argon2Params::new(8, 1, 1).unwrap());
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let verifier = Verifier::builder(store, keyring, "Soak")
            .policy(policy.build().unwrap())
            .clock(clock.clone())
            .build()
            .unwrap();
        Self { verifier, clock }
    }

    /// Sets the clock.
    #[must_use]
    pub fn at(&self, time: u64) -> &Verifier<BoxStore> {
        self.clock.set(Timestamp::from_unix(time));
        &self.verifier
    }
}

/// How many consecutive failures are on record, counted up to [`LOCKED_AT`]. A record does not tell, but whoever would
/// lock at `n` failures finds it locked if there are as many.
///
/// # Errors
/// [`VerifierError`] if the record cannot be read.
pub async fn failures(store: &BoxStore, account: &AccountId) -> Result<u32, VerifierError> {
    // As many are on record, and no more than that.
    let (mut least, mut most) = (0, LOCKED_AT);
    while least < most {
        let middle = (least + most).div_ceil(2);
        let service = Service::locked_at(store.clone(), middle);
        match service.verifier.status(account).await? {
            Status::Enabled(enabled) if enabled.rate_limit == RateLimitState::Locked => {
                least = middle
            }
            _ => most = middle - 1,
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cast::Person;
    use countersign::store::MemoryStore;

    #[tokio::test]
    async fn failures_are_counted_from_the_record_alone() {
        let store = BoxStore::new(MemoryStore::new());
        let service = Service::new(store.clone());
        let (person, _) = Person::enroll(&service, "somebody", false).await;
        for number in 0..=LOCKED_AT + 1 {
            let seen = failures(&store, &person.account).await.unwrap();
            assert_eq!(seen, number.min(LOCKED_AT));
            let at = 1_900_000_000;
            let wrong = person.wrong_passcode(at, 0);
            _ = service.at(at).verify(&person.account, &wrong).await;
        }
    }
}
