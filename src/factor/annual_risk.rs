//! An upper bound on an attacker's chance of success within a year.

use super::consecutive::{LONG_ROW, ROW_LOOK_AHEAD};
use super::second_factor::{AuthenticatorKind, AuthenticatorStatus};
use crate::Policy;
use crate::backup::Digester;
use crate::otp::{Digits, Window};

/// An authenticator as an attacker sees it who guesses its passcodes: its type and its digits.
///
/// ```
/// use countersign::Policy;
/// use countersign::factor::GuessTarget;
/// use countersign::otp::Digits;
///
/// let app = GuessTarget::totp(Digits::SIX);
/// let token = GuessTarget::hotp(Digits::EIGHT);
/// let policy = Policy::default();
/// assert!(policy.annual_risk([app, token]) < 7.6e-4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessTarget {
    is_hotp: bool,
    digits: Digits,
    /// Whether an attacker can guess the secret instead of a passcode.
    is_weak: bool,
}

impl GuessTarget {
    /// Returns a TOTP authenticator. Each guess is compared with every time step in the policy's
    /// window.
    #[must_use]
    pub const fn totp(digits: Digits) -> Self {
        Self {
            is_hotp: false,
            digits,
            is_weak: false,
        }
    }

    /// Returns a HOTP authenticator. Each guess is compared with the next counter, and with every
    /// counter in the policy's look-ahead.
    #[must_use]
    pub const fn hotp(digits: Digits) -> Self {
        Self {
            is_hotp: true,
            digits,
            is_weak: false,
        }
    }

    /// How many of the 2^31 truncated HMACs make a guess correct.
    fn hits(self, policy: &Policy) -> f64 {
        if self.is_weak {
            return f64::from(TRUNCATED);
        }
        let candidates = if self.is_hotp {
            u16::from(policy.look_ahead()).saturating_add(1)
        } else {
            policy.window().width()
        };
        f64::from(candidates) * f64::from(self.likeliest())
    }

    /// How many of the 2^31 truncated HMACs have the likeliest passcode.
    const fn likeliest(self) -> u32 {
        match self.digits.get() {
            6 => TRUNCATED.div_ceil(1_000_000),
            7 => TRUNCATED.div_ceil(10_000_000),
            _ => TRUNCATED.div_ceil(100_000_000),
        }
    }

    /// The chance that an attempt with consecutive passcodes is correct.
    fn row_chance(self, policy: &Policy) -> f64 {
        let rules = policy.consecutive_codes();
        let (count, places) = if self.is_hotp {
            (LONG_ROW, u16::from(ROW_LOOK_AHEAD).saturating_add(1))
        } else {
            let steps = Window::around(rules.steps).width();
            (
                rules.count,
                steps.saturating_sub(rules.count.into()).saturating_add(1),
            )
        };
        let one = f64::from(self.likeliest()) / f64::from(TRUNCATED);
        (0..count).fold(f64::from(places), |chance, _| chance * one)
    }
}

impl From<&AuthenticatorStatus> for GuessTarget {
    fn from(status: &AuthenticatorStatus) -> Self {
        let digits = Digits::new(status.digits).unwrap_or_default();
        let target = match status.kind {
            AuthenticatorKind::Totp { .. } => Self::totp(digits),
            AuthenticatorKind::Hotp => Self::hotp(digits),
        };
        Self {
            is_weak: status.secret_bits < GUESSABLE_BITS,
            ..target
        }
    }
}

/// With this many bits, no passcode is noticeably likelier than the others.
const GUESSABLE_BITS: usize = 64;

/// The number of truncated HMACs (RFC 4226, section 5.3).
const TRUNCATED: u32 = 1 << 31;

/// The sets of backup codes whose codes are valid: the current one and a pending one.
const CODE_SETS: f64 = 2.0;

/// The attempts that no limit counts, and that an attacker may make, all year.
const UNCOUNTED_PER_SECOND: f64 = 10_000.0;

