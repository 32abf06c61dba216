use super::attempt::Accepted;
use super::authenticator::{IdError, parse_hex, write_hex};
use super::rate_limit::is_clock_fault;
use super::{Authenticator, Beginnings, Parameters, SecondFactor, Step};
use crate::constant_time::reveal;
use crate::otp::{Code, Secret, StepMatch, TimeStep};
use crate::store::WriteKind;
use crate::{AcceptedBy, AuthenticatorId, AuthenticatorName, Policy, Rejection, Timestamp};
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use subtle::{Choice, ConstantTimeEq};

/// The id of one pending enrollment: 128 random bits, as text 32 hexadecimal digits.
///
/// With this id, anybody can read the new secret while the enrollment is pending. Keep it in the
/// session on the server. A new enrollment of the account ends this one. `Debug` does not show the
/// id.
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

/// An enrollment that is not confirmed. Its secret accepts nothing yet.
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
    /// Whether it is too old, or begun so far in the future that a clock was wrong.
    fn is_expired(&self, now: Timestamp, policy: &Policy) -> bool {
        now.saturating_since(self.begun_at) > policy.enrollment_age().as_secs()
            || is_clock_fault(self.begun_at, now)
    }

    fn matching_step(&self, code: &Code, now: Timestamp, policy: &Policy) -> Option<TimeStep> {
        let totp = self.parameters.totp(&self.secret);
        match totp.match_step(code, now, policy.window(), None) {
            StepMatch::Unused(step) => Some(step),
            StepMatch::Used | StepMatch::None => None,
        }
    }

    fn into_authenticator(self, step: TimeStep, now: Timestamp) -> Authenticator {
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

impl SecondFactor {
    /// The pending enrollment with this id.
    pub(crate) fn pending(
        &self,
        id: EnrollmentId,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<&Pending, Rejection> {
        let pending = self.pending.as_ref().ok_or(Rejection::NoEnrollment)?;
        if pending.id != id {
            return Err(Rejection::EnrollmentSuperseded);
        }
        if pending.is_expired(now, policy) {
            return Err(Rejection::EnrollmentExpired);
        }
        Ok(pending)
    }

    /// Makes the pending authenticator an active one, if the code is its passcode.
    pub(crate) fn confirm(
        mut self,
        id: EnrollmentId,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Result<Accepted, Rejection>> {
        let step = match self.check_confirmation(id, code, now, policy) {
            Ok(step) => step,
            Err(rejection) => return self.refuse_confirmation(rejection, policy),
        };
        let Some(pending) = self.pending.take() else {
            return Step::Answer(Err(Rejection::NoEnrollment));
        };
        let replaces = pending.replaces;
        let authenticator = pending.into_authenticator(step, now);
        let by = AcceptedBy::Enrollment {
            id: authenticator.id,
        };
        let mut active = self.authenticators.iter_mut();
        match active.find(|active| Some(active.id) == replaces) {
            Some(replaced) => *replaced = authenticator,
            None => self.authenticators.push(authenticator),
        }
        self.beginnings = Beginnings::new();
        Step::Write(self, WriteKind::Enrolled, Ok(Accepted { by, at: now }))
    }

    /// The time step of a passcode that confirms the enrollment.
    fn check_confirmation(
        &self,
        id: EnrollmentId,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<TimeStep, Rejection> {
        let pending = self.pending(id, now, policy)?;
        if !code.has_passcode_shape(pending.parameters.digits) {
            return Err(Rejection::Malformed);
        }
        let tries_left = policy
            .enrollment_tries()
            .saturating_sub(pending.wrong.saturating_add(1));
        let step = pending
            .matching_step(code, now, policy)
            .ok_or(Rejection::WrongConfirmation { tries_left })?;
        self.check_place(pending.replaces, policy)?;
        self.check_other_secret(pending)?;
        Ok(step)
    }

    /// Counts a wrong passcode, and drops an enrollment that is over.
    fn refuse_confirmation(
        mut self,
        rejection: Rejection,
        policy: &Policy,
    ) -> Step<Result<Accepted, Rejection>> {
        match rejection {
            Rejection::EnrollmentExpired => self.pending = None,
            Rejection::WrongConfirmation { .. } => {
                self.pending = self.pending.take().and_then(|pending| {
                    let wrong = pending.wrong.saturating_add(1);
                    let has_tries_left = wrong < policy.enrollment_tries();
                    has_tries_left.then_some(Pending { wrong, ..pending })
                });
            }
            _ => return Step::Answer(Err(rejection)),
        }
        Step::Write(self, WriteKind::Enrolling, Err(rejection))
    }

    /// Whether there is room for one more authenticator, or the one to replace is there.
    pub(super) fn check_place(
        &self,
        replaces: Option<AuthenticatorId>,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        let maximum = policy.max_authenticators();
        match replaces {
            Some(id) => self.check_authenticator(id),
            None if self.authenticators.len() < usize::from(maximum) => Ok(()),
            None => Err(Rejection::TooManyAuthenticators { maximum }),
        }
    }

    /// Whether no active authenticator has the secret of the pending one.
    fn check_other_secret(&self, pending: &Pending) -> Result<(), Rejection> {
        let secret = pending.secret.expose();
        let secrets = self.authenticators.iter().map(|active| &active.secret);
        let same = secrets.fold(Choice::from(0), |same, other| {
            same | other.expose().ct_eq(secret)
        });
        if reveal(same) {
            return Err(Rejection::SecretInUse);
        }
        Ok(())
    }
}
