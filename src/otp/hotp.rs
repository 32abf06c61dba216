//! HOTP: passcodes from a counter (RFC 4226).

use super::hmac::{KeyedMac, ONE_HMAC, SEARCH, SET_KEY, with_wiped_mac_stack};
use crate::constant_time::reveal;
#[cfg(feature = "verifier")]
use crate::constant_time::reveal_index;
use crate::otp::{Algorithm, Code, Digits, Passcode};
use core::fmt;
use core::ops::RangeInclusive;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Generates and checks HMAC-based one-time passwords (RFC 4226).
///
/// A `Hotp` holds a prepared key and the number of digits. Your application stores the counter:
///
/// 1. Read the stored counter and pass it to [`verify`](Self::verify) or
///    [`resynchronize`](Self::resynchronize).
/// 2. If they return a match, store [`HotpMatch::next`] on condition that the stored counter is
///    still the one that you passed. Without the condition, two concurrent requests are both
///    accepted with one passcode.
/// 3. Let the user in only after that write.
///
/// ```
/// use countersign::otp::{Algorithm, Code, Digits, Hotp};
///
/// let hotp = Hotp::new(b"12345678901234567890", Algorithm::Sha1, Digits::SIX);
/// assert_eq!(hotp.generate(1).expose(), "287082");
///
/// let matched = hotp.verify(&Code::parse("287 082")?, 0, 3).expect("one after the counter");
/// assert_eq!(matched.next(), Some(2));
/// # Ok::<(), countersign::otp::CodeError>(())
/// ```
#[derive(Clone)]
pub struct Hotp {
    mac: KeyedMac,
    digits: Digits,
}

impl Hotp {
    /// Prepares a key of any length. [`Secret`](crate::otp::Secret) is the type that checks the
    /// length.
    #[must_use]
    pub fn new(key: &[u8], algorithm: Algorithm, digits: Digits) -> Self {
        with_wiped_mac_stack::<SET_KEY, _>(algorithm, || Self::from_key(key, algorithm, digits))
    }

    /// Like [`new`](Self::new), for a caller that wipes the stack itself.
    pub(crate) fn from_key(key: &[u8], algorithm: Algorithm, digits: Digits) -> Self {
        let mut hotp = Self::without_key(algorithm, digits);
        hotp.set_key(key);
        hotp
    }

    /// Returns a `Hotp` whose key is not set.
    #[inline]
    pub(super) const fn without_key(algorithm: Algorithm, digits: Digits) -> Self {
        Self {
            mac: KeyedMac::without_key(algorithm),
            digits,
        }
    }

    #[inline]
    pub(super) fn set_key(&mut self, key: &[u8]) {
        self.mac.set_key(key);
    }

