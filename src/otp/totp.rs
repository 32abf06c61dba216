//! TOTP: passcodes from the time (RFC 6238).

use super::hmac::{SEARCH, SET_KEY, with_wiped_mac_stack};
use super::hotp::CounterSearch;
#[cfg(feature = "verifier")]
use super::hotp::PasscodeMatch;
use crate::Timestamp;
use crate::constant_time::reveal;
use crate::otp::{Algorithm, Code, Digits, Hotp, Passcode, Period, TimeStep, Window};
use core::fmt;
use core::time::Duration;

/// Generates and checks time-based one-time passwords (RFC 6238).
///
/// A `Totp` holds a prepared key and the parameters of the app's entry. Your application stores the
/// last accepted time step:
///
/// 1. Read the stored step and pass it to [`verify`](Self::verify) as `last_accepted`.
/// 2. If `verify` returns a match, store [`TotpMatch::step`] on condition that the stored step is
///    still the one that you passed. Without the condition, two concurrent requests are both
///    accepted with one passcode.
/// 3. Let the user in only after that write.
///
/// `Verifier` does all of this for you.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::otp::{Algorithm, Code, Digits, Period, Totp, Window};
///
/// let key = b"12345678901234567890";
/// let totp = Totp::new(key, Algorithm::Sha1, Digits::EIGHT, Period::default());
/// let now = Timestamp::from_unix(1_111_111_109);
/// assert_eq!(totp.generate(now).expose(), "07081804");
///
/// let code = Code::parse("0708 1804")?;
/// let matched = totp.verify(&code, now, Window::default(), None).expect("the current passcode");
/// let last_accepted = Some(matched.step());
/// assert_eq!(totp.verify(&code, now, Window::default(), last_accepted), None, "used before");
/// # Ok::<(), countersign::otp::CodeError>(())
/// ```
#[derive(Clone)]
pub struct Totp {
    hotp: Hotp,
    period: Period,
    t0: Timestamp,
}

impl Totp {
    /// Prepares a key of any length. [`Secret`](crate::otp::Secret) is the type that checks the
    /// length.
    #[must_use]
    pub fn new(key: &[u8], algorithm: Algorithm, digits: Digits, period: Period) -> Self {
        with_wiped_mac_stack::<SET_KEY, _>(algorithm, || {
            Self::from_key(key, algorithm, digits, period)
        })
    }

    /// Like [`new`](Self::new), for a caller that wipes the stack itself.
    pub(crate) fn from_key(
        key: &[u8],
        algorithm: Algorithm,
        digits: Digits,
        period: Period,
    ) -> Self {
        let mut totp = Self {
            hotp: Hotp::without_key(algorithm, digits),
            period,
            t0: Timestamp::UNIX_EPOCH,
        };
        totp.hotp.set_key(key);
        totp
    }

    /// Counts time steps from `t0` instead of the Unix epoch (T0 in RFC 6238, section 4.1). Some
    /// hardware tokens have another T0; no authenticator app does.
    #[must_use]
    pub fn with_t0(self, t0: Timestamp) -> Self {
        Self { t0, ..self }
    }

