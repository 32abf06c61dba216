use super::moving_factor::{MovingFactor, Parameters};
use super::rate_limit::is_clock_fault;
use crate::constant_time::reveal;
pub(super) use crate::names::{IdError, parse_hex, write_hex};
use crate::otp::{Code, PasscodeMatch, Secret};
use crate::{AuthenticatorId, AuthenticatorName, Policy, Timestamp};
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use subtle::ConstantTimeEq;

/// An active authenticator.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) id: AuthenticatorId,
    pub(crate) name: AuthenticatorName,
    pub(crate) secret: Secret,
    pub(crate) parameters: Parameters,
    pub(crate) added_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) moving: MovingFactor,
    /// Whether the authenticator comes from another system.
    pub(crate) imported: bool,
}

impl Authenticator {
    /// Compares a code with the passcodes that count now. Marks a match as used.
    pub(super) fn check(
        &mut self,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> PasscodeMatch<()> {
        self.moving
            .check(self.parameters, &self.secret, code, now, policy)
            .map(|moved| {
                self.moving = moved;
                self.last_used_at = self.last_used_at.max(Some(now));
            })
    }
}

/// The id of one pending enrollment: 128 random bits, written as 32 hexadecimal digits.
///
/// With this id, anybody can read the new secret while the enrollment is pending. Keep the id in
/// the session on the server. A new enrollment of the account ends the enrollment with this id.
/// `Debug` does not show the id.
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

/// An enrollment that is not confirmed. Its passcodes are not valid for a login yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: EnrollmentId,
    pub(crate) authenticator_id: AuthenticatorId,
    pub(crate) name: AuthenticatorName,
    pub(crate) account_name: String,
    pub(crate) issuer: String,
    pub(crate) secret: Secret,
    pub(crate) parameters: Parameters,
    pub(crate) moving: MovingFactor,
    pub(crate) replaces: Option<AuthenticatorId>,
    pub(crate) begun_at: Timestamp,
    pub(crate) wrong: u8,
}

impl Pending {
    /// Whether the enrollment is too old, or began so far in the future that a clock was wrong.
    pub(super) fn is_expired(&self, now: Timestamp, policy: &Policy) -> bool {
        now.saturating_since(self.begun_at) > policy.enrollment_age().as_secs()
            || is_clock_fault(self.begun_at, now)
    }

    /// The moving factor after the passcode that confirms the enrollment, if the code is one.
    pub(super) fn check(
        &self,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Option<MovingFactor> {
        let (parameters, secret) = (self.parameters, &self.secret);
        match self.moving.check(parameters, secret, code, now, policy) {
            PasscodeMatch::Unused(moved) => Some(moved),
            PasscodeMatch::Used | PasscodeMatch::None => None,
        }
    }

    pub(super) fn into_authenticator(self, moving: MovingFactor, now: Timestamp) -> Authenticator {
        Authenticator {
            id: self.authenticator_id,
            name: self.name,
            secret: self.secret,
            parameters: self.parameters,
            added_at: now,
            last_used_at: Some(now),
            moving,
            imported: false,
        }
    }
}
