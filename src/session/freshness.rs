use super::passed::{SecondFactorUse, SignInFactors};
use crate::Timestamp;
use crate::factor::rate_limit::is_recent;

/// How old the factors of a sign-in may be for an act: `max_age` of RFC 9470.
///
/// ```
/// use countersign::session::Freshness;
///
/// // The user entered a code within the last five minutes.
/// let transfer = Freshness::minutes(5).with_second_factor();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    max_age: u64,
    second_factor: bool,
}

impl Freshness {
    /// The first factor is at most this old, and so is the second factor of an account that has
    /// one.
    #[must_use]
    pub const fn minutes(minutes: u32) -> Self {
        Self::seconds((minutes as u64).saturating_mul(60))
    }

    /// The same, in seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self {
            max_age: seconds,
            second_factor: false,
        }
    }

    /// The same, and the sign-in has a second factor.
    #[must_use]
    pub const fn with_second_factor(self) -> Self {
        Self {
            second_factor: true,
            ..self
        }
    }

    /// Returns what the user must do first.
    ///
    /// # Errors
    /// [`StepUp`].
    pub const fn check(&self, factors: &SignInFactors, now: Timestamp) -> Result<(), StepUp> {
        let has_second = !matches!(factors.second, SecondFactorUse::None);
        if self.second_factor && !has_second {
            return Err(StepUp::Enroll);
        }
        let has_code = !matches!(factors.second, SecondFactorUse::TrustedDevice);
        if has_second && !(has_code && self.is_fresh(factors.second_at, now)) {
            return Err(StepUp::EnterCode);
        }
        if !factors.first.kind.needs_user() || !self.is_fresh(factors.first.at, now) {
            return Err(StepUp::FirstFactor);
        }
        Ok(())
    }

    /// Whether a factor that was checked at this time is fresh. The time may lie up to 10 s ahead,
    /// because the clocks of two servers differ.
    #[must_use]
    pub const fn is_fresh(&self, at: Timestamp, now: Timestamp) -> bool {
        is_recent(at, now, self.max_age)
    }
}

/// What a user must do before an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepUp {
    /// Check the first factor again.
    #[error("the first factor was checked too long ago; ask for it again")]
    FirstFactor,
    /// Ask for a code.
    #[error("the second factor was checked too long ago; ask for a code")]
    EnterCode,
    /// Enroll.
    #[error("the sign-in has no second factor; ask the user to enroll")]
    Enroll,
}
