use crate::backup::{Argon2Params, CodeFormat};
use crate::otp::{Algorithm, Digits, Period, Window};
use core::time::Duration;

/// The rules of an account's second factor. The default follows RFC 6238, NIST SP 800-63B-4 and what
/// authenticator apps can do.
///
/// ```
/// use countersign::Policy;
/// use std::time::Duration;
///
/// let policy = Policy::builder().max_authenticators(2).proof_age(Duration::from_secs(300)).build()?;
/// assert!(policy.annual_risk(2) < 2.6e-3);
/// # Ok::<(), countersign::factor::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    window: Window,
    algorithm: Algorithm,
    digits: Digits,
    period: Period,
    max_authenticators: u8,
    enrollment_age: Duration,
    enrollment_tries: u8,
    proof_age: Duration,
    free_failures: u32,
    first_wait: Duration,
    longest_wait: Duration,
    lock_after: u32,
    budget_burst: u32,
    budget_refill: Duration,
    code_format: CodeFormat,
    code_hash: Argon2Params,
}

impl Policy {
    /// Starts from the default policy.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder(Self::default())
    }

    /// Which steps around the current one are accepted.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The hash function of new authenticators.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits of new authenticators.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// The period of new authenticators.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// How many authenticators an account may have.
    #[must_use]
    pub const fn max_authenticators(&self) -> u8 {
        self.max_authenticators
    }

    /// How long an enrollment may stay pending.
    #[must_use]
    pub const fn enrollment_age(&self) -> Duration {
        self.enrollment_age
    }

    /// How many wrong passcodes drop a pending enrollment.
    #[must_use]
    pub const fn enrollment_tries(&self) -> u8 {
        self.enrollment_tries
    }

    /// How old a password check and a receipt may be to serve as a proof.
    #[must_use]
    pub const fn proof_age(&self) -> Duration {
        self.proof_age
    }

    /// The free failures, the first wait and the longest one, of which [`wait_after`](Self::wait_after) is
    /// made.
    #[must_use]
    pub const fn waits(&self) -> (u32, Duration, Duration) {
        (self.free_failures, self.first_wait, self.longest_wait)
    }

    /// At how many consecutive failures the factor is locked.
    #[must_use]
    pub const fn lock_after(&self) -> u32 {
        self.lock_after
    }

    /// How many failures the long-term budget holds at most.
    #[must_use]
    pub const fn budget_burst(&self) -> u32 {
        self.budget_burst
    }

    /// How long the budget takes to gain one failure.
    #[must_use]
    pub const fn budget_refill(&self) -> Duration {
        self.budget_refill
    }

    /// The shape and number of backup codes.
    #[must_use]
    pub const fn code_format(&self) -> CodeFormat {
        self.code_format
    }

    /// How backup codes are digested.
    #[must_use]
    pub const fn code_hash(&self) -> Argon2Params {
        self.code_hash
    }

    /// The wait after a number of consecutive failures: none up to the first few, then doubling.
    #[must_use]
    pub fn wait_after(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free_failures) else {
            return Duration::ZERO;
        };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first_wait
            .saturating_mul(factor)
            .min(self.longest_wait)
    }

    /// An upper bound on the chance that an attacker who has the password, guesses without pause for a
    /// year, and is never noticed, gets past the second factor of an account with so many authenticators.
    ///
    /// It holds for accounts whose authenticators and backup codes were all made under this policy. An account
    /// keeps what it has: under an earlier policy with fewer digits, or with shorter or more backup codes, its
    /// risk is that of the earlier policy until they are replaced. If two verifiers with different policies
    /// work on one store, the larger of their budgets counts.
    ///
    /// With `n` = burst + one guess for each refill of a year: `n` guesses, each against every step of the
    /// window of each authenticator, plus `n` guesses against all backup codes of a set. A passcode is 31
    /// bits modulo a power of ten (RFC 4226, section 5.3), which makes the likeliest ones a little likelier
    /// than 10^-digits; the bound counts with those.
    ///
    /// The default is under 1.3e-3 for one authenticator: 385 guesses. The example `attack` counts the guesses that
    /// the real verifier looks at, by 23 strategies under four policies, and never finds more than `n`. The
    /// attacker reaches it by guessing between the owner's daily logins, and the owner is never held off by it;
    /// without a pause it is 100 guesses, and the account is locked. Of 100,000 years of random passcodes, 114
    /// let the attacker in: 1.14e-3, with 99 % confidence between 8.96e-4 and 1.45e-3.
    ///
    /// Two things add to `n`: each [`unlock`](crate::Verifier::unlock) at most five guesses, and two servers
    /// whose clocks differ the refills of that difference, once.
    #[must_use]
    pub fn annual_risk(&self, authenticators: u8) -> f64 {
        const YEAR: u64 = 365 * 86_400;
        const TRUNCATED: u32 = 1 << 31;
        let refills = YEAR
            .checked_div(self.budget_refill.as_secs())
            .unwrap_or(YEAR);
        let guesses = u64::from(self.budget_burst).saturating_add(refills);
        #[expect(
            clippy::cast_precision_loss,
            reason = "an estimate, and below 2^53 in any sane policy"
        )]
        let guesses = guesses as f64;
        let likeliest = match self.digits.get() {
            6 => TRUNCATED.div_ceil(1_000_000),
            7 => TRUNCATED.div_ceil(10_000_000),
            _ => TRUNCATED.div_ceil(100_000_000),
        };
        let passcode =
            f64::from(authenticators) * f64::from(self.window.width()) * f64::from(likeliest)
                / f64::from(TRUNCATED);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let space = self.code_format.space() as f64;
        let backup_code = f64::from(self.code_format.count()) / space;
        (guesses * (passcode + backup_code)).min(1.0)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: Window::around(1),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            period: Period::THIRTY_SECONDS,
            max_authenticators: 5,
            enrollment_age: Duration::from_secs(600),
            enrollment_tries: 10,
            proof_age: Duration::from_secs(600),
            free_failures: 5,
            first_wait: Duration::from_secs(30),
            longest_wait: Duration::from_secs(3600),
            lock_after: 100,
            budget_burst: 20,
            budget_refill: Duration::from_secs(86_400),
            code_format: CodeFormat::default(),
            code_hash: Argon2Params::default(),
        }
    }
}

