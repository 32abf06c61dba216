//! Changes of a second factor, each made in one step with the proof that it needs.

use super::attempt::Judgement;
use super::proof::fresh;
use super::{Beginnings, Evidence, IssueRightId, Pending, SecondFactor};
use crate::backup::BackupCodeSet;
use crate::backup::{HashJob, Hashes};
use crate::constant_time::reveal;
use crate::otp::Code;
use crate::store::WriteKind;
use crate::{
    AcceptedBy, AccountId, AuthenticatorId, AuthenticatorName, EnrollmentId, Policy, Rejection,
    Timestamp,
};
use alloc::boxed::Box;
use subtle::{Choice, ConstantTimeEq};

/// What is done once the proof is accepted.
#[derive(Debug)]
pub(crate) enum Change {
    /// Nothing: the attempt is a login.
    LogIn,
    /// Begins an enrollment.
    Begin(Box<Beginning>),
    /// Grants the right to issue backup codes.
    Issue(IssueRightId),
    /// Removes one authenticator.
    Remove(AuthenticatorId),
    /// Removes all of them, and what belongs to them.
    Disable,
}

/// An enrollment to begin.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) pending: Pending,
    /// Whether the name was chosen. If not, it is that of the replaced authenticator, or a numbered one.
    pub(crate) named: bool,
}

/// The digest of an attempt whose failure is on record.
#[derive(Debug)]
pub(crate) struct Paid {
    pub(crate) digests: Hashes,
    /// The salt of the set that it was computed for.
    pub(crate) set: [u8; 16],
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing has changed: report.
    Answer(Outcome),
    /// Write the state, and report when that is on record.
    Write(WriteKind, Outcome),
}

/// What a step comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Accepted; by what, where a passcode was the proof.
    Accepted {
        at: Timestamp,
        by: Option<AcceptedBy>,
        /// Whether an authenticator is active afterwards.
        enabled: bool,
    },
    /// Not accepted.
    Rejected(Rejection),
    /// Counted as a failure until this digest is compared.
    Digest { job: HashJob, set: [u8; 16] },
}

impl Step {
    const fn reject(rejection: Rejection) -> Self {
        Self::Answer(Outcome::Rejected(rejection))
    }
}

impl SecondFactor {
    /// Judges the evidence and, if it is accepted, makes the change. After [`Step::Answer`] the state is not
    /// to be used again.
    pub(crate) fn change(
        &mut self,
        account: &AccountId,
        change: &Change,
        evidence: &Evidence,
        paid: Option<&Paid>,
        now: Timestamp,
        policy: &Policy,
    ) -> Step {
        if let Err(rejection) = self.may(change, evidence, now, policy) {
            return Step::reject(rejection);
        }
        match self.prove(account, evidence, paid, now, policy) {
            Ok(by) => {
                let kind = self.apply(change, now);
                Step::Write(kind, self.accepted(by, now))
            }
            Err(step) => step,
        }
    }

    /// Whether the change could be made if the evidence were accepted.
    fn may(
        &self,
        change: &Change,
        evidence: &Evidence,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        match change {
            Change::LogIn => Ok(()),
            Change::Begin(beginning) => self.may_begin(beginning, policy),
            Change::Issue(_) | Change::Disable if !self.is_enabled() => Err(Rejection::Disabled),
            Change::Issue(_) | Change::Disable => Ok(()),
            Change::Remove(id) => self.has(*id),
        }?;
        match evidence {
            Evidence::Password { .. } if self.is_enabled() => Err(Rejection::ProofTooWeak),
            _ => Ok(()),
        }?;
        match change {
            Change::Begin(_) => {
                self.beginnings
                    .admit(now, |retry_after| Rejection::TooManyEnrollments {
                        retry_after,
                    })
            }
            Change::Issue(_) => self.issuing.admit(now),
            Change::LogIn | Change::Remove(_) | Change::Disable => Ok(()),
        }
    }

    fn may_begin(
        &self,
        Beginning { pending, named }: &Beginning,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        match pending.replaces {
            Some(id) => self.has(id),
            None => self.has_room(policy),
        }?;
        if *named && self.has_other_named(&pending.name, pending.replaces) {
            return Err(Rejection::NameInUse);
        }
        Ok(())
    }

    /// Whether an authenticator that stays has this name.
    fn has_other_named(&self, name: &AuthenticatorName, replaced: Option<AuthenticatorId>) -> bool {
        self.authenticators
            .iter()
            .any(|active| active.name == *name && Some(active.id) != replaced)
    }

    pub(super) fn has(&self, id: AuthenticatorId) -> Result<(), Rejection> {
        let found = self
            .authenticators
            .iter()
            .any(|authenticator| authenticator.id == id);
        found.then_some(()).ok_or(Rejection::UnknownAuthenticator)
    }

    fn has_room(&self, policy: &Policy) -> Result<(), Rejection> {
        let maximum = policy.max_authenticators();
        let room = self.authenticators.len() < usize::from(maximum);
        room.then_some(())
            .ok_or(Rejection::TooManyAuthenticators { maximum })
    }

