//! Confirms an enrollment with the first passcode of its authenticator.

use super::authenticator::Pending;
use super::moving_factor::MovingFactor;
use super::second_factor::{Accepted, Beginnings, SecondFactor, Step};
use crate::constant_time::reveal;
use crate::otp::Code;
use crate::store::WriteKind;
use crate::{AcceptedBy, AuthenticatorId, EnrollmentId, Policy, Rejection, Timestamp};
use core::mem;
use subtle::{Choice, ConstantTimeEq};

impl SecondFactor {
    /// The pending enrollment with this id.
    pub(crate) fn pending(
        &self,
        id: EnrollmentId,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<&Pending, Rejection> {
        let pending = self.pending.as_deref().ok_or(Rejection::NoEnrollment)?;
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
        let moving = match self.check_confirmation(id, code, now, policy) {
            Ok(moving) => moving,
            Err(rejection) => return self.refuse_confirmation(rejection, policy),
        };
        let Some(pending) = self.pending.take() else {
            return Step::Answer(Err(Rejection::NoEnrollment));
        };
        let replaces = pending.replaces;
        let authenticator = pending.into_authenticator(moving, now);
        let by = AcceptedBy::Enrollment {
            id: authenticator.id,
        };
        let mut active = self.authenticators.iter_mut();
        match active.find(|active| Some(active.id) == replaces) {
            Some(place) => {
                let replaced = mem::replace(place, authenticator);
                self.end_replaced(&replaced, now);
                self.devices.clear();
            }
            None => self.authenticators.push(authenticator),
        }
        self.beginnings = Beginnings::new();
        let accepted = self.accepted(by, now);
        Step::Write(self, WriteKind::Enrolled, Ok(accepted))
    }

    /// The moving factor after the passcode that confirms the enrollment.
    fn check_confirmation(
        &self,
        id: EnrollmentId,
        code: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<MovingFactor, Rejection> {
        let pending = self.pending(id, now, policy)?;
        if !code.has_passcode_shape(pending.parameters.digits) {
            return Err(Rejection::Malformed);
        }
        let tries_left = policy
            .enrollment_tries()
            .saturating_sub(pending.wrong.saturating_add(1));
        let moving = pending
            .check(code, now, policy)
            .ok_or(Rejection::WrongConfirmation { tries_left })?;
        self.check_place(pending.replaces, policy)?;
        self.check_other_secret(pending)?;
        Ok(moving)
    }

    /// Counts a wrong passcode, and drops an enrollment that has expired or has no try left.
    fn refuse_confirmation(
        mut self,
        rejection: Rejection,
        policy: &Policy,
    ) -> Step<Result<Accepted, Rejection>> {
        match rejection {
            Rejection::EnrollmentExpired => self.pending = None,
            Rejection::WrongConfirmation { .. } => {
                self.pending = self.pending.take().and_then(|mut pending| {
                    pending.wrong = pending.wrong.saturating_add(1);
                    let has_tries_left = pending.wrong < policy.enrollment_tries();
                    has_tries_left.then_some(pending)
                });
            }
            _ => return Step::Answer(Err(rejection)),
        }
        Step::Write(self, WriteKind::Enrolling, Err(rejection))
    }

    /// Whether the account has room for one more authenticator, or still has the authenticator to
    /// replace.
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