/// Sets what a host wants otherwise. Durations count whole seconds.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// Which steps around the current one are accepted, at most 10 on either side. Default: one.
    pub fn window(mut self, window: Window) -> Self {
        self.0.window = window;
        self
    }

    /// The hash function of new authenticators. Default: SHA-1, the only one that every app knows.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.0.algorithm = algorithm;
        self
    }

    /// The digits of new authenticators. Default: six, the only number that every app knows.
    pub fn digits(mut self, digits: Digits) -> Self {
        self.0.digits = digits;
        self
    }

    /// The period of new authenticators, at most 120 s (NIST SP 800-63B-4, 3.1.4). Default: 30 s, the only
    /// one that every app knows.
    pub fn period(mut self, period: Period) -> Self {
        self.0.period = period;
        self
    }

    /// How many authenticators an account may have, 1 to 20. Default: 5.
    pub fn max_authenticators(mut self, maximum: u8) -> Self {
        self.0.max_authenticators = maximum;
        self
    }

    /// How long an enrollment may stay pending, 1 min to 1 h. Default: 10 min.
    pub fn enrollment_age(mut self, age: Duration) -> Self {
        self.0.enrollment_age = age;
        self
    }

    /// How many wrong passcodes drop a pending enrollment, 1 to 100. Default: 10.
    pub fn enrollment_tries(mut self, tries: u8) -> Self {
        self.0.enrollment_tries = tries;
        self
    }

    /// How old a password check and a receipt may be to serve as a proof, 1 s to 1 h. Default: 10 min.
    pub fn proof_age(mut self, age: Duration) -> Self {
        self.0.proof_age = age;
        self
    }

    /// Waits: `first` after `free` consecutive failures, doubling with each one more, up to `longest`.
    /// At most 100 failures, and at most a day. Default: 30 s after 5, up to 1 h (NIST SP 800-63B-4, 3.2.2).
    pub fn waits(mut self, free: u32, first: Duration, longest: Duration) -> Self {
        self.0.free_failures = free;
        self.0.first_wait = first;
        self.0.longest_wait = longest;
        self
    }

    /// At how many consecutive failures the factor is locked, 1 to 100. Default: 100, the most that NIST
    /// SP 800-63B-4, 3.2.2 allows.
    pub fn lock_after(mut self, failures: u32) -> Self {
        self.0.lock_after = failures;
        self
    }

    /// The long-term budget: at most `burst` failures at once (1 to 1,000), and one more for each `refill`
    /// (1 s to 365 d), whatever succeeds in between. Default: 20, and one a day.
    pub fn budget(mut self, burst: u32, refill: Duration) -> Self {
        self.0.budget_burst = burst;
        self.0.budget_refill = refill;
        self
    }

    /// The shape and number of backup codes. Default: 10 of 8 digits.
    pub fn code_format(mut self, format: CodeFormat) -> Self {
        self.0.code_format = format;
        self
    }

    /// How backup codes are digested. Default: Argon2id with 19 MiB and two passes.
    pub fn code_hash(mut self, params: Argon2Params) -> Self {
        self.0.code_hash = params;
        self
    }

    /// Checks the policy.
    ///
    /// # Errors
    /// [`PolicyError`] names the field that is out of its range.
    pub fn build(self) -> Result<Policy, PolicyError> {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let policy = self.0;
        let seconds = |duration: Duration| duration.as_secs();
        let whole = |duration: Duration| duration.subsec_nanos() == 0;
        let checks = [
            (
                "window",
                policy.window.before <= 10 && policy.window.after <= 10,
                "at most 10 steps on either side",
            ),
            ("period", policy.period.as_secs() <= 120, "at most 120 s"),
            (
                "max_authenticators",
                (1..=20).contains(&policy.max_authenticators),
                "1 to 20",
            ),
            (
                "enrollment_age",
                whole(policy.enrollment_age)
                    && (MINUTE..=HOUR).contains(&seconds(policy.enrollment_age)),
                "60 s to 1 h, in whole seconds",
            ),
            (
                "enrollment_tries",
                (1..=100).contains(&policy.enrollment_tries),
                "1 to 100",
            ),
            (
                "proof_age",
                whole(policy.proof_age) && (1..=HOUR).contains(&seconds(policy.proof_age)),
                "1 s to 1 h, in whole seconds",
            ),
            (
                "waits",
                policy.free_failures <= 100
                    && whole(policy.first_wait)
                    && whole(policy.longest_wait)
                    && policy.first_wait <= policy.longest_wait
                    && seconds(policy.longest_wait) <= DAY,
                "at most 100 free failures, and a first wait up to the longest, which is at most a day, in whole seconds",
            ),
            (
                "lock_after",
                (1..=100).contains(&policy.lock_after),
                "1 to 100",
            ),
            (
                "budget",
                (1..=1000).contains(&policy.budget_burst)
                    && whole(policy.budget_refill)
                    && (1..=365 * DAY).contains(&seconds(policy.budget_refill)),
                "a burst of 1 to 1000, and a refill of 1 s to 365 d, in whole seconds",
            ),
        ];
        match checks.into_iter().find(|(_, holds, _)| !holds) {
            Some((field, _, range)) => Err(PolicyError { field, range }),
            None => Ok(policy),
        }
    }
}

/// A field of the policy is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy's {field} is out of range: {range}")]
pub struct PolicyError {
    field: &'static str,
    range: &'static str,
}

impl PolicyError {
    /// The method of [`PolicyBuilder`] that set it.
    #[must_use]
    pub const fn field(self) -> &'static str {
        self.field
    }
}
