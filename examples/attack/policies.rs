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
    /// How many guesses the budget allows from now until so many seconds later, one at the last second included.
    pub(crate) fn guesses_in(&self, seconds: u64) -> u64 {
        let refills = seconds.checked_div(self.policy.budget_refill().as_secs());
        u64::from(self.policy.budget_burst()).saturating_add(refills.unwrap_or_default())
    }

    /// The chance that one uniformly random passcode is right: one of the window of one of the authenticators.
    pub(crate) fn passcode_chance(&self, authenticators: u8) -> f64 {
        let one = 0.1_f64.powi(i32::from(self.policy.digits().get()));
        let right = i32::from(authenticators) * i32::from(self.policy.window().width());
        1.0 - (1.0 - one).powi(right)
    }

    /// The chance that one random backup code is one of the sheet.
    pub(crate) fn backup_code_chance(&self) -> f64 {
        let format = self.policy.code_format();
        f64::from(format.count()) / 10_f64.powi(i32::from(format.length()))
    }
}

pub(crate) fn all() -> Result<[Rules; 4], Failure> {
    let rules = |name, summary, policy: PolicyBuilder| -> Result<Rules, Failure> {
        // The digest of a backup code is slow on purpose; how slow decides nothing here.
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
            "6 digits, window 1, 20 failures and one more a day, locked at 100",
            Policy::builder(),
        )?,
        rules(
            "strict",
            "6 digits, window 0, 5 failures and one more a week, waits from 1 min to 1 d, locked at 10",
            Policy::builder()
                .window(Window::EXACT)
                .backoff(3, MINUTE, DAY)
                .lock_after(10)
                .budget(5, 7 * DAY),
        )?,
        rules(
            "lenient",
            "6 digits, window 2, 100 failures and one more an hour, locked at 100",
            Policy::builder()
                .window(Window::around(2))
                .budget(100, HOUR),
        )?,
        rules(
            "eight-digits",
            "8 digits like the backup codes, window 1, 50 failures and one more in 6 h, locked at 100",
            Policy::builder().digits(Digits::EIGHT).budget(50, 6 * HOUR),
        )?,
    ])
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// In seconds.
pub(crate) const YEAR: u64 = 365 * 86_400;
