//! Consecutive passcodes of one authenticator. No wait and no budget holds them off.
//!
//! An attacker who knows the password can use up the account's limits. A row of passcodes has too
//! many digits to guess, so it needs no limit: a wrong row writes nothing and counts nothing.

use super::authenticator::Authenticator;
use super::moving_factor::{MovingFactor, Parameters};
use super::rate_limit::{RateLimit, RateLimitState};
use super::second_factor::{Accepted, Outcome, SecondFactor, Step};
use crate::otp::{Code, Hotp, PasscodeMatch, Period, Totp, Window};
use crate::store::WriteKind;
use crate::{AcceptedBy, Policy, PolicyBuilder, Rejection, Timestamp};
use alloc::vec::Vec;

/// The rules for consecutive passcodes
/// ([`Verifier::verify_consecutive`](crate::Verifier::verify_consecutive)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsecutiveCodes {
    /// The fewest passcodes, 3 or 4.
    pub count: u8,
    /// The most time steps between a passcode and now.
    pub steps: u8,
    /// Whether four passcodes end a lock-out.
    pub unlock: bool,
}

/// The number of passcodes that can end a lock-out, and that a HOTP authenticator needs.
pub(super) const LONG_ROW: u8 = 4;

/// How many counters after the next one the first passcode of a row may be.
pub(super) const ROW_LOOK_AHEAD: u8 = 100;

/// The most seconds between a passcode and now.
const REACH: u64 = 600;

impl ConsecutiveCodes {
    /// The time steps whose passcodes may be in a row.
    pub(super) fn window(self, period: Period) -> Window {
        let steps = REACH.checked_div(period.as_secs()).unwrap_or_default();
        Window::around(u8::try_from(steps).unwrap_or(u8::MAX).min(self.steps))
    }
}

impl Policy {
    /// Returns the rules for consecutive passcodes.
    #[must_use]
    pub const fn consecutive_codes(&self) -> ConsecutiveCodes {
        ConsecutiveCodes {
            count: self.consecutive_codes,
            steps: self.consecutive_steps,
            unlock: self.consecutive_codes_unlock,
        }
    }
}

impl PolicyBuilder {
    /// Sets how many consecutive passcodes
    /// [`Verifier::verify_consecutive`](crate::Verifier::verify_consecutive) needs, 3 or 4, and how
    /// many time steps they may be away from now: 3 to 20, and at most 10 min. Default: 3 and 20.
    ///
    /// No limit counts wrong rows of passcodes. So a row has at least 59 bits: three passcodes of
    /// six digits.
    pub fn consecutive_codes(mut self, count: u8, steps: u8) -> Self {
        self.0.consecutive_codes = count;
        self.0.consecutive_steps = steps;
        self
    }

    /// Sets whether four consecutive passcodes, or a backup code of at least 112 bits, end a
    /// lock-out. Default: yes.
    pub fn consecutive_codes_unlock(mut self, allowed: bool) -> Self {
        self.0.consecutive_codes_unlock = allowed;
        self
    }
}

/// The passcodes that the user typed, in order.
pub(crate) struct Row(Vec<Code>);

impl Row {
    pub(crate) fn parse(texts: &[&str], policy: &Policy) -> Result<Self, Rejection> {
        let count = usize::from(policy.consecutive_codes)..=usize::from(LONG_ROW);
        if !count.contains(&texts.len()) {
            return Err(Rejection::Malformed);
        }
        // The buffer never grows: that would leave a copy of the codes behind.
        let mut codes = Vec::with_capacity(texts.len());
        for text in texts {
            codes.push(Code::parse(text).map_err(|_| Rejection::Malformed)?);
        }
        Ok(Self(codes))
    }

    fn is_long(&self) -> bool {
        self.0.len() >= usize::from(LONG_ROW)
    }

    fn has_digits(&self, parameters: Parameters) -> bool {
        let mut codes = self.0.iter();
        codes.all(|code| code.has_passcode_shape(parameters.digits))
    }
}

impl SecondFactor {
    /// Signs in with consecutive passcodes.
    pub(crate) fn log_in_with_row(
        mut self,
        row: &Row,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Outcome<Accepted>> {
        match self.check_row(row, now, policy) {
            Ok(by) => {
                self.rate_limit.succeed_with_row(now);
                self.last_request = None;
                let accepted = Outcome::Accepted(self.accepted(by, now));
                Step::Write(self, WriteKind::Accepted, accepted)
            }
            Err(rejection) => Step::reject(rejection),
        }
    }

    /// Compares the row with every place of every authenticator. Moves each authenticator that
    /// matches past the last passcode of the row. There is no early exit.
    fn check_row(
        &mut self,
        row: &Row,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<AcceptedBy, Rejection> {
        if !self.is_enabled() {
            return Err(Rejection::Disabled);
        }
        let ends_lock = policy.consecutive_codes_unlock && row.is_long();
        if self.rate_limit.state(now, policy) == RateLimitState::Locked && !ends_lock {
            return Err(Rejection::Locked);
        }
        let mut accepted_by = None;
        // The answer to any account if the shape is that of the service's passcodes.
        let mut rejection = match row.has_digits(Parameters::of(policy)) {
            true => Rejection::WrongCode,
            false => Rejection::Malformed,
        };
        for authenticator in &mut self.authenticators {
            if !row.has_digits(authenticator.parameters) {
                continue;
            }
            match authenticator.check_row(row, now, policy) {
                PasscodeMatch::Unused(()) => {
                    accepted_by.get_or_insert(AcceptedBy::Authenticator {
                        id: authenticator.id,
                    });
                }
                PasscodeMatch::Used => rejection = authenticator.replayed(now, policy),
                PasscodeMatch::None if rejection == Rejection::Malformed => {
                    rejection = Rejection::WrongCode;
                }
                PasscodeMatch::None => {}
            }
        }
        accepted_by.ok_or(rejection)
    }
}

impl Authenticator {
    /// Compares a row with the passcodes around now. Marks a match as used.
    fn check_row(&mut self, row: &Row, now: Timestamp, policy: &Policy) -> PasscodeMatch<()> {
        let Parameters { algorithm, digits } = self.parameters;
        let (key, codes) = (self.secret.expose(), &row.0);
        let moved = match self.moving {
            MovingFactor::Time {
                period,
                t0,
                last_step,
            } => {
                let totp = Totp::new(key, algorithm, digits, period).with_t0(t0);
                let window = policy.consecutive_codes().window(period);
                totp.match_steps(codes, now, window, last_step)
                    .map(|step| MovingFactor::Time {
                        period,
                        t0,
                        last_step: Some(step),
                    })
            }
            MovingFactor::Counter { next } if row.is_long() => Hotp::new(key, algorithm, digits)
                .match_counters(codes, next, ROW_LOOK_AHEAD)
                .map(|counter| MovingFactor::Counter {
                    next: counter.saturating_add(1),
                }),
            MovingFactor::Counter { .. } => PasscodeMatch::None,
        };
        moved.map(|moving| {
            self.moving = moving;
            self.last_used_at = self.last_used_at.max(Some(now));
        })
    }
}

impl RateLimit {
    /// Resets consecutive failures after a row of passcodes. Only a clock that is nearly right
    /// accepts a row, so a last failure that lies ahead moves back to now. The budget stays as it
    /// is.
    fn succeed_with_row(&mut self, now: Timestamp) {
        self.succeed();
        self.failed_at = self.failed_at.min(now);
    }
}
