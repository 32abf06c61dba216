use super::authenticator::{IdError, parse_hex, write_hex};
use super::rate_limit::is_clock_fault;
use super::{Authenticator, Parameters};
use crate::constant_time::reveal;
use crate::otp::StepMatch;
use crate::otp::{Code, Secret, TimeStep};
use crate::{AuthenticatorId, AuthenticatorName, Policy, Timestamp};
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use subtle::ConstantTimeEq;

/// Names one beginning of an enrollment: 128 random bits, 32 hexadecimal digits as text.
///
/// Whoever has it can read the new secret while the enrollment is pending, so keep it in the server's
/// session. Beginning again makes it void. `Debug` does not show it.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct EnrollmentId([u8; 16]);

impl EnrollmentId {
    pub(crate) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl PartialEq for EnrollmentId {
    fn eq(&self, other: &Self) -> bool {
        reveal(self.0.ct_eq(&other.0))
    }
}

impl Eq for EnrollmentId {}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrollmentId").finish_non_exhaustive()
    }
}

impl FromStr for EnrollmentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

impl TryFrom<String> for EnrollmentId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<EnrollmentId> for String {
    fn from(id: EnrollmentId) -> Self {
        alloc::format!("{id}")
    }
}

/// An enrollment that is begun and not confirmed. Its secret accepts nothing.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: EnrollmentId,
    pub(crate) authenticator_id: AuthenticatorId,
    pub(crate) name: AuthenticatorName,
    pub(crate) account_name: String,
    pub(crate) issuer: String,
    pub(crate) secret: Secret,
    pub(crate) parameters: Parameters,
    pub(crate) replaces: Option<AuthenticatorId>,
    pub(crate) begun_at: Timestamp,
    pub(crate) wrong: u8,
}

impl Pending {
    /// Whether it is too old, or begun so far ahead that a clock was wrong.
    pub(super) fn is_expired(&self, now: Timestamp, policy: &Policy) -> bool {
        now.saturating_since(self.begun_at) > policy.enrollment_age().as_secs()
            || is_clock_fault(self.begun_at, now)
    }

    pub(super) fn matching_step(
        &self,
        passcode: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<TimeStep> {
        match self
            .parameters
            .totp(&self.secret)
            .match_step(passcode, now, policy.window(), None)
        {
            StepMatch::Unused(step) => Some(step),
            StepMatch::Used | StepMatch::None => None,
        }
    }

    pub(super) fn into_authenticator(self, step: TimeStep, now: Timestamp) -> Authenticator {
        Authenticator {
            id: self.authenticator_id,
            name: self.name,
            secret: self.secret,
            parameters: self.parameters,
            added_at: now,
            last_used_at: Some(now),
            last_step: Some(step),
        }
    }
}