    fn prove(
        &mut self,
        account: &AccountId,
        evidence: &Evidence,
        paid: Option<&Paid>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Option<AcceptedBy>, Step> {
        let judgement = match (evidence, paid) {
            (Evidence::Code(_), Some(paid)) => self.settle(paid, now, policy),
            (Evidence::Code(passcode), None) => self.attempt(passcode, now, policy),
            (
                Evidence::Reauthenticated {
                    password_checked_at,
                    receipt,
                },
                _,
            ) => {
                return self
                    .reauthenticate(account, *password_checked_at, receipt, now, policy)
                    .map(|()| None)
                    .map_err(Step::reject);
            }
            (Evidence::Password { checked_at }, _) => {
                return fresh(*checked_at, now, policy)
                    .map(|()| None)
                    .map_err(Step::reject);
            }
        };
        match judgement {
            Judgement::Accepted(by) => Ok(Some(by)),
            Judgement::Refused(rejection) => Err(Step::reject(rejection)),
            Judgement::Counted(rejection) => Err(Step::Write(
                WriteKind::Rejected,
                Outcome::Rejected(rejection),
            )),
            Judgement::Reserved { job, set } => Err(Step::Write(
                WriteKind::Reserved,
                Outcome::Digest { job, set },
            )),
        }
    }

    fn apply(&mut self, change: &Change, now: Timestamp) -> WriteKind {
        match change {
            Change::LogIn => WriteKind::Accepted,
            Change::Begin(beginning) => {
                self.begin(beginning, now);
                WriteKind::Enrolling
            }
            Change::Issue(id) => {
                self.issuing.grant(*id, now);
                WriteKind::Issuing
            }
            Change::Remove(id) => self.remove(*id),
            Change::Disable => {
                self.clear();
                WriteKind::Disabled
            }
        }
    }

    fn begin(&mut self, Beginning { pending, named }: &Beginning, now: Timestamp) {
        let mut active = self.authenticators.iter();
        let replaced = active.find(|active| Some(active.id) == pending.replaces);
        let name = match replaced {
            _ if *named => pending.name.clone(),
            Some(replaced) => replaced.name.clone(),
            None => AuthenticatorName::first_free(|name| self.has_other_named(name, None)),
        };
        self.beginnings.add(now);
        self.pending = Some(Pending {
            name,
            begun_at: now,
            ..pending.clone()
        });
    }

    /// Stores the backup codes that a right was granted for.
    pub(crate) fn issue(
        &mut self,
        right: IssueRightId,
        ledger: BackupCodeSet,
        now: Timestamp,
    ) -> Step {
        if !self.is_enabled() {
            return Step::reject(Rejection::Disabled);
        }
        match self.issuing.redeem(right, now) {
            Ok(()) => {
                self.ledger = Some(ledger);
                Step::Write(WriteKind::Issued, self.accepted(None, now))
            }
            Err(rejection) => Step::reject(rejection),
        }
    }

    fn remove(&mut self, id: AuthenticatorId) -> WriteKind {
        self.authenticators
            .retain(|authenticator| authenticator.id != id);
        if !self.is_enabled() {
            self.clear();
            return WriteKind::Disabled;
        }
        self.pending.take_if(|pending| pending.replaces == Some(id));
        WriteKind::Removed
    }

    /// Makes the pending authenticator an active one, if the passcode is its own.
    pub(crate) fn confirm(
        &mut self,
        id: EnrollmentId,
        passcode: &Code,
        now: Timestamp,
        policy: &Policy,
    ) -> Step {
        let pending = match self.pending(id, now, policy) {
            Ok(pending) => pending,
            Err(Rejection::EnrollmentExpired) => {
                self.pending = None;
                return Step::Write(
                    WriteKind::Enrolling,
                    Outcome::Rejected(Rejection::EnrollmentExpired),
                );
            }
            Err(rejection) => return Step::reject(rejection),
        };
        if !passcode.has_passcode_shape(pending.parameters.digits) {
            return Step::reject(Rejection::Malformed);
        }
        let Some(step) = pending.matching_step(passcode, now, policy) else {
            return Step::Write(
                WriteKind::Enrolling,
                Outcome::Rejected(self.count_wrong_confirmation(policy)),
            );
        };
        let fits = match pending.replaces {
            Some(replaced) => self.has(replaced),
            None => self.has_room(policy),
        };
        if let Err(rejection) = fits.and_then(|()| self.has_no_secret_of(pending)) {
            return Step::reject(rejection);
        }
        let Some(pending) = self.pending.take() else {
            return Step::reject(Rejection::NoEnrollment);
        };
        let replaces = pending.replaces;
        let authenticator = pending.into_authenticator(step, now);
        let by = AcceptedBy::Enrollment {
            id: authenticator.id,
        };
        match self
            .authenticators
            .iter_mut()
            .find(|active| Some(active.id) == replaces)
        {
            Some(replaced) => *replaced = authenticator,
            None => self.authenticators.push(authenticator),
        }
        self.beginnings = Beginnings::new();
        Step::Write(WriteKind::Enrolled, self.accepted(Some(by), now))
    }

    fn accepted(&self, by: Option<AcceptedBy>, at: Timestamp) -> Outcome {
        Outcome::Accepted {
            at,
            by,
            enabled: self.is_enabled(),
        }
    }

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

    fn count_wrong_confirmation(&mut self, policy: &Policy) -> Rejection {
        let wrong = self.pending.as_mut().map_or(u8::MAX, |pending| {
            pending.wrong = pending.wrong.saturating_add(1);
            pending.wrong
        });
        let tries_left = policy.enrollment_tries().saturating_sub(wrong);
        if tries_left == 0 {
            self.pending = None;
        }
        Rejection::WrongConfirmation { tries_left }
    }

    fn has_no_secret_of(&self, pending: &Pending) -> Result<(), Rejection> {
        let secret = pending.secret.expose();
        let same = self
            .authenticators
            .iter()
            .fold(Choice::from(0), |same, active| {
                same | active.secret.expose().ct_eq(secret)
            });
        (!reveal(same)).then_some(()).ok_or(Rejection::SecretInUse)
    }
}
