//! TOTP: passcodes from the time (RFC 6238).

use super::hmac::with_wiped_mac_stack;
use crate::Timestamp;
use crate::constant_time::reveal;
#[cfg(feature = "verifier")]
use crate::constant_time::reveal_index;
use crate::otp::{Algorithm, Code, Digits, Hotp, Passcode, Period, TimeStep, Window};
use core::fmt;
use core::time::Duration;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

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
        with_wiped_mac_stack(algorithm, || Self {
            hotp: Hotp::from_key(key, algorithm, digits),
            period,
            t0: Timestamp::UNIX_EPOCH,
        })
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
        self.search_window(value, current, window, last_accepted)
            .accepted(current)
    }

    /// Like [`verify`](Self::verify), but distinguishes a used passcode from a wrong one.
    ///
    /// The returned step is revealed: code that stores it may branch on it.
    #[cfg(feature = "verifier")]
    pub(crate) fn match_step(
        &self,
        code: &Code,
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> StepMatch {
        let Some(value) = code.value(self.digits()) else {
            return StepMatch::None;
        };
        let current = self.step(at);
        let WindowSearch {
            unused, any, step, ..
        } = self.search_window(value, current, window, last_accepted);
        if reveal(unused) {
            StepMatch::Unused(reveal_step(
                TimeStep::new(step),
                *window.steps(current).start(),
            ))
        } else if reveal(any) {
            StepMatch::Used
        } else {
            StepMatch::None
        }
    }

    /// Computes and compares every step of the window.
    fn search_window(
        &self,
        value: u32,
        current: TimeStep,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> WindowSearch {
        with_wiped_mac_stack(self.algorithm(), || {
            let mut search = WindowSearch::new(value, last_accepted);
            self.hotp.for_each(window.steps(current), |step, passcode| {
                search.compare(step, passcode);
            });
            search
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

impl TotpMatch {
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

/// A search of the steps of a window for a passcode. Its result is still secret.
pub(super) struct WindowSearch {
    /// The passcode that is searched, as a number.
    value: u32,
    last_accepted: Option<TimeStep>,
    /// Whether a step after the last accepted one matches.
    unused: Choice,
    /// Whether any step matches.
    any: Choice,
    /// The highest matching step after the last accepted one.
    step: u64,
}

impl WindowSearch {
    #[inline]
    pub(super) fn new(value: u32, last_accepted: Option<TimeStep>) -> Self {
        Self {
            value,
            last_accepted,
            unused: Choice::from(0),
            any: Choice::from(0),
            step: 0,
        }
    }

    /// Compares with the passcode of a step. Call this for each step of the window, in order.
    #[inline]
    pub(super) fn compare(&mut self, step: u64, passcode: u32) {
        let hit = passcode.ct_eq(&self.value);
        let is_later = self
            .last_accepted
            .is_none_or(|accepted| step > accepted.get());
        let hit_unused = if is_later { hit } else { Choice::from(0) };
        self.step.conditional_assign(&step, hit_unused);
        self.unused |= hit_unused;
        self.any |= hit;
    }

    /// Reveals whether a step after the last accepted one matches. `current` is the current step.
    #[inline]
    pub(super) fn accepted(&self, current: TimeStep) -> Option<TotpMatch> {
        reveal(self.unused).then_some(TotpMatch {
            step: TimeStep::new(self.step),
            current,
        })
    }
}

/// The result of [`Totp::match_step`].
#[cfg(feature = "verifier")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepMatch {
    /// The highest matching step after the last accepted one.
    Unused(TimeStep),
    /// Only steps up to the last accepted one match.
    Used,
    /// No step matches.
    None,
}

/// Reveals the selected step. `first` is the first step of the window.
#[cfg(feature = "verifier")]
fn reveal_step(step: TimeStep, first: u64) -> TimeStep {
    // A window has fewer than 2^16 steps.
    let [low, high, ..] = step.get().wrapping_sub(first).to_le_bytes();
    let place = reveal_index(u16::from_le_bytes([low, high]));
    TimeStep::new(first.wrapping_add(place.into()))
}
