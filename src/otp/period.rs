use core::fmt;
use core::num::NonZeroU64;

/// How long a time step lasts, in whole seconds: X in RFC 6238, section 4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(NonZeroU64);

impl Period {
    /// Thirty seconds: the default of RFC 6238, and the only period that every app knows.
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

    /// The period in seconds, at least 1.
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

/// The period is 0 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the period is 0 seconds; it must be at least 1")]
pub struct PeriodError;
