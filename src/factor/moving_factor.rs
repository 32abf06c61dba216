//! The moving factor of an authenticator: the time (TOTP), or a counter (HOTP).

use crate::otp::{Algorithm, Digits, Hotp, PasscodeMatch, Period, Secret, TimeStep, Totp};
use crate::{Policy, Timestamp, otp::Code};

/// The parameters with which an app computes its passcodes from the secret and the moving factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
}

impl Parameters {
    pub(crate) const fn of(policy: &Policy) -> Self {
        Self {
            algorithm: policy.algorithm(),
            digits: policy.digits(),
        }
    }
}

/// What changes from one passcode of an authenticator to the next, and what was accepted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MovingFactor {
    /// TOTP (RFC 6238): the time step.
    Time {
        period: Period,
        /// The time from which steps are counted (T0 in RFC 6238, section 4.1).
        t0: Timestamp,
        last_step: Option<TimeStep>,
    },
    /// HOTP (RFC 4226): the counter.
    Counter {
        /// The counter after the last accepted one.
        next: u64,
    },
}

impl MovingFactor {
    /// The moving factor of a new TOTP authenticator.
    pub(crate) const fn time(policy: &Policy) -> Self {
        Self::Time {
            period: policy.period(),
            t0: Timestamp::UNIX_EPOCH,
            last_step: None,
        }
    }

    /// The moving factor of a new HOTP authenticator.
    pub(crate) const FIRST_COUNTER: Self = Self::Counter { next: 0 };

    /// Compares a code with every passcode that may be accepted now, and with used ones. Returns
    /// the moving factor after the highest match.
    ///
    /// A time-based authenticator has the passcodes of the window. A counter-based one has those of
    /// the next counter and of the look-ahead after it (RFC 4226, section 7.4). The passcode before
    /// the next counter counts as used.
    ///
    /// The caller wipes the stack.
    pub(super) fn check(
        self,
        parameters: Parameters,
        secret: &Secret,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> PasscodeMatch<Self> {
        let Parameters { algorithm, digits } = parameters;
        match self {
            Self::Time {
                period,
                t0,
                last_step,
            } => {
                let totp = Totp::from_key(secret.expose(), algorithm, digits, period).with_t0(t0);
                totp.match_step(code, now, policy.window(), last_step)
                    .map(|step| Self::Time {
                        period,
                        t0,
                        last_step: Some(step),
                    })
            }
            Self::Counter { next } => {
                let hotp = Hotp::from_key(secret.expose(), algorithm, digits);
                hotp.match_counter(code, next, policy.look_ahead())
                    .map(|counter| Self::Counter {
                        next: counter.saturating_add(1),
                    })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Window;

    const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
    const PARAMETERS: Parameters = Parameters {
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
    };

    fn secret() -> Secret {
        Secret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn code(counter: u64) -> Code {
        let hotp = Hotp::new(secret().expose(), Algorithm::Sha1, Digits::SIX);
        Code::parse(hotp.generate(counter).expose()).unwrap()
    }

    fn check(moving: MovingFactor, code: &Code) -> PasscodeMatch<MovingFactor> {
        moving.check(PARAMETERS, &secret(), code, NOW, &Policy::default())
    }

    const fn at(next: u64) -> MovingFactor {
        MovingFactor::Counter { next }
    }

    #[test]
    fn a_counter_moves_past_each_accepted_code() {
        for next in [0, 1, 100, u64::MAX - 3] {
            for ahead in 0..=2 {
                let moved = at(next + ahead + 1);
                let matched = check(at(next), &code(next + ahead));
                assert_eq!(matched, PasscodeMatch::Unused(moved), "{next} + {ahead}");
            }
            let matched = check(at(next), &code(next.saturating_add(3)));
            assert_eq!(matched, PasscodeMatch::None, "{next}: too far ahead");
        }
    }

    #[test]
    fn the_last_accepted_counter_is_used() {
        for next in [1, 2, 100, u64::MAX] {
            assert_eq!(check(at(next), &code(next - 1)), PasscodeMatch::Used);
        }
        assert_eq!(check(at(100), &code(98)), PasscodeMatch::None);
        assert_eq!(check(at(0), &code(u64::MAX)), PasscodeMatch::None);
    }

    #[test]
    fn the_last_counter_is_never_accepted() {
        let accepted = PasscodeMatch::Unused(at(u64::MAX));
        for next in [u64::MAX - 2, u64::MAX - 1] {
            assert_eq!(check(at(next), &code(u64::MAX - 1)), accepted);
        }
        for next in [u64::MAX - 2, u64::MAX - 1, u64::MAX] {
            assert_eq!(check(at(next), &code(u64::MAX)), PasscodeMatch::None);
            assert_eq!(check(at(next), &code(0)), PasscodeMatch::None);
        }
    }

    #[test]
    fn the_policy_sets_the_look_ahead() {
        for look_ahead in [0, 1, 10] {
            let policy = Policy::builder().look_ahead(look_ahead).build().unwrap();
            let check = |code: &Code| at(5).check(PARAMETERS, &secret(), code, NOW, &policy);
            let last = 5 + u64::from(look_ahead);
            assert_eq!(check(&code(last)), PasscodeMatch::Unused(at(last + 1)));
            assert_eq!(check(&code(last + 1)), PasscodeMatch::None);
        }
    }

    #[test]
    fn the_highest_matching_counter_wins() {
        // With this secret, counters 1 and 2 have the same passcode.
        let mut key = [0; 20];
        key[17..].copy_from_slice(&980_008_u32.to_be_bytes()[1..]);
        let hotp = Hotp::new(&key, Algorithm::Sha1, Digits::SIX);
        let twin = Code::parse(hotp.generate(1).expose()).unwrap();
        assert_eq!(hotp.generate(1).expose(), hotp.generate(2).expose());
        let secret = Secret::from_bytes(&key).unwrap();
        let check = |next| at(next).check(PARAMETERS, &secret, &twin, NOW, &Policy::default());
        for next in [0, 1, 2] {
            assert_eq!(check(next), PasscodeMatch::Unused(at(3)), "{next}");
        }
        assert_eq!(check(3), PasscodeMatch::Used);
    }

    #[test]
    fn steps_count_from_t0() {
        let time = |t0: u64, last_step: Option<u64>| MovingFactor::Time {
            period: Period::THIRTY_SECONDS,
            t0: Timestamp::from_unix(t0),
            last_step: last_step.map(TimeStep::new),
        };
        let t0 = NOW.as_unix() - 3000;
        let window = Window::default();
        for step in 100 - u64::from(window.before)..=100 + u64::from(window.after) {
            let matched = check(time(t0, None), &code(step));
            assert_eq!(matched, PasscodeMatch::Unused(time(t0, Some(step))));
            let again = check(time(t0, Some(step)), &code(step));
            assert_eq!(again, PasscodeMatch::Used);
        }
        assert_eq!(check(time(t0, None), &code(98)), PasscodeMatch::None);
        let later = NOW.as_unix() + 3000;
        let matched = check(time(later, None), &code(0));
        assert_eq!(matched, PasscodeMatch::Unused(time(later, Some(0))));
    }
}
