use super::hmac::leaving_nothing;
use crate::Timestamp;
use crate::constant_time::reveal;
#[cfg(feature = "verifier")]
use crate::constant_time::reveal_index;
use crate::otp::{Algorithm, Code, Digits, Hotp, Passcode, Period, TimeStep, Window};
use core::fmt;
use core::time::Duration;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Time-based one-time passwords (RFC 6238): a key that is set up, with the parameters of its app entry.
///
/// The last accepted step is the host's to keep. After [`verify`](Self::verify) it must store
/// [`TotpMatch::step`] before it lets anybody in, in one step with the check that the stored one is still
/// the `last_accepted` that it passed (else two requests at the same time are accepted with one passcode).
/// `Verifier` does all that.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::otp::{Algorithm, Code, Digits, Period, Totp, Window};
///
/// let totp = Totp::new(b"12345678901234567890", Algorithm::Sha1, Digits::EIGHT, Period::default());
/// let now = Timestamp::from_unix(1_111_111_109);
/// assert_eq!(totp.generate(now).expose(), "07081804");
///
/// let passcode = Code::parse("0708 1804")?;
/// let matched = totp.verify(&passcode, now, Window::default(), None).expect("the current passcode");
/// let last_accepted = Some(matched.step());
/// assert_eq!(totp.verify(&passcode, now, Window::default(), last_accepted), None, "used up");
/// # Ok::<(), countersign::otp::CodeError>(())
/// ```
#[derive(Clone)]
pub struct Totp {
    hotp: Hotp,
    period: Period,
    t0: Timestamp,
}

impl Totp {
    /// Sets the key up. A key of any length is taken as it is; [`Secret`](crate::otp::Secret) is the type that
    /// insists on enough bits.
    #[must_use]
    pub fn new(key: &[u8], algorithm: Algorithm, digits: Digits, period: Period) -> Self {
        leaving_nothing(algorithm, || Self {
            hotp: Hotp::set_up(key, algorithm, digits),
            period,
            t0: Timestamp::UNIX_EPOCH,
        })
    }

    /// Counts steps from `t0` instead of the Unix epoch (T0 in RFC 6238, section 4.1). No authenticator
    /// app knows this; some hardware tokens do.
    #[must_use]
    pub fn with_t0(self, t0: Timestamp) -> Self {
        Self { t0, ..self }
    }

    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.hotp.algorithm()
    }

    /// How many digits a passcode has.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.hotp.digits()
    }

    /// How long a step lasts.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// The time step at a time. All time before T0 belongs to step 0.
    // A function of its own, so that the one division is not among the instructions that have the key.
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

    /// The passcode at a time.
    #[must_use]
    pub fn generate(&self, at: Timestamp) -> Passcode {
        self.hotp.generate(self.step(at).get())
    }

    /// How long the passcode of `at` stays the current one: more than zero, and at most one period.
    #[must_use]
    pub const fn remaining(&self, at: Timestamp) -> Duration {
        let since = at.saturating_since(self.t0);
        #[expect(
            clippy::arithmetic_side_effects,
            reason = "a remainder is less than its divisor, and that is not zero"
        )]
        let seconds = self.period.as_secs() - since % self.period.non_zero().get();
        Duration::from_secs(seconds)
    }

    /// Looks for a passcode in the window around `at` (RFC 6238, section 5.2).
    ///
    /// Only steps after `last_accepted` count, because a passcode must not be accepted twice; pass `None`
    /// only where no passcode of this key was ever accepted, the one that confirmed the enrollment
    /// included. Every step of the window is computed and compared in constant time. If two match (the
    /// passcode of two steps can be the same), the later one is taken, so that the same passcode cannot be
    /// accepted again at the other.
    #[must_use]
    pub fn verify(
        &self,
        passcode: &Code,
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> Option<TotpMatch> {
        let current = self.step(at);
        let value = passcode.value(self.digits())?;
        let Search { later, step, .. } = self.search(value, current, window, last_accepted);
        reveal(later).then_some(TotpMatch { step, current })
    }

    /// As [`verify`](Self::verify), and tells a passcode that was used before from one that is wrong. The step
    /// that it gives is one to store: what writes it may depend on it.
    #[cfg(feature = "verifier")]
    pub(crate) fn scan(
        &self,
        passcode: &Code,
        at: Timestamp,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> Scan {
        let Some(value) = passcode.value(self.digits()) else {
            return Scan::Nothing;
        };
        let current = self.step(at);
        let Search { later, any, step } = self.search(value, current, window, last_accepted);
        if reveal(later) {
            Scan::Later(picked_step(step, *window.steps(current).start()))
        } else if reveal(any) {
            Scan::Used
        } else {
            Scan::Nothing
        }
    }

    fn search(
        &self,
        value: u32,
        current: TimeStep,
        window: Window,
        last_accepted: Option<TimeStep>,
    ) -> Search {
        leaving_nothing(self.algorithm(), || {
            let none = Choice::from(0);
            let (mut later, mut any, mut step) = (none, none, 0);
            self.hotp
                .for_each(window.steps(current), |candidate, shown| {
                    let hit = shown.ct_eq(&value);
                    let unused = last_accepted.is_none_or(|accepted| candidate > accepted.get());
                    let hit_later = if unused { hit } else { none };
                    step.conditional_assign(&candidate, hit_later);
                    later |= hit_later;
                    any |= hit;
                });
            let step = TimeStep::new(step);
            Search { later, any, step }
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

/// What a window holds for a passcode, before any verdict.
struct Search {
    /// Whether a step after the last accepted one matches.
    later: Choice,
    /// Whether any step matches.
    #[cfg_attr(
        not(feature = "verifier"),
        expect(
            dead_code,
            reason = "only the verifier tells a used passcode from a wrong one"
        )
    )]
    any: Choice,
    /// The highest matching step after the last accepted one.
    step: TimeStep,
}

/// What a window holds for a passcode.
#[cfg(feature = "verifier")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// The highest matching step after the last accepted one.
    Later(TimeStep),
    /// Only steps that are used up match.
    Used,
    /// No step matches.
    Nothing,
}

/// The selected step, revealed; `first` is the first candidate.
#[cfg(feature = "verifier")]
fn picked_step(step: TimeStep, first: u64) -> TimeStep {
    // A window has less than 2^16 steps.
    let [low, high, ..] = step.get().wrapping_sub(first).to_le_bytes();
    let place = reveal_index(u16::from_le_bytes([low, high]));
    TimeStep::new(first.wrapping_add(place.into()))
}

/// Where a TOTP passcode matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "store the step as the last accepted one, or the passcode can be used again"]
pub struct TotpMatch {
    step: TimeStep,
    current: TimeStep,
}

impl TotpMatch {
    /// The step to store as the last accepted one.
    #[must_use]
    pub const fn step(self) -> TimeStep {
        self.step
    }

    /// How many steps the phone's clock is ahead of the server's (behind: negative), from -255 to 255.
    #[must_use]
    pub fn drift(self) -> i16 {
        let ahead = self.step.get().saturating_sub(self.current.get());
        let behind = self.current.get().saturating_sub(self.step.get());
        let steps = |distance: u64| i16::try_from(distance).unwrap_or(i16::MAX);
        steps(ahead).saturating_sub(steps(behind))
    }
}
