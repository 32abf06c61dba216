use core::fmt;

/// How many decimal digits a passcode has: 6, 7 or 8 (RFC 4226, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits(u8);

impl Digits {
    /// Six digits: what every authenticator app shows.
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

    /// The number of digits.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// A truncated HMAC modulo 10^digits (RFC 4226, section 5.3, step 3).
    ///
    /// Each divisor is a constant, so that the compiler multiplies: a division by a number known only
    /// at run time would take a time that depends on the secret.
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

/// The number of digits is not 6, 7 or 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of digits is not 6, 7 or 8")]
pub struct DigitsError;
