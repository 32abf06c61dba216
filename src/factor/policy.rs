use crate::backup::{Argon2Params, CodeFormat, CodeShape};
use crate::otp::{Algorithm, Code, Digits, Period, Window};
use core::time::Duration;

/// The rules of an account's second factor.
///
/// The default follows RFC 6238 and NIST SP 800-63B-4, and fits what authenticator apps support.
///
/// ```
/// use countersign::Policy;
/// use countersign::factor::GuessTarget;
/// use countersign::otp::Digits;
/// use std::time::Duration;
///
/// let policy =
///     Policy::builder().max_authenticators(2).proof_age(Duration::from_secs(300)).build()?;
/// assert!(policy.annual_risk([GuessTarget::totp(Digits::SIX); 2]) < 1.5e-3);
/// # Ok::<(), countersign::factor::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    window: Window,
    look_ahead: u8,
    algorithm: Algorithm,
    digits: Digits,
    period: Period,
    hotp_enrollment: bool,
    imported_secret_bits: u16,
    max_authenticators: u8,
    enrollment_age: Duration,
    enrollment_tries: u8,
    proof_age: Duration,
    backoff: Backoff,
    lock_after: u32,
    budget_burst: u32,
    budget_refill: Duration,
    pub(super) consecutive_codes: u8,
    pub(super) consecutive_steps: u8,
    pub(super) consecutive_codes_unlock: bool,
    pub(super) devices: u8,
    pub(super) trusted_days: u8,
    code_format: CodeFormat,
    code_hash: Argon2Params,
    imported_code_shape: Option<CodeShape>,
    imported_code_work: Duration,
}

/// The back-off: how long an account must wait after consecutive failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The number of consecutive failures from which the account must wait.
    pub free_failures: u32,
    /// The first wait. Each further failure doubles it.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

/// What a device may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DeviceKind {
    /// The user still enters a code. Neither a wait nor a spent budget stops the device.
    Known,
    /// The same, and for some days the user signs in without a code:
    /// [`Verifier::trusted_device`](crate::Verifier::trusted_device). The policy must allow it:
    /// [`PolicyBuilder::trusted_devices`](crate::PolicyBuilder::trusted_devices).
    Trusted,
}

/// Whether, and for how long, a device may sign in without a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedDevices {
    /// Never.
    Off,
    /// For so many days from the time when the device was remembered: 1 to 90. No sign-in prolongs
    /// this time.
    Days(u8),
}

/// The failures in the life of a device. The last one ends it.
pub(super) const MOST_FAILURES: u8 = 10;

