use super::passed::{SecondFactorUse, SignInFactors};
use crate::Timestamp;
use crate::factor::rate_limit::is_recent;
use alloc::format;
use alloc::string::String;

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
    acr: Option<&'static str>,
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
            acr: None,
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

    /// The same, and a challenge names these classes of authentication: `acr_values` of RFC 9470,
    /// with a space between two values.
    ///
    /// Your clients must know the values. The check of the factors does not use them.
    #[must_use]
    pub const fn with_acr(self, values: &'static str) -> Self {
        Self {
            acr: Some(values),
            ..self
        }
    }

    /// Returns the challenge for a client of an API whose factors are not enough: the value of the
    /// header `WWW-Authenticate`, for an answer with status 401 (RFC 9470, section 3).
    ///
    /// ```
    /// use countersign::session::Freshness;
    ///
    /// let transfer = Freshness::minutes(5).with_second_factor().with_acr("mfa");
    /// assert_eq!(
    ///     transfer.challenge(),
    ///     "Bearer error=\"insufficient_user_authentication\", \
    ///      error_description=\"the factors of the sign-in are missing or too old\", \
    ///      acr_values=\"mfa\", max_age=\"300\"",
    /// );
    /// ```
    #[must_use]
    pub fn challenge(&self) -> String {
        let mut challenge = String::from(CHALLENGE);
        if let Some(values) = self.acr {
            // These characters need no escape in a quoted string (RFC 9110, section 5.6.4).
            let plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
            challenge.push_str(", acr_values=\"");
            challenge.extend(values.chars().filter(plain));
            challenge.push('"');
        }
        challenge.push_str(&format!(", max_age=\"{}\"", self.max_age));
        challenge
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
        if has_second && !self.is_fresh(factors.second_at, now) {
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

const CHALLENGE: &str = "Bearer error=\"insufficient_user_authentication\", \
    error_description=\"the factors of the sign-in are missing or too old\"";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_names_age_and_classes() {
        let plain = Freshness::seconds(90).challenge();
        assert_eq!(plain, format!("{CHALLENGE}, max_age=\"90\""));
        let named = Freshness::minutes(1).with_acr("urn:a b\"\\\r\n\u{e9}");
        let expected = format!("{CHALLENGE}, acr_values=\"urn:a b\", max_age=\"60\"");
        assert_eq!(named.challenge(), expected);
    }
}