    /// Returns the hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.mac.algorithm()
    }

    /// Returns the number of digits in a passcode.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// Generates the passcode of a counter (RFC 4226, section 5.3).
    #[must_use]
    pub fn generate(&self, counter: u64) -> Passcode {
        with_wiped_mac_stack::<ONE_HMAC, _>(self.algorithm(), || {
            Passcode::new(self.value(counter), self.digits)
        })
    }

    /// Checks a code at `counter`, your stored counter, and at the `look_ahead` counters after it
    /// (RFC 4226, section 7.4). Returns `None` if no passcode matches.
    ///
    /// The method computes every candidate and compares it in constant time. Two counters can have
    /// the same passcode. If both match, the method returns the later counter, so that the passcode
    /// cannot be accepted again there.
    #[must_use]
    pub fn verify(&self, code: &Code, counter: u64, look_ahead: u8) -> Option<HotpMatch> {
        let value = code.value(self.digits)?;
        with_wiped_mac_stack::<SEARCH, _>(self.algorithm(), || {
            self.last_match(counter, u16::from(look_ahead), |candidate| {
                candidate.ct_eq(&value)
            })
        })
    }

    /// Finds the counter from two consecutive passcodes (RFC 4226, section 7.4).
    ///
    /// Use this method for a token that is further ahead than [`verify`](Self::verify) looks,
    /// because its button was pressed too often. The method looks for the first code at your stored
    /// counter and the `look_ahead` counters after it. The second code must be the passcode of the
    /// next counter. Returns `None` if no such pair matches.
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
        with_wiped_mac_stack::<SEARCH, _>(self.algorithm(), || {
            let mut earlier_matches = self.value(counter).ct_eq(&first);
            self.last_match(counter.checked_add(1)?, look_ahead, |candidate| {
                let both = earlier_matches & candidate.ct_eq(&second);
                earlier_matches = candidate.ct_eq(&first);
                both
            })
        })
    }

    /// Like [`verify`](Self::verify), but distinguishes the last accepted passcode, the one before
    /// `next`, from a wrong one. Never matches the last counter, 2^64 - 1, which has no next one.
    /// Leaves it to the caller to wipe the stack.
    ///
    /// The returned counter is revealed: code that stores it may branch on it.
    #[cfg(feature = "verifier")]
    pub(crate) fn match_counter(
        &self,
        code: &Code,
        next: u64,
        look_ahead: u8,
    ) -> PasscodeMatch<u64> {
        const LAST: u64 = u64::MAX - 1;
        let Some(value) = code.value(self.digits) else {
            return PasscodeMatch::None;
        };
        let first = next.saturating_sub(1);
        let last = next.saturating_add(u64::from(look_ahead)).min(LAST);
        self.search(value, first..=last, |counter| counter >= next)
            .reveal(&(first..=last))
    }

    /// Like [`match_row`](Self::match_row), from the next counter and the `look_ahead` counters
    /// after it on. A row that begins at an earlier counter is used.
    #[cfg(feature = "verifier")]
    pub(crate) fn match_counters(
        &self,
        codes: &[Code],
        next: u64,
        look_ahead: u8,
    ) -> PasscodeMatch<u64> {
        const LAST: u64 = u64::MAX - 1;
        let first = next.saturating_sub(codes.len() as u64);
        let last = next
            .saturating_add(u64::from(look_ahead))
            .saturating_add(codes.len() as u64)
            .saturating_sub(1)
            .min(LAST);
        self.match_row(codes, first..=last, |counter| counter >= next)
    }

    /// Compares at most [`ROW`](Self::ROW) codes with the passcodes of as many consecutive
    /// counters, at every place of the range. Returns the last counter of the highest match.
    ///
    /// Only a match of all codes is revealed. It is unused if its first counter is unused.
    #[cfg(feature = "verifier")]
    pub(super) fn match_row(
        &self,
        codes: &[Code],
        counters: RangeInclusive<u64>,
        is_unused: impl Fn(u64) -> bool,
    ) -> PasscodeMatch<u64> {
        let range = counters.clone();
        let before = (codes.len() as u64).saturating_sub(1);
        let search = with_wiped_mac_stack::<SEARCH, _>(self.algorithm(), || {
            let mut row = [const { None }; Self::ROW];
            for (place, code) in row.iter_mut().zip(codes) {
                // Whether the codes up to this one match the counters up to the current one.
                *place = Some((code.value(self.digits)?, Choice::from(0)));
            }
            let mut search = CounterSearch::new(0);
            self.for_each(counters, |counter, passcode| {
                let mut hit = Choice::from(1);
                for (value, matched) in row.iter_mut().flatten() {
                    let longer = hit & passcode.ct_eq(value);
                    hit = core::mem::replace(matched, longer);
                }
                let all = row.iter().flatten().last().map(|(_, matched)| *matched);
                let is_unused = is_unused(counter.saturating_sub(before));
                search.add(counter, is_unused, all.unwrap_or(Choice::from(0)));
            });
            Some(search)
        });
        search.map_or(PasscodeMatch::None, |search| search.reveal(&range))
    }

    /// The most codes of a row.
    #[cfg(feature = "verifier")]
    pub(crate) const ROW: usize = 4;

    /// Computes the passcodes of all counters, and compares each with a code in constant time. The
    /// caller wipes the stack.
    pub(super) fn search(
        &self,
        value: u32,
        counters: RangeInclusive<u64>,
        is_unused: impl Fn(u64) -> bool,
    ) -> CounterSearch {
        let mut search = CounterSearch::new(value);
        self.for_each(counters, |counter, passcode| {
            search.compare(counter, is_unused(counter), passcode);
        });
        search
    }

    /// Computes the passcode of a counter as a number.
    fn value(&self, counter: u64) -> u32 {
        let [truncated] = self.mac.truncated([counter]);
        self.digits.reduce(truncated)
    }

    /// Calls `visit` with each counter and its passcode as a number, in order.
    #[inline]
    fn for_each(&self, counters: RangeInclusive<u64>, mut visit: impl FnMut(u64, u32)) {
        self.mac.for_each(counters, |counter, truncated| {
            visit(counter, self.digits.reduce(truncated));
        });
    }

    /// Returns the last counter whose passcode matches. Computes all of them.
    fn last_match(
        &self,
        counter: u64,
        look_ahead: u16,
        mut matches: impl FnMut(u32) -> Choice,
    ) -> Option<HotpMatch> {
        let mut found = Choice::from(0);
        let mut last = 0;
        let counters = counter..=counter.saturating_add(u64::from(look_ahead));
        self.for_each(counters, |candidate, value| {
            let hit = matches(value);
            last.conditional_assign(&candidate, hit);
            found |= hit;
        });
        reveal(found).then_some(HotpMatch { counter: last })
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

/// The result of comparing a code with the passcodes of several counters, while it is still secret.
pub(super) struct CounterSearch {
    /// The code as a number.
    value: u32,
    /// All ones if the passcode of an unused counter matches; otherwise 0.
    unused: u64,
    /// All ones if any passcode matches; otherwise 0.
    any: u64,
    /// The highest unused counter whose passcode matches.
    pub(super) counter: u64,
}

impl CounterSearch {
    #[inline]
    pub(super) fn new(value: u32) -> Self {
        Self {
            value,
            unused: 0,
            any: 0,
            counter: 0,
        }
    }

    /// Compares the code with the passcode of a counter. Call this for the counters in ascending
    /// order.
    #[inline]
    pub(super) fn compare(&mut self, counter: u64, is_unused: bool, passcode: u32) {
        self.add(counter, is_unused, passcode.ct_eq(&self.value));
    }

    /// Adds whether a counter matches.
    ///
    /// A `Choice` hides its two values from the compiler, so the masks made of it become no
    /// branches. A mask costs less than another `Choice` for each combination.
    #[inline]
    fn add(&mut self, counter: u64, is_unused: bool, hit: Choice) {
        let hit = u64::from(hit.unwrap_u8()).wrapping_neg();
        let hit_unused = if is_unused { hit } else { 0 };
        self.counter ^= hit_unused & (self.counter ^ counter);
        self.unused |= hit_unused;
        self.any |= hit;
    }

    /// Returns whether the passcode of an unused counter matches.
    pub(super) fn unused(&self) -> Choice {
        Choice::from((self.unused & 1) as u8)
    }

    /// Reveals the result. The search covered these counters, fewer than 2^16.
    #[cfg(feature = "verifier")]
    pub(super) fn reveal(self, counters: &RangeInclusive<u64>) -> PasscodeMatch<u64> {
        let first = *counters.start();
        let last = u16::try_from(counters.end().wrapping_sub(first)).unwrap_or(u16::MAX);
        if reveal(self.unused()) {
            let [low, high, ..] = self.counter.wrapping_sub(first).to_le_bytes();
            let place = reveal_index(u16::from_le_bytes([low, high]), last);
            PasscodeMatch::Unused(first.wrapping_add(place.into()))
        } else if reveal(Choice::from((self.any & 1) as u8)) {
            PasscodeMatch::Used
        } else {
            PasscodeMatch::None
        }
    }
}

/// The result of comparing a code with all passcodes of an authenticator that count now.
#[cfg(feature = "verifier")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasscodeMatch<T> {
    /// The highest matching time step or counter that was not used.
    Unused(T),
    /// Only used passcodes match.
    Used,
    /// No passcode matches.
    None,
}

#[cfg(feature = "verifier")]
impl<T> PasscodeMatch<T> {
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> PasscodeMatch<U> {
        match self {
            Self::Unused(matched) => PasscodeMatch::Unused(change(matched)),
            Self::Used => PasscodeMatch::Used,
            Self::None => PasscodeMatch::None,
        }
    }
}

/// The counter whose passcode matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the next counter, or the code can be used again"]
pub struct HotpMatch {
    counter: u64,
}

impl HotpMatch {
    /// Returns the counter whose passcode matched.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.counter
    }

    /// Returns the counter to store: the one after the match.
    ///
    /// Returns `None` after the last counter, 2^64 - 1. The token is then used up: do not accept
    /// another code from it.
    #[must_use]
    pub const fn next(self) -> Option<u64> {
        self.counter.checked_add(1)
    }
}