impl Policy {
    /// Starts from the default policy.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder(Self::default())
    }

    /// Returns the window: the time steps around the current one whose passcodes are accepted.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// Returns the look-ahead: how many counters after the next one a HOTP authenticator may skip
    /// (RFC 4226, section 7.4).
    #[must_use]
    pub const fn look_ahead(&self) -> u8 {
        self.look_ahead
    }

    /// Returns the hash function of new authenticators.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the number of digits of new authenticators.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// Returns the period of new TOTP authenticators.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// Returns whether an enrollment may ask for a HOTP authenticator.
    #[must_use]
    pub const fn hotp_enrollment(&self) -> bool {
        self.hotp_enrollment
    }

    /// Returns the fewest bits that the secret of an imported authenticator may have.
    #[must_use]
    pub const fn imported_secret_bits(&self) -> u16 {
        self.imported_secret_bits
    }

    /// Returns how many authenticators an account may have.
    #[must_use]
    pub const fn max_authenticators(&self) -> u8 {
        self.max_authenticators
    }

    /// Returns how long an enrollment may stay pending.
    #[must_use]
    pub const fn enrollment_age(&self) -> Duration {
        self.enrollment_age
    }

    /// Returns how many wrong passcodes end a pending enrollment.
    #[must_use]
    pub const fn enrollment_tries(&self) -> u8 {
        self.enrollment_tries
    }

    /// Returns how old a password check and a receipt may be to serve as a proof.
    #[must_use]
    pub const fn proof_age(&self) -> Duration {
        self.proof_age
    }

    /// Returns the back-off after consecutive failures. [`wait_after`](Self::wait_after) computes
    /// the wait.
    #[must_use]
    pub const fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// Returns the number of consecutive failures at which the second factor is locked.
    #[must_use]
    pub const fn lock_after(&self) -> u32 {
        self.lock_after
    }

    /// Returns how many guesses the budget holds at most.
    #[must_use]
    pub const fn budget_burst(&self) -> u32 {
        self.budget_burst
    }

    /// Returns the time in which the budget gains one guess.
    #[must_use]
    pub const fn budget_refill(&self) -> Duration {
        self.budget_refill
    }

    /// Returns the format and number of backup codes.
    #[must_use]
    pub const fn code_format(&self) -> CodeFormat {
        self.code_format
    }

    /// Returns the cost of the Argon2id hash of a backup code of less than 112 bits.
    #[must_use]
    pub const fn code_hash(&self) -> Argon2Params {
        self.code_hash
    }

    /// Returns the shape of imported backup codes, if the service has imported some.
    #[must_use]
    pub const fn imported_code_shape(&self) -> Option<CodeShape> {
        self.imported_code_shape
    }

    /// Returns how long the hashes of one attempt with an imported set may take.
    #[must_use]
    pub const fn imported_code_work(&self) -> Duration {
        self.imported_code_work
    }

    /// Whether an account of the service could have such a backup code.
    pub(super) fn could_be_backup_code(&self, code: &Code) -> bool {
        let imported = self.imported_code_shape;
        self.code_format.matches_shape(code) || imported.is_some_and(|shape| shape.matches(code))
    }

    /// Returns how long an account must wait after a number of consecutive failures.
    #[must_use]
    pub fn wait_after(&self, failures: u32) -> Duration {
        let Backoff {
            free_failures,
            first_wait,
            longest_wait,
        } = self.backoff;
        let Some(doublings) = failures.checked_sub(free_failures) else {
            return Duration::ZERO;
        };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        first_wait.saturating_mul(factor).min(longest_wait)
    }

    /// Returns how many devices an account may have.
    #[must_use]
    pub const fn devices(&self) -> u8 {
        self.devices
    }

    /// Returns whether, and for how long, a device may sign in without a code.
    #[must_use]
    pub const fn trusted_devices(&self) -> TrustedDevices {
        match self.trusted_days {
            0 => TrustedDevices::Off,
            days => TrustedDevices::Days(days),
        }
    }

    /// The most guesses of an attacker who has the tokens of all devices, in the life of these
    /// devices.
    pub(super) fn device_guesses(&self) -> u32 {
        u32::from(self.devices).saturating_mul(MOST_FAILURES.into())
    }

    pub(crate) fn allows(&self, kind: DeviceKind) -> bool {
        match kind {
            DeviceKind::Known => self.devices > 0,
            DeviceKind::Trusted => self.devices > 0 && self.trusted_days > 0,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: Window::around(1),
            look_ahead: 2,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            period: Period::THIRTY_SECONDS,
            hotp_enrollment: false,
            imported_secret_bits: 128,
            max_authenticators: 5,
            enrollment_age: Duration::from_secs(600),
            enrollment_tries: 10,
            proof_age: Duration::from_secs(600),
            backoff: Backoff {
                free_failures: 5,
                first_wait: Duration::from_secs(30),
                longest_wait: Duration::from_secs(3600),
            },
            lock_after: 100,
            budget_burst: 10,
            budget_refill: Duration::from_secs(3 * 86_400),
            consecutive_codes: 3,
            consecutive_steps: 20,
            consecutive_codes_unlock: true,
            devices: 10,
            trusted_days: 0,
            code_format: CodeFormat::default(),
            code_hash: Argon2Params::default(),
            imported_code_shape: None,
            imported_code_work: Duration::from_millis(1_500),
        }
    }
}

/// Builds a [`Policy`] from the default. Durations must be whole seconds, unless a method says
/// otherwise.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyBuilder(pub(super) Policy);

impl PolicyBuilder {
    /// Sets the time steps around the current one whose passcodes are accepted: at most 10 on
    /// either side. Default: one on either side.
    pub fn window(mut self, window: Window) -> Self {
        self.0.window = window;
        self
    }

    /// Sets how many counters after the next one a HOTP authenticator may skip: 0 to 10. Default:
    /// 2.
    ///
    /// An authenticator skips a counter if the user asks it for a passcode and does not use that
    /// passcode. Each further counter adds a passcode that a guess can match (RFC 4226, section
    /// 7.4).
    pub fn look_ahead(mut self, counters: u8) -> Self {
        self.0.look_ahead = counters;
        self
    }

