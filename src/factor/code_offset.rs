//! For the event of a wrong code: whether the code is only too old or too early.

use super::authenticator::Authenticator;
use super::clock_offset::seconds_ahead;
use super::consecutive::ROW_LOOK_AHEAD;
use super::moving_factor::{MovingFactor, Parameters};
use super::second_factor::SecondFactor;
use crate::otp::{Code, Hotp, PasscodeMatch, Totp};
use crate::{Policy, Timestamp};
use core::slice;

/// How far the passcode of a wrong code is from the passcodes that count now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeOffset {
    /// A TOTP passcode: the seconds by which the phone's clock is ahead, at least. Negative if the
    /// passcode is too old.
    Seconds(i32),
    /// A HOTP passcode: how many counters it is after the next one. Negative if it is before.
    Counters(i16),
}

/// How many counters before the next one a wrong code is compared with.
const EARLIER_COUNTERS: u8 = 20;

impl SecondFactor {
    /// Compares a wrong code with the passcodes that are only too old or too early, of every
    /// authenticator with this number of digits. There is no early exit.
    pub(crate) fn code_offset(
        &self,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<CodeOffset> {
        let mut found = None;
        for authenticator in &self.authenticators {
            if code.has_passcode_shape(authenticator.parameters.digits) {
                let offset = authenticator.code_offset(code, now, policy);
                found = found.or(offset);
            }
        }
        found
    }
}

impl Authenticator {
    fn code_offset(&self, code: &Code, now: Timestamp, policy: &Policy) -> Option<CodeOffset> {
        let Parameters { algorithm, digits } = self.parameters;
        let key = self.secret.expose();
        match self.moving {
            MovingFactor::Time { period, t0, .. } => {
                let totp = Totp::new(key, algorithm, digits, period).with_t0(t0);
                let window = policy.consecutive_codes().window(period);
                match totp.match_step(code, now, window, None) {
                    PasscodeMatch::Unused(step) => {
                        Some(CodeOffset::Seconds(seconds_ahead(step, period, t0, now)))
                    }
                    PasscodeMatch::Used | PasscodeMatch::None => None,
                }
            }
            MovingFactor::Counter { next } => {
                let first = next.saturating_sub(EARLIER_COUNTERS.into());
                let range = ROW_LOOK_AHEAD.saturating_add(EARLIER_COUNTERS);
                let hotp = Hotp::new(key, algorithm, digits);
                match hotp.match_counters(slice::from_ref(code), first, range) {
                    PasscodeMatch::Unused(counter) => {
                        let ahead = counter.wrapping_sub(next).cast_signed();
                        Some(CodeOffset::Counters(i16::try_from(ahead).ok()?))
                    }
                    PasscodeMatch::Used | PasscodeMatch::None => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::{Algorithm, Digits, Period, Secret, TimeStep};
    use crate::{AuthenticatorId, AuthenticatorName};

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_015);
    /// The time step of `NOW`, which began 15 s ago.
    const STEP: u64 = 60_000_000;

    const fn used(last_step: u64) -> MovingFactor {
        MovingFactor::Time {
            period: Period::THIRTY_SECONDS,
            t0: Timestamp::UNIX_EPOCH,
            last_step: Some(TimeStep::new(last_step)),
        }
    }

    fn account(moving: &[MovingFactor]) -> SecondFactor {
        let mut factor = SecondFactor::new(NOW, &Policy::default());
        for (number, moving) in (1..).zip(moving) {
            factor.authenticators.push(Authenticator {
                id: AuthenticatorId::from_bytes([number; 8]),
                name: AuthenticatorName::default(),
                secret: Secret::from_bytes(&[number; 20]).unwrap(),
                parameters: Parameters::of(&Policy::default()),
                added_at: NOW,
                last_used_at: None,
                moving: *moving,
                imported: false,
            });
        }
        factor
    }

    fn offset(moving: MovingFactor, counter: u64) -> Option<CodeOffset> {
        // The first authenticator shows another passcode.
        let factor = account(&[used(STEP), moving]);
        let hotp = Hotp::new(&[2; 20], Algorithm::Sha1, Digits::SIX);
        let code = Code::parse(hotp.generate(counter).expose()).unwrap();
        factor.code_offset(&code, NOW, &Policy::default())
    }

    #[test]
    fn a_code_of_another_time_is_found() {
        for last in [STEP - 100, STEP + 100] {
            let seconds = |step| offset(used(last), step);
            assert_eq!(seconds(STEP - 20), Some(CodeOffset::Seconds(-586)));
            assert_eq!(seconds(STEP + 20), Some(CodeOffset::Seconds(585)));
            assert_eq!(seconds(STEP - 21), None);
            assert_eq!(seconds(STEP + 21), None);
        }
    }

    #[test]
    fn a_code_of_another_counter_is_found() {
        let counters = |counter| offset(MovingFactor::Counter { next: 500 }, counter);
        assert_eq!(counters(480), Some(CodeOffset::Counters(-20)));
        assert_eq!(counters(600), Some(CodeOffset::Counters(100)));
        assert_eq!(counters(479), None);
        assert_eq!(counters(601), None);
        let first = |counter| offset(MovingFactor::Counter { next: 0 }, counter);
        assert_eq!(first(100), Some(CodeOffset::Counters(100)));
        for next in [u64::MAX, u64::MAX - 1] {
            let last = offset(MovingFactor::Counter { next }, u64::MAX - 3);
            assert!(
                matches!(last, Some(CodeOffset::Counters(-3 | -2))),
                "{last:?}"
            );
        }
    }
}