    /// Returns the hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.hotp.algorithm()
    }

    /// Returns the number of digits in a passcode.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.hotp.digits()
    }

    /// Returns the length of a time step.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// Returns the time step of a time. Every time before T0 belongs to step 0.
    // Not inlined: the disassembly test finds the one division here, away from the code with the
    // key.
    #[inline(never)]
    #[must_use]
    pub const fn step(&self, at: Timestamp) -> TimeStep {
        let since = at.saturating_since(self.t0);
        #[expect(
            clippy::arithmetic_side_effects,
            reason = "the divisor is not zero by its type"
        )]
        TimeStep::new(since / self.period.non_zero().get())
    }

    /// Generates the passcode of a time.
    #[must_use]
    pub fn generate(&self, at: Timestamp) -> Passcode {
        self.hotp.generate(self.step(at).get())
    }

    /// Returns how long the passcode of `at` stays current: more than zero, at most one period.
    #[must_use]
    pub const fn remaining(&self, at: Timestamp) -> Duration {
        let since = at.saturating_since(self.t0);
        #[expect(
            clippy::arithmetic_side_effects,
            reason = "a remainder is less than its divisor, which is not zero"
        )]
        let seconds = self.period.as_secs() - since % self.period.non_zero().get();
        Duration::from_secs(seconds)
    }

    /// Checks a code against the window around `at` (RFC 6238, section 5.2). Returns `None` if no
    /// passcode matches.
    ///
    /// Only steps after `last_accepted` count, because no passcode may be accepted twice. Pass
    /// `None` only if no passcode of this key was ever accepted, not even to confirm the
    /// enrollment.
    ///
    /// The method computes every step of the window and compares it in constant time. Two steps can
    /// have the same passcode. If both match, the method returns the later step, so that the
    /// passcode cannot be accepted again there.
    #[must_use]
    pub fn verify(
        &self,
        code: &Code,
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> Option<TotpMatch> {
        let current = self.step(at);
        let value = code.value(self.digits())?;
        let search = with_wiped_mac_stack::<SEARCH, _>(self.algorithm(), || {
            self.search_window(value, current, window, last_accepted)
        });
        TotpMatch::of(&search, current)
    }

    /// Like [`verify`](Self::verify), but distinguishes a used passcode from a wrong one, and
    /// leaves it to the caller to wipe the stack.
    ///
    /// The returned step is revealed: code that stores it may branch on it.
    #[cfg(feature = "verifier")]
    pub(crate) fn match_step(
        &self,
        code: &Code,
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> PasscodeMatch<TimeStep> {
        let Some(value) = code.value(self.digits()) else {
            return PasscodeMatch::None;
        };
        let current = self.step(at);
        self.search_window(value, current, window, last_accepted)
            .reveal(&window.steps(current))
            .map(TimeStep::new)
    }

    /// Compares the codes with the passcodes of as many consecutive steps, at every place of the
    /// window. Returns the last step of the highest match. A match is used unless all of its steps
    /// are later than the last accepted one.
    #[cfg(feature = "verifier")]
    pub(crate) fn match_steps(
        &self,
        codes: &[Code],
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> PasscodeMatch<TimeStep> {
        let steps = window.steps(self.step(at));
        let is_unused = |first| is_after(first, last_accepted);
        let matched = self.hotp.match_row(codes, steps, is_unused);
        matched.map(TimeStep::new)
    }

    /// Computes and compares every step of the window.
    fn search_window(
        &self,
        value: u32,
        current: TimeStep,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> CounterSearch {
        self.hotp.search(value, window.steps(current), |step| {
            is_after(step, last_accepted)
        })
    }
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp")
            .field("algorithm", &self.algorithm())
            .field("digits", &self.digits())
            .field("period", &self.period)
            .field("t0", &self.t0)
            .finish_non_exhaustive()
    }
}

/// The time step whose passcode matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the step as the last accepted one, or the code can be used again"]
pub struct TotpMatch {
    step: TimeStep,
    current: TimeStep,
}

/// Whether a step is later than the last accepted one.
pub(super) fn is_after(step: u64, last_accepted: Option<TimeStep>) -> bool {
    last_accepted.is_none_or(|accepted| step > accepted.get())
}

impl TotpMatch {
    /// Reveals whether an unused step matched.
    pub(super) fn of(search: &CounterSearch, current: TimeStep) -> Option<Self> {
        let step = TimeStep::new(search.counter);
        reveal(search.unused()).then_some(Self { step, current })
    }

    /// Returns the step to store as the last accepted one.
    #[must_use]
    pub const fn step(self) -> TimeStep {
        self.step
    }

    /// Returns how many steps the phone's clock is ahead of the server's clock, from -255 to 255.
    /// The number is negative if the phone's clock is behind.
    #[must_use]
    pub fn drift(self) -> i16 {
        let ahead = self.step.get().saturating_sub(self.current.get());
        let behind = self.current.get().saturating_sub(self.step.get());
        let steps = |distance: u64| i16::try_from(distance).unwrap_or(i16::MAX);
        steps(ahead).saturating_sub(steps(behind))
    }
}
