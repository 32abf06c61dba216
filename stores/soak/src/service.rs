//! The verifier of a test, on a clock that the client sets.

use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::factor::RateLimitState;
use countersign::store::BoxStore;
use countersign::testing::ManualClock;
use countersign::{
    AccountId, KeyId, Keyring, Policy, SealingKey, Status, Timestamp, Verifier, VerifierError,
};

/// The number of consecutive failures that lock an account. Nothing else limits guesses: there is
/// no back-off, and the guess budget grows with every second.
pub const LOCKED_AT: u32 = 100;

/// A verifier with a clock of its own.
#[derive(Debug)]
pub struct Service {
    /// The verifier.
    pub verifier: Verifier<BoxStore>,
    /// The clock of the verifier.
    pub clock: ManualClock,
}

impl Service {
    /// A service on this store, with the key that all processes share.
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
            .hotp_enrollment(true)
            .look_ahead(10)
            .code_hash(Argon2Params::new(8, 1, 1).unwrap());
        let keyring = Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let verifier = Verifier::builder(store, keyring, "Soak")
            .policy(policy.build().unwrap())
            .clock(clock.clone())
            // The checks know one set of backup codes per account.
            .pending_backup_codes(false)
            .build()
            .unwrap();
        Self { verifier, clock }
    }

    /// Sets the clock, and returns the verifier.
    #[must_use]
    pub fn at(&self, time: u64) -> &Verifier<BoxStore> {
        self.clock.set(Timestamp::from_unix(time));
        &self.verifier
    }
}

/// The number of stored consecutive failures, counted up to [`LOCKED_AT`]. A record does not show
/// the number. But a verifier that locks at `n` failures reports the account as locked if there are
/// at least `n`.
///
/// # Errors
/// [`VerifierError`] if the record cannot be read.
pub async fn failures(store: &BoxStore, account: &AccountId) -> Result<u32, VerifierError> {
    // The number is at least `least` and at most `most`.
    let (mut least, mut most) = (0, LOCKED_AT);
    while least < most {
        let middle = (least + most).div_ceil(2);
        let service = Service::locked_at(store.clone(), middle);
        match service.verifier.status(account).await? {
            Status::Enabled(enabled) if enabled.rate_limit == RateLimitState::Locked => {
                least = middle;
            }
            _ => most = middle - 1,
        }
    }
    Ok(least)
}
