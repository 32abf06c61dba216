use core::fmt;

/// A point in time: whole seconds since 1970-01-01 00:00:00 UTC, without leap seconds.
///
/// Nothing in this crate below the verifier reads a clock: time is an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const UNIX_EPOCH: Self = Self(0);

    /// A time in seconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The current time of the operating system's clock.
    ///
    /// A time before 1970 counts as [`UNIX_EPOCH`](Self::UNIX_EPOCH).
    ///
    /// ```
    /// use countersign::Timestamp;
    ///
    /// // Right after your application checked the password, for `Proof::Password`:
    /// let checked_at = Timestamp::now();
    /// assert!(checked_at > Timestamp::UNIX_EPOCH);
    /// ```
    ///
    /// # Panics
    /// On `wasm32-unknown-unknown`, which has no clock. Use [`from_unix`](Self::from_unix) there.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        Self::try_from(std::time::SystemTime::now()).unwrap_or(Self::UNIX_EPOCH)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix(self) -> u64 {
        self.0
    }

    /// This time `seconds` later, at most the end of the number line.
    #[must_use]
    pub const fn saturating_add(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The seconds from `earlier` to this time; 0 if `earlier` is later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    /// Writes the seconds since the Unix epoch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(feature = "std")]
impl TryFrom<std::time::SystemTime> for Timestamp {
    type Error = TimestampError;

    fn try_from(time: std::time::SystemTime) -> Result<Self, TimestampError> {
        time.duration_since(std::time::SystemTime::UNIX_EPOCH)
            .map(|since| Self(since.as_secs()))
            .map_err(|_| TimestampError)
    }
}

/// The system's time lies before 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time lies before 1970; set the system's clock")]
pub struct TimestampError;

/// A time step T = floor((now - T0) / X), the counter of TOTP (RFC 6238, section 4.2).
///
/// The steps of two authenticators with different periods have nothing to do with each other, so keep a
/// step beside the authenticator that it was accepted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
pub struct TimeStep(u64);

impl TimeStep {
    /// The step with this number.
    #[must_use]
    pub const fn new(step: u64) -> Self {
        Self(step)
    }

    /// The number of the step.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TimeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn now_is_the_time_of_the_system() {
        let before = Timestamp::try_from(SystemTime::now()).unwrap();
        let now = Timestamp::now();
        assert!((before.as_unix()..=before.as_unix() + 60).contains(&now.as_unix()));
    }
}