    /// Sets the hash function of new authenticators. Default: SHA-1, the only one that every app
    /// supports.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.0.algorithm = algorithm;
        self
    }

    /// Sets the number of digits of new authenticators. Default: six, the only number that every
    /// app supports.
    pub fn digits(mut self, digits: Digits) -> Self {
        self.0.digits = digits;
        self
    }

    /// Sets the period of new TOTP authenticators: at most 120 s (NIST SP 800-63B-4, 3.1.4).
    /// Default: 30 s, the only period that every app supports.
    pub fn period(mut self, period: Period) -> Self {
        self.0.period = period;
        self
    }

    /// Sets whether an enrollment may ask for a HOTP authenticator
    /// ([`EnrollmentRequest::hotp`](crate::EnrollmentRequest::hotp)). Default: no.
    ///
    /// A passcode of HOTP stays valid until the user logs in with it or a later one. So prefer
    /// TOTP, whose passcodes expire. Existing HOTP authenticators work either way.
    pub fn hotp_enrollment(mut self, allowed: bool) -> Self {
        self.0.hotp_enrollment = allowed;
        self
    }

    /// Sets the fewest bits that the secret of an imported authenticator may have: 8 to 128.
    /// Default: 128, the least that RFC 4226 (section 4, R6) allows.
    ///
    /// Many systems issued secrets of 80 bits. Such a secret works as before:
    /// [`AuthenticatorStatus`](crate::factor::AuthenticatorStatus) says that it is due for renewal.
    pub fn imported_secret_bits(mut self, bits: u16) -> Self {
        self.0.imported_secret_bits = bits;
        self
    }

    /// Sets how many authenticators an account may have: 1 to 20. Default: 5.
    pub fn max_authenticators(mut self, maximum: u8) -> Self {
        self.0.max_authenticators = maximum;
        self
    }

    /// Sets how long an enrollment may stay pending: 1 min to 1 h. Default: 10 min.
    pub fn enrollment_age(mut self, age: Duration) -> Self {
        self.0.enrollment_age = age;
        self
    }

    /// Sets how many wrong passcodes end a pending enrollment: 1 to 100. Default: 10.
    pub fn enrollment_tries(mut self, tries: u8) -> Self {
        self.0.enrollment_tries = tries;
        self
    }

    /// Sets how old a password check and a receipt may be to serve as a proof: 1 s to 1 h. Default:
    /// 10 min.
    pub fn proof_age(mut self, age: Duration) -> Self {
        self.0.proof_age = age;
        self
    }

    /// Sets the back-off: after `free` consecutive failures the account must wait for `first`. Each
    /// further failure doubles the wait, up to `longest`.
    ///
    /// `free` is at most 100, and `longest` at most one day. Default: 30 s after 5 failures, up to
    /// 1 h (NIST SP 800-63B-4, 3.2.2).
    pub fn backoff(mut self, free: u32, first: Duration, longest: Duration) -> Self {
        self.0.backoff = Backoff {
            free_failures: free,
            first_wait: first,
            longest_wait: longest,
        };
        self
    }

    /// Sets the number of consecutive failures at which the second factor is locked: 1 to 100.
    /// Default: 100, the most that NIST SP 800-63B-4 (3.2.2) allows.
    pub fn lock_after(mut self, failures: u32) -> Self {
        self.0.lock_after = failures;
        self
    }

    /// Sets the guess budget: at most `burst` failures at once (1 to 1,000), and one more per
    /// `refill` (1 s to 365 d). A success does not refill it. Default: 10, and one more in 3 days.
    pub fn budget(mut self, burst: u32, refill: Duration) -> Self {
        self.0.budget_burst = burst;
        self.0.budget_refill = refill;
        self
    }

    /// Sets the format and number of backup codes. Default: 10 codes of 8 digits.
    ///
    /// Codes of at least 112 bits, such as [`CodeFormat::BITS_112`], get a fast digest
    /// ([`CodeDigest::HmacSha256`](crate::backup::CodeDigest::HmacSha256)), and an attempt takes
    /// one write. Nobody can guess them, so they are accepted while a limit holds other codes.
    pub fn code_format(mut self, format: CodeFormat) -> Self {
        self.0.code_format = format;
        self
    }

    /// Sets the cost of the Argon2id hash of a backup code of less than 112 bits. Default: 19 MiB
    /// and two passes.
    pub fn code_hash(mut self, params: Argon2Params) -> Self {
        self.0.code_hash = params;
        self
    }

    /// Sets the shape of the backup codes that you import. Default: none.
    ///
    /// The verifier then counts a wrong code of this shape as a failure for *every* account.
    /// Without this setting, it counts such a code only for an account with an imported set, and
    /// an attacker who knows the password sees the difference without spending a guess. The groups
    /// of the shape do not matter here.
    pub fn imported_code_shape(mut self, shape: CodeShape) -> Self {
        self.0.imported_code_shape = Some(shape.without_groups());
        self
    }

    /// Sets how long the hashes of one attempt with an imported set may take, by the table of
    /// [`ImportedCodes::work`](crate::backup::ImportedCodes::work): at most 10 s, in whole
    /// milliseconds. Default: 1,500 ms.
    ///
    /// The import refuses a set that takes longer. A lower limit does not end sets that are
    /// imported already.
    pub fn imported_code_work(mut self, limit: Duration) -> Self {
        self.0.imported_code_work = limit;
        self
    }

    /// Sets how many devices an account may have: 0 to 20. With 0, no device is remembered. A
    /// further device replaces the oldest. A smaller number than before counts at once: the oldest
    /// devices are strangers then. Default: 10.
    ///
    /// Each device adds ten guesses to
    /// [`annual_risk`](crate::Policy::annual_risk), for an attacker who stole its token.
    pub fn devices(mut self, most: u8) -> Self {
        self.0.devices = most;
        self
    }

    /// Sets whether, and for how long, a device may sign in without a code. Default: never.
    ///
    /// A shorter time counts for devices that are already remembered, too.
    pub fn trusted_devices(mut self, trusted: TrustedDevices) -> Self {
        self.0.trusted_days = match trusted {
            TrustedDevices::Off => 0,
            TrustedDevices::Days(days) => days,
        };
        self
    }
}
