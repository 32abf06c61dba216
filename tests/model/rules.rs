//! The policies under which the tests compare the verifier with the reference.

use countersign::Policy;
use countersign::backup::{Alphabet, Argon2Params, CodeFormat};
use countersign::factor::TrustedDevices;
use countersign::otp::{Algorithm, Digits, Period, Window};
use std::time::Duration;

/// The numbers of a policy, as the reference reads them. All times are in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// The time steps accepted before and after the current step.
    pub(crate) window: (u64, u64),
    /// The counters accepted after the next one. If `None`, every authenticator is a phone.
    /// Otherwise every second one is a token.
    pub(crate) tokens: Option<u8>,
    pub(crate) digits: u8,
    pub(crate) period: u64,
    pub(crate) max_authenticators: u8,
    pub(crate) enrollment_age: u64,
    pub(crate) enrollment_tries: u8,
    pub(crate) proof_age: u64,
    /// The consecutive failures without back-off, the first back-off, and the longest.
    pub(crate) backoff: (u32, u64, u64),
    pub(crate) lock_after: u32,
    /// The burst, and the seconds until one more guess.
    pub(crate) budget: (u32, u64),
    /// The fewest passcodes of a row, the most time steps away from now, and whether four
    /// passcodes end a lock-out.
    pub(crate) row: (u8, u64, bool),
    /// The most devices of an account, and the days of a trusted one.
    pub(crate) devices: (u8, u8),
    pub(crate) code_letters: bool,
    pub(crate) code_length: u8,
    pub(crate) code_count: u8,
    /// The last bytes of the secrets that the random source returns. If empty, no secret repeats.
    pub(crate) secrets: &'static [u64],
}

/// With this secret, the two time steps after the first time step have the same passcode.
const TWIN: u64 = 1_223_345;
/// With this secret, the first of these two time steps has the passcode of `TWIN` too.
const SAME_AS_TWIN: u64 = 619_288;

/// With this secret, counters 1 and 2 have the same passcode.
const TWIN_COUNTERS: u64 = 980_008;
/// With this secret, counter 1 has the passcode of the two time steps of `TWIN`.
const COUNTER_AS_TWIN: u64 = 1_334_200;

impl Default for Rules {
    /// The default policy, with every number written out.
    fn default() -> Self {
        Self {
            window: (1, 1),
            tokens: None,
            digits: 6,
            period: 30,
            max_authenticators: 5,
            enrollment_age: 600,
            enrollment_tries: 10,
            proof_age: 600,
            backoff: (5, 30, 3600),
            lock_after: 100,
            budget: (10, 3 * 86_400),
            row: (3, 20, true),
            devices: (10, 0),
            code_letters: false,
            code_length: 8,
            code_count: 10,
            secrets: &[],
        }
    }
}

impl Rules {
    pub(crate) fn tiny_budget() -> Self {
        Self {
            budget: (2, 3600),
            row: (4, 3, true),
            devices: (2, 30),
            enrollment_tries: 2,
            code_count: 3,
            ..Self::default()
        }
    }

    pub(crate) fn early_lock() -> Self {
        Self {
            backoff: (1, 10, 40),
            lock_after: 4,
            budget: (9, 7200),
            devices: (3, 1),
            enrollment_tries: 3,
            code_count: 2,
            ..Self::default()
        }
    }

    pub(crate) fn exact_window() -> Self {
        Self {
            window: (0, 0),
            period: 60,
            digits: 7,
            lock_after: 2,
            row: (3, 20, false),
            max_authenticators: 1,
            enrollment_age: 60,
            proof_age: 1,
            enrollment_tries: 1,
            ..Self::default()
        }
    }

    pub(crate) fn wide_window() -> Self {
        Self {
            window: (2, 2),
            devices: (10, 90),
            max_authenticators: 3,
            enrollment_tries: 4,
            secrets: &[TWIN, SAME_AS_TWIN, 1],
            ..Self::default()
        }
    }

    pub(crate) fn equal_lengths() -> Self {
        Self {
            window: (2, 0),
            digits: 8,
            code_count: 4,
            backoff: (3, 60, 200),
            budget: (6, 1000),
            ..Self::default()
        }
    }

    pub(crate) fn tokens() -> Self {
        Self {
            tokens: Some(2),
            ..Self::default()
        }
    }

    pub(crate) fn repeated_tokens() -> Self {
        Self {
            tokens: Some(1),
            window: (2, 2),
            max_authenticators: 4,
            secrets: &[TWIN, TWIN_COUNTERS, COUNTER_AS_TWIN],
            ..Self::default()
        }
    }

    pub(crate) fn letters() -> Self {
        Self {
            window: (0, 1),
            max_authenticators: 2,
            code_letters: true,
            code_length: 6,
            code_count: 4,
            ..Self::default()
        }
    }

    pub(crate) fn long_codes() -> Self {
        Self {
            backoff: (1, 10, 40),
            lock_after: 4,
            budget: (3, 7200),
            row: (3, 20, true),
            code_letters: true,
            code_length: 23,
            code_count: 3,
            ..Self::default()
        }
    }

    pub(crate) fn long_codes_do_not_unlock() -> Self {
        Self {
            row: (3, 20, false),
            devices: (2, 30),
            ..Self::long_codes()
        }
    }

    /// Whether backup codes have at least 112 bits.
    pub(crate) const fn has_keyed_codes(&self) -> bool {
        self.code_letters && self.code_length >= 23
    }

    pub(crate) fn policy(&self) -> Policy {
        let alphabet = if self.code_letters {
            Alphabet::Unambiguous
        } else {
            Alphabet::Digits
        };
        let (before, after) = self.window;
        let (free, first, longest) = self.backoff;
        let (burst, refill) = self.budget;
        Policy::builder()
            .algorithm(Algorithm::Sha1)
            .window(Window {
                before: before.try_into().unwrap(),
                after: after.try_into().unwrap(),
            })
            .look_ahead(self.tokens.unwrap_or(2))
            .hotp_enrollment(self.tokens.is_some())
            .digits(Digits::new(self.digits).unwrap())
            .period(Period::from_secs(self.period).unwrap())
            .max_authenticators(self.max_authenticators)
            .enrollment_age(Duration::from_secs(self.enrollment_age))
            .enrollment_tries(self.enrollment_tries)
            .proof_age(Duration::from_secs(self.proof_age))
            .backoff(
                free,
                Duration::from_secs(first),
                Duration::from_secs(longest),
            )
            .lock_after(self.lock_after)
            .budget(burst, Duration::from_secs(refill))
            .consecutive_codes(self.row.0, self.row.1.try_into().unwrap())
            .consecutive_codes_unlock(self.row.2)
            .devices(self.devices.0)
            .trusted_devices(TrustedDevices::Days(self.devices.1))
            .code_format(CodeFormat::new(alphabet, self.code_length, 4, self.code_count).unwrap())
            .code_hash(Argon2Params::new(8, 1, 1).unwrap())
            .build()
            .unwrap()
    }
}
