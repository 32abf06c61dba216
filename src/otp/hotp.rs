use super::hmac::{KeyedMac, leaving_nothing};
use crate::constant_time::reveal;
use crate::otp::{Algorithm, Code, Digits, Passcode};
use core::fmt;
use core::ops::RangeInclusive;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// HMAC-based one-time passwords (RFC 4226): a key that is set up, and how many digits to show.
///
/// The counter is the host's to keep. After [`verify`](Self::verify) or
/// [`resynchronize`](Self::resynchronize) it must store [`HotpMatch::next`] before it lets anybody in, in
/// one step with the check that the stored counter is still the one it passed (else two requests at the
/// same time are accepted with one passcode).
///
/// ```
/// use countersign::otp::{Algorithm, Code, Digits, Hotp};
///
/// let hotp = Hotp::new(b"12345678901234567890", Algorithm::Sha1, Digits::SIX);
/// assert_eq!(hotp.generate(1).expose(), "287082");
///
/// let matched = hotp.verify(&Code::parse("287 082")?, 0, 3).expect("one ahead of the counter");
/// assert_eq!(matched.next(), Some(2));
/// # Ok::<(), countersign::otp::CodeError>(())
/// ```
#[derive(Clone)]
pub struct Hotp {
    mac: KeyedMac,
    digits: Digits,
}

impl Hotp {
    /// Sets the key up. A key of any length is taken as it is; [`Secret`](crate::otp::Secret) is the type that
    /// insists on enough bits.
    #[must_use]
    pub fn new(key: &[u8], algorithm: Algorithm, digits: Digits) -> Self {
        leaving_nothing(algorithm, || Self::set_up(key, algorithm, digits))
    }

    pub(super) fn set_up(key: &[u8], algorithm: Algorithm, digits: Digits) -> Self {
        Self {
            mac: KeyedMac::new(algorithm, key),
            digits,
        }
    }

    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.mac.algorithm()
    }

    /// How many digits a passcode has.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// The passcode of a counter (RFC 4226, section 5.3).
    #[must_use]
    pub fn generate(&self, counter: u64) -> Passcode {
        leaving_nothing(self.algorithm(), || {
            Passcode::new(self.value(counter), self.digits)
        })
    }

    /// Looks for a passcode at the server's counter and at the `look_ahead` counters after it (RFC 4226,
    /// section 7.4). Every candidate is computed and compared in constant time.
    ///
    /// If two of them match (the passcode of two counters can be the same), the later one is taken, so
    /// that the same passcode cannot be accepted again at the other.
    #[must_use]
    pub fn verify(&self, passcode: &Code, counter: u64, look_ahead: u8) -> Option<HotpMatch> {
        let value = passcode.value(self.digits)?;
        leaving_nothing(self.algorithm(), || {
            self.last_match(counter, u16::from(look_ahead), |candidate| {
                candidate.ct_eq(&value)
            })
        })
    }

    /// Finds the counter again from two consecutive passcodes (RFC 4226, section 7.4), for a token whose
    /// button was pressed more often than `verify` looks ahead. The first passcode is looked for at the
    /// server's counter and the `look_ahead` counters after it, the second right after the first.
    #[must_use]
    pub fn resynchronize(
        &self,
        first: &Code,
        second: &Code,
        counter: u64,
        look_ahead: u16,
    ) -> Option<HotpMatch> {
        let first = first.value(self.digits)?;
        let second = second.value(self.digits)?;
        leaving_nothing(self.algorithm(), || {
            let mut earlier_matches = self.value(counter).ct_eq(&first);
            self.last_match(counter.checked_add(1)?, look_ahead, |candidate| {
                let both = earlier_matches & candidate.ct_eq(&second);
                earlier_matches = candidate.ct_eq(&first);
                both
            })
        })
    }

    fn value(&self, counter: u64) -> u32 {
        let [truncated] = self.mac.truncated([counter]);
        self.digits.reduce(truncated)
    }

    /// Looks at the passcode of each counter in order.
    #[inline]
    pub(super) fn for_each(&self, counters: RangeInclusive<u64>, mut look: impl FnMut(u64, u32)) {
        self.mac.for_each(counters, |counter, truncated| {
            look(counter, self.digits.reduce(truncated));
        });
    }

    fn last_match(
        &self,
        counter: u64,
        look_ahead: u16,
        mut matches: impl FnMut(u32) -> Choice,
    ) -> Option<HotpMatch> {
        let mut found = Choice::from(0);
        let mut at = 0;
        let counters = counter..=counter.saturating_add(u64::from(look_ahead));
        self.for_each(counters, |candidate, value| {
            let hit = matches(value);
            at.conditional_assign(&candidate, hit);
            found |= hit;
        });
        reveal(found).then_some(HotpMatch { counter: at })
    }
}

impl fmt::Debug for Hotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hotp")
            .field("algorithm", &self.algorithm())
            .field("digits", &self.digits)
            .finish_non_exhaustive()
    }
}

/// Where a HOTP passcode matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the next counter, or the passcode can be used again"]
pub struct HotpMatch {
    counter: u64,
}

impl HotpMatch {
    /// The counter whose passcode it was.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.counter
    }

    /// The counter to store. `None` after the last one, 2^64 - 1: the token is used up, and must not be
    /// verified again.
    #[must_use]
    pub const fn next(self) -> Option<u64> {
        self.counter.checked_add(1)
    }
}
