//! Changes of a second factor, each made in one step with the proof that it needs.

use super::attempt::Judgement;
use super::proof::{fresh, reauthenticated};
use super::{Evidence, Pending, SecondFactor};
use crate::backup::{DigestJob, Digests};
use crate::otp::verdict;
use crate::{
    AcceptedBy, AccountId, AuthenticatorId, BackupCodes, EnrollmentId, Ledger, Passcode, Policy,
    Rejection, SwapKind, Timestamp,
};
use alloc::boxed::Box;
use subtle::{Choice, ConstantTimeEq};

/// What is done once the proof is accepted.
#[derive(Debug)]
pub(crate) enum Change<'a> {
    /// Nothing: the attempt is a login.
    LogIn,
    /// Begins an enrollment.
    Begin(Box<Pending>),
    /// Issues backup codes. The ledger is made only when the proof is accepted, because it costs one slow
    /// digest a code.
    Issue {
        codes: &'a BackupCodes,
        ledger: Option<Ledger>,
    },
    /// Removes one authenticator.
    Remove(AuthenticatorId),
    /// Removes all of them, and what belongs to them.
    Disable,
}

impl Change<'_> {
    /// What the host called for.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::LogIn => "verify",
            Self::Begin(_) => "begin_enrollment",
            Self::Issue { .. } => "issue_backup_codes",
            Self::Remove(_) => "remove_authenticator",
            Self::Disable => "disable",
        }
    }
}

/// The digest of an attempt whose failure is on record.
#[derive(Debug)]
pub(crate) struct Paid {
    pub(crate) digests: Digests,
    /// The salt of the set that it was computed for.
    pub(crate) set: [u8; 16],
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing has changed: report.
    Answer(Outcome),
    /// Write the state, and report when that is on record.
    Write(SwapKind, Outcome),
}

/// What a step comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Accepted; by what, where a passcode was the proof.
    Accepted {
        at: Timestamp,
        by: Option<AcceptedBy>,
    },
    /// Not accepted.
    Rejected(Rejection),
    /// Counted as a failure until this digest is compared.
    Digest { job: DigestJob, set: [u8; 16] },
    /// Would be accepted: make the ledger of [`Change::Issue`], and come again with the same time.
    MakeLedger { at: Timestamp },
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
        change: &Change<'_>,
        evidence: &Evidence<'_>,
        paid: Option<&Paid>,
        now: Timestamp,
        policy: &Policy,
    ) -> Step {
        if let Err(rejection) = self.may(change, evidence, policy) {
            return Step::reject(rejection);
        }
        match self.prove(account, evidence, paid, now, policy) {
            Ok(_) if matches!(change, Change::Issue { ledger: None, .. }) => {
                Step::Answer(Outcome::MakeLedger { at: now })
            }
            Ok(by) => Step::Write(self.apply(change, now), Outcome::Accepted { at: now, by }),
            Err(step) => step,
        }
    }

    /// Whether the change could be made if the evidence were accepted.
    fn may(
        &self,
        change: &Change<'_>,
        evidence: &Evidence<'_>,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        match change {
            Change::LogIn => Ok(()),
            Change::Begin(pending) => match pending.replaces {
                Some(id) => self.has(id),
                None => self.has_room(policy),
            },
            Change::Issue { .. } | Change::Disable if !self.is_enabled() => {
                Err(Rejection::Disabled)
            }
            Change::Issue { .. } | Change::Disable => Ok(()),
            Change::Remove(id) => self.has(*id),
        }?;
        match evidence {
            Evidence::Password { .. } if self.is_enabled() => Err(Rejection::ProofTooWeak),
            _ => Ok(()),
        }
    }

    fn has(&self, id: AuthenticatorId) -> Result<(), Rejection> {
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
        evidence: &Evidence<'_>,
        paid: Option<&Paid>,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Option<AcceptedBy>, Step> {
        let judgement = match (evidence, paid) {
            (Evidence::Passcode(_), Some(paid)) => self.settle(paid, now, policy),
            (Evidence::Passcode(passcode), None) => self.attempt(passcode, now, policy),
            (
                Evidence::Reauthenticated {
                    password_checked_at,
                    receipt,
                },
                _,
            ) => {
                return reauthenticated(account, *password_checked_at, receipt, now, policy)
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
            Judgement::Counted(rejection) => {
                let kind = match rejection {
                    Rejection::ClockFault => SwapKind::Adjusted,
                    _ => SwapKind::Rejected,
                };
                Err(Step::Write(kind, Outcome::Rejected(rejection)))
            }
            Judgement::Reserved { job, set } => Err(Step::Write(
                SwapKind::Reserved,
                Outcome::Digest { job, set },
            )),
        }
    }

    fn apply(&mut self, change: &Change<'_>, now: Timestamp) -> SwapKind {
        match change {
            Change::LogIn => SwapKind::Accepted,
            Change::Begin(pending) => {
                self.pending = Some(Pending {
                    begun_at: now,
                    ..Pending::clone(pending)
                });
                SwapKind::Enrolling
            }
            Change::Issue { ledger, .. } => {
                self.ledger.clone_from(ledger);
                SwapKind::Issued
            }
            Change::Remove(id) => self.remove(*id),
            Change::Disable => {
                self.clear();
                SwapKind::Disabled
            }
        }
    }

    fn remove(&mut self, id: AuthenticatorId) -> SwapKind {
        self.authenticators
            .retain(|authenticator| authenticator.id != id);
        if !self.is_enabled() {
            self.clear();
            return SwapKind::Disabled;
        }
        self.pending.take_if(|pending| pending.replaces == Some(id));
        SwapKind::Removed
    }

    /// Makes the pending authenticator an active one, if the passcode is its own.
    pub(crate) fn confirm(
        &mut self,
        id: EnrollmentId,
        passcode: &Passcode,
        now: Timestamp,
        policy: &Policy,
    ) -> Step {
        let pending = match self.pending(id, now, policy) {
            Ok(pending) => pending,
            Err(Rejection::EnrollmentExpired) => {
                self.pending = None;
                return Step::Write(
                    SwapKind::Enrolling,
                    Outcome::Rejected(Rejection::EnrollmentExpired),
                );
            }
            Err(rejection) => return Step::reject(rejection),
        };
        if !passcode.fits(pending.parameters.digits) {
            return Step::reject(Rejection::Malformed);
        }
        let Some(step) = pending.matching_step(passcode, now, policy) else {
            return Step::Write(
                SwapKind::Enrolling,
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
        Step::Write(
            SwapKind::Enrolled,
            Outcome::Accepted {
                at: now,
                by: Some(by),
            },
        )
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
        (!verdict(same)).then_some(()).ok_or(Rejection::SecretInUse)
    }

    /// Ends a wait, a lock and a spent budget without a proof.
    pub(crate) fn unlock(&mut self, now: Timestamp, policy: &Policy) -> SwapKind {
        self.throttle.unlock(now, policy);
        SwapKind::Unlocked
    }

    /// Removes all authenticators without a proof.
    pub(crate) fn force_disable(&mut self) -> SwapKind {
        self.clear();
        self.throttle.succeed();
        SwapKind::Disabled
    }
}
