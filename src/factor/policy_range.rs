//! The range of each field of a policy, and the error for a field that is out of its range.

use super::policy::{Policy, PolicyBuilder};
use core::time::Duration;

impl PolicyBuilder {
    /// Returns the policy, if every field is in its range.
    ///
    /// # Errors
    /// [`PolicyError`] names the field that is out of range.
    pub fn build(self) -> Result<Policy, PolicyError> {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let policy = self.0;
        let backoff = policy.backoff();
        let seconds = |duration: Duration| duration.as_secs();
        let whole = |duration: Duration| duration.subsec_nanos() == 0;
        let checks = [
            (
                "window",
                policy.window().before <= 10 && policy.window().after <= 10,
                "at most 10 steps on either side",
            ),
            (
                "look_ahead",
                policy.look_ahead() <= 10,
                "at most 10 counters",
            ),
            ("period", policy.period().as_secs() <= 120, "at most 120 s"),
            (
                "imported_secret_bits",
                (8..=128).contains(&policy.imported_secret_bits()),
                "8 to 128",
            ),
            (
                "max_authenticators",
                (1..=20).contains(&policy.max_authenticators()),
                "1 to 20",
            ),
            (
                "enrollment_age",
                whole(policy.enrollment_age())
                    && (MINUTE..=HOUR).contains(&seconds(policy.enrollment_age())),
                "60 s to 1 h, in whole seconds",
            ),
            (
                "enrollment_tries",
                (1..=100).contains(&policy.enrollment_tries()),
                "1 to 100",
            ),
            (
                "proof_age",
                whole(policy.proof_age()) && (1..=HOUR).contains(&seconds(policy.proof_age())),
                "1 s to 1 h, in whole seconds",
            ),
            (
                "backoff",
                backoff.free_failures <= 100
                    && whole(backoff.first_wait)
                    && whole(backoff.longest_wait)
                    && backoff.first_wait <= backoff.longest_wait
                    && seconds(backoff.longest_wait) <= DAY,
                "at most 100 free failures, and a first wait up to the longest, which is at most a day, in whole seconds",
            ),
            (
                "lock_after",
                (1..=100).contains(&policy.lock_after()),
                "1 to 100",
            ),
            (
                "budget",
                (1..=1000).contains(&policy.budget_burst())
                    && whole(policy.budget_refill())
                    && (1..=365 * DAY).contains(&seconds(policy.budget_refill())),
                "a burst of 1 to 1000, and a refill of 1 s to 365 d, in whole seconds",
            ),
            (
                "consecutive_codes",
                (3..=4).contains(&policy.consecutive_codes)
                    && (3..=20).contains(&policy.consecutive_steps),
                "3 or 4 passcodes, which have 59 bits or more, and 3 to 20 steps",
            ),
            ("devices", policy.devices <= 20, "at most 20"),
            ("trusted_devices", policy.trusted_days <= 90, "1 to 90 days"),
            (
                "imported_code_work",
                policy.imported_code_work() <= Duration::from_secs(10)
                    && policy
                        .imported_code_work()
                        .subsec_nanos()
                        .is_multiple_of(1_000_000),
                "at most 10 s, in whole milliseconds",
            ),
        ];
        match checks.into_iter().find(|(_, holds, _)| !holds) {
            Some((field, _, range)) => Err(PolicyError { field, range }),
            None => Ok(policy),
        }
    }
}

/// The error for a field of the policy that is out of its range. The message names the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy's {field} is out of range: {range}")]
pub struct PolicyError {
    field: &'static str,
    range: &'static str,
}

impl PolicyError {
    /// Returns the name of the [`PolicyBuilder`] method that set the field.
    #[must_use]
    pub const fn field(self) -> &'static str {
        self.field
    }
}
