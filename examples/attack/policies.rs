//! The default policy and three others, from strict to lenient.

use std::time::Duration;

use countersign::backup::Argon2Params;
use countersign::otp::{Digits, Window};
use countersign::{Policy, PolicyBuilder};

use crate::Failure;

/// A policy with a name.
pub(crate) struct Rules {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) policy: Policy,
}

impl Rules {
    /// The number of guesses that the budget allows within this many seconds, including one at the
    /// last second.
    pub(crate) fn guesses_in(&self, seconds: u64) -> u64 {
        let refills = seconds.checked_div(self.policy.budget_refill().as_secs());
        u64::from(self.policy.budget_burst()).saturating_add(refills.unwrap_or_default())
    }

    /// The chance that a uniformly random passcode is correct for one of the authenticators and a
    /// step in the window.
    pub(crate) fn passcode_chance(&self, authenticators: u8) -> f64 {
        let one = 0.1_f64.powi(i32::from(self.policy.digits().get()));
        let correct = i32::from(authenticators) * i32::from(self.policy.window().width());
        1.0 - (1.0 - one).powi(correct)
    }

    /// The chance that a row of random passcodes is correct for one authenticator.
    pub(crate) fn row_chance(&self) -> f64 {
        let rules = self.policy.consecutive_codes();
        let places = i32::from(rules.steps) * 2 + 2 - i32::from(rules.count);
        let digits = i32::from(self.policy.digits().get()) * i32::from(rules.count);
        f64::from(places) * 0.1_f64.powi(digits)
    }

    /// The chance that a random backup code is in the set.
    pub(crate) fn backup_code_chance(&self) -> f64 {
        let format = self.policy.code_format();
        f64::from(format.count()) / 10_f64.powi(i32::from(format.length()))
    }
}

pub(crate) fn all() -> Result<[Rules; 4], Failure> {
    let rules = |name, summary, policy: PolicyBuilder| -> Result<Rules, Failure> {
        // The cheapest password hash, because its cost does not change the counts.
        let policy = policy.code_hash(Argon2Params::new(8, 1, 1)?).build()?;
        Ok(Rules {
            name,
            summary,
            policy,
        })
    };
    Ok([
        rules(
            "default",
            "6 digits, window 1, 10 failures plus one in 3 days, locked at 100",
            Policy::builder(),
        )?,
        rules(
            "strict",
            "6 digits, window 0, 5 failures plus one per week, waits from 1 min to 1 d, locked at 10",
            Policy::builder()
                .window(Window::EXACT)
                .backoff(3, MINUTE, DAY)
                .lock_after(10)
                .budget(5, 7 * DAY),
        )?,
        rules(
            "lenient",
            "6 digits, window 2, 100 failures plus one per hour, locked at 100",
            Policy::builder()
                .window(Window::around(2))
                .budget(100, HOUR),
        )?,
        rules(
            "eight-digits",
            "8 digits like the backup codes, window 1, 50 failures plus one per 6 h, locked at 100",
            Policy::builder().digits(Digits::EIGHT).budget(50, 6 * HOUR),
        )?,
    ])
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// In seconds.
pub(crate) const YEAR: u64 = 365 * 86_400;