impl Policy {
    /// Returns an upper bound on an attacker's chance of success within a year.
    ///
    /// The attacker knows the password, guesses without pause, and is never noticed. The account
    /// has these authenticators: pass [`GuessTarget`]s, or the
    /// [authenticators](crate::factor::EnabledStatus::authenticators) of its status. Its backup
    /// codes must have been issued under this policy: an account keeps older ones until you replace
    /// them. If two verifiers with different policies use one store, the larger budget counts.
    ///
    /// The number of guesses `n` is the burst plus one for each refill in a year. Each guess is
    /// checked against every time step in the window of each TOTP authenticator, against the next
    /// counter and the look-ahead of each HOTP authenticator, and against all backup codes of two
    /// sets, of which one is pending. A passcode is 31 bits modulo a power of ten (RFC 4226, 5.3),
    /// so some passcodes are slightly more likely than 10^-digits. The bound uses the likeliest
    /// ones.
    ///
    /// No limit counts attempts with consecutive passcodes
    /// ([`Verifier::verify_consecutive`](crate::Verifier::verify_consecutive)). The bound adds
    /// 10,000 such attempts per second, all year: 1.2e-5 per TOTP authenticator of six digits by
    /// default. Neither does a limit count backup codes of at least 112 bits while it holds other
    /// codes, so the bound adds as many attempts with them.
    ///
    /// An attacker who stole the tokens of all devices has ten more guesses per device
    /// ([`PolicyBuilder::devices`](crate::PolicyBuilder::devices)). The bound includes them for the
    /// devices that an account may have at one time.
    ///
    /// An imported secret of fewer than 64 bits has too few possible passcodes for this bound. For
    /// an account with such a secret in its status, the method returns 1. A [`GuessTarget`] that
    /// you make has a secret of at least 64 bits.
    ///
    /// The default policy gives strangers 131 guesses, and an attacker with the tokens of ten
    /// devices 100 more. The bound is less than 7.6e-4 for one authenticator, and less than 4.4e-4
    /// without devices. The example `attack` runs 23 strategies of strangers against the real
    /// verifier under four policies, and never counts more than `n` guesses. An attacker reaches
    /// this number only by guessing between the owner's logins, which reset the consecutive
    /// failures. Without these logins, the account locks after 100 guesses. Of 100,000 simulated
    /// years with random passcodes, 45 let the attacker in: 4.5e-4, with 99 % confidence between
    /// 3.1e-4 and 6.6e-4. The expected share is 3.9e-4.
    ///
    /// Two things add to `n`. Each [`unlock`](crate::Verifier::unlock) adds at most five guesses.
    /// If the clocks of two servers differ, `n` gains the refills of that difference once.
    #[must_use]
    pub fn annual_risk<I>(&self, authenticators: I) -> f64
    where
        I: IntoIterator,
        I::Item: Into<GuessTarget>,
    {
        const YEAR: u64 = 365 * 86_400;
        let refills = YEAR
            .checked_div(self.budget_refill().as_secs())
            .unwrap_or(YEAR);
        let guesses = u64::from(self.budget_burst())
            .saturating_add(refills)
            .saturating_add(self.device_guesses().into());
        #[expect(
            clippy::cast_precision_loss,
            reason = "an estimate, and below 2^53 in any sane policy"
        )]
        let guesses = guesses as f64;
        let (mut hits, mut rows) = (0.0, 0.0);
        for target in authenticators.into_iter().map(Into::into) {
            hits += target.hits(self);
            rows += target.row_chance(self);
        }
        let passcode = hits / f64::from(TRUNCATED);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let space = self.code_format().space() as f64;
        let backup_code = CODE_SETS * f64::from(self.code_format().count()) / space;
        let uncounted = match Digester::is_keyed_for(self.code_format()) {
            true => rows + backup_code,
            false => rows,
        };
        let attempts = UNCOUNTED_PER_SECOND * YEAR as f64;
        (guesses * (passcode + backup_code) + attempts * uncounted).min(1.0)
    }
}
