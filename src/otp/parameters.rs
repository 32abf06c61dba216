//! The parameters of passcodes: hash function, digits, period and window.

use crate::otp::TimeStep;
use core::fmt;
use core::num::NonZeroU64;
use core::ops::RangeInclusive;
use core::str::FromStr;

/// The hash function of the HMAC (RFC 6238, section 1.2).
///
/// SHA-1 is the default of every authenticator app, and the only function that all apps support.
/// HMAC does not need collision resistance, which SHA-1 has lost (RFC 4226, appendix B.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "UPPERCASE")
)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC-SHA-1, with a 20-byte output.
    #[default]
    Sha1,
    /// HMAC-SHA-256, with a 32-byte output.
    Sha256,
    /// HMAC-SHA-512, with a 64-byte output.
    Sha512,
}

impl Algorithm {
    /// Returns the name in a key URI: `SHA1`, `SHA256` or `SHA512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Returns the length of the HMAC in bytes. A secret should have the same length (RFC 6238,
    /// section 5.1).
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = AlgorithmError;

    /// Parses the exact names of the Key URI Format.
    fn from_str(name: &str) -> Result<Self, AlgorithmError> {
        match name {
            "SHA1" => Ok(Self::Sha1),
            "SHA256" => Ok(Self::Sha256),
            "SHA512" => Ok(Self::Sha512),
            _ => Err(AlgorithmError),
        }
    }
}

/// The error for a name other than `SHA1`, `SHA256` and `SHA512`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm is not one of SHA1, SHA256 and SHA512")]
pub struct AlgorithmError;

/// The number of decimal digits in a passcode: 6, 7 or 8 (RFC 4226, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits(u8);

impl Digits {
    /// Six digits, which every authenticator app shows.
    pub const SIX: Self = Self(6);
    /// Seven digits.
    pub const SEVEN: Self = Self(7);
    /// Eight digits.
    pub const EIGHT: Self = Self(8);

    /// Checks a number of digits.
    ///
    /// # Errors
    /// [`DigitsError`] unless `digits` is 6, 7 or 8.
    pub const fn new(digits: u8) -> Result<Self, DigitsError> {
        match digits {
            6..=8 => Ok(Self(digits)),
            _ => Err(DigitsError),
        }
    }

    /// Returns the number of digits.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Returns a truncated HMAC modulo 10^digits (RFC 4226, section 5.3, step 3).
    ///
    /// Each divisor is a constant, so the compiler emits a multiplication. The time of a division
    /// by a number known only at run time would depend on the secret.
    pub(crate) const fn reduce(self, truncated: u32) -> u32 {
        match self.0 {
            6 => truncated % 1_000_000,
            7 => truncated % 10_000_000,
            _ => truncated % 100_000_000,
        }
    }
}

impl Default for Digits {
    fn default() -> Self {
        Self::SIX
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for Digits {
    type Error = DigitsError;

    fn try_from(digits: u8) -> Result<Self, DigitsError> {
        Self::new(digits)
    }
}

/// The error for a number of digits other than 6, 7 and 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of digits is not 6, 7 or 8")]
pub struct DigitsError;

/// The length of a time step in whole seconds: X in RFC 6238, section 4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(NonZeroU64);

impl Period {
    /// Thirty seconds: the default of RFC 6238, and the only period that every app supports.
    pub const THIRTY_SECONDS: Self = match NonZeroU64::new(30) {
        Some(seconds) => Self(seconds),
        None => Self(NonZeroU64::MIN),
    };

    /// Checks a period in seconds.
    ///
    /// # Errors
    /// [`PeriodError`] if `seconds` is 0.
    pub const fn from_secs(seconds: u64) -> Result<Self, PeriodError> {
        match NonZeroU64::new(seconds) {
            Some(seconds) => Ok(Self(seconds)),
            None => Err(PeriodError),
        }
    }

    /// Returns the period in seconds, at least 1.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0.get()
    }

    pub(crate) const fn non_zero(self) -> NonZeroU64 {
        self.0
    }
}

impl Default for Period {
    fn default() -> Self {
        Self::THIRTY_SECONDS
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

/// The error for a period of 0 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the period is 0 seconds; it must be at least 1")]
pub struct PeriodError;

/// The time steps before and after the current one that are accepted (RFC 6238, section 5.2).
///
/// The default is one step on either side. This window tolerates a phone whose clock is wrong by up
/// to 30 s, and a user who types while the passcode changes. Each further step adds a passcode that
/// a guess can match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Window {
    /// Steps before the current one, for a phone whose clock is behind or a user who is slow.
    pub before: u8,
    /// Steps after the current one, for a phone whose clock is ahead.
    pub after: u8,
}

impl Window {
    /// Only the current step.
    pub const EXACT: Self = Self::around(0);

    /// Returns a window with the same number of steps on either side.
    #[must_use]
    pub const fn around(steps: u8) -> Self {
        Self {
            before: steps,
            after: steps,
        }
    }

    /// Returns how many passcodes are accepted at one time: `before + 1 + after`.
    #[must_use]
    pub const fn width(self) -> u16 {
        (self.before as u16)
            .saturating_add(self.after as u16)
            .saturating_add(1)
    }

    /// Returns the numbers of the steps in the window around `current`.
    pub(super) const fn steps(self, current: TimeStep) -> RangeInclusive<u64> {
        let first = current.get().saturating_sub(self.before as u64);
        let last = current.get().saturating_add(self.after as u64);
        first..=last
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::around(1)
    }
}
