//! Changes of a second factor. Each change checks its proof in the same step.

use super::action_limits::IssueRightId;
use super::attempt::{Progress, Refusal};
use super::authenticator::Pending;
use super::code_set::CodeSet;
use super::ended::EndReason;
use super::proof::{AcceptedBy, Evidence, FirstFactor, Receipt};
use super::rate_limit::is_recent;
use super::second_factor::{Outcome, SecondFactor, Step};
use crate::backup::Digester;
use crate::store::WriteKind;
use crate::{AccountId, AuthenticatorId, AuthenticatorName, Policy, Rejection, Timestamp};
use alloc::boxed::Box;

/// The change to make after the proof is accepted.
#[derive(Debug)]
pub(crate) enum Change {
    /// Begins an enrollment.
    Begin(Box<NewEnrollment>),
    /// Grants the right to issue backup codes.
    GrantIssue(IssueRightId),
    /// Removes one authenticator.
    Remove(AuthenticatorId),
    /// Removes one authenticator, unless it is the last one.
    RemoveUnlessLast(AuthenticatorId),
    /// Removes all authenticators, and what belongs to them.
    Disable,
}

/// An enrollment to begin.
#[derive(Debug)]
pub(crate) struct NewEnrollment {
    pub(crate) pending: Pending,
    /// Whether the caller chose the name. Otherwise the new authenticator gets the name of the
    /// replaced authenticator, or a numbered name.
    pub(crate) named: bool,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    pub(crate) at: Timestamp,
    /// The digester of a new set of backup codes that is to be pending.
    pub(crate) digester: Option<Digester>,
    /// What accepted the proof, if it was a code.
    pub(crate) by: Option<AcceptedBy>,
    /// How many authenticators are active afterwards.
    pub(crate) authenticators: u8,
    /// How many backup codes are unused afterwards.
    pub(crate) backup_codes: u8,
}

impl SecondFactor {
    /// Checks the proof and, if it is accepted, makes the change.
    pub(crate) fn change(
        mut self,
        account: &AccountId,
        change: &Change,
        evidence: &Evidence,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Step<Outcome<Changed>> {
        let proven = self
            .check_allowed(change, evidence, now, policy)
            .map_err(Refusal::Unchanged)
            .and_then(|()| self.prove(account, evidence, progress, now, policy));
        match proven {
            Ok(by) => {
                let kind = self.apply(change, now);
                let changed = Changed {
                    at: now,
                    digester: match change {
                        Change::GrantIssue(_) => self.digester_to_share(policy),
                        _ => None,
                    },
                    by,
                    authenticators: u8::try_from(self.authenticators.len()).unwrap_or(u8::MAX),
                    backup_codes: u8::try_from(self.codes_left()).unwrap_or(u8::MAX),
                };
                Step::Write(self, kind, Outcome::Accepted(changed))
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Whether the change could be made if the proof were accepted.
    fn check_allowed(
        &self,
        change: &Change,
        evidence: &Evidence,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        match change {
            Change::Begin(new) => self.check_new_enrollment(new, policy)?,
            Change::GrantIssue(_) | Change::Disable if !self.is_enabled() => {
                return Err(Rejection::Disabled);
            }
            Change::GrantIssue(_) | Change::Disable => {}
            Change::Remove(id) => self.check_authenticator(*id)?,
            Change::RemoveUnlessLast(id) => self.check_not_last(*id)?,
        }
        if self.is_enabled() && matches!(evidence, Evidence::Password { .. }) {
            return Err(Rejection::ProofTooWeak);
        }
        match change {
            Change::Begin(_) => self.check_beginnings(now),
            Change::GrantIssue(_) => self.issuing.admit(now),
            Change::Remove(_) | Change::RemoveUnlessLast(_) | Change::Disable => Ok(()),
        }
    }

    /// Whether this authenticator is active, and another one too.
    fn check_not_last(&self, id: AuthenticatorId) -> Result<(), Rejection> {
        self.check_authenticator(id)?;
        let has_others = self.authenticators.len() > 1;
        has_others.then_some(()).ok_or(Rejection::LastAuthenticator)
    }

    fn check_new_enrollment(
        &self,
        NewEnrollment { pending, named }: &NewEnrollment,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        self.check_place(pending.replaces, policy)?;
        if *named && self.has_other_named(&pending.name, pending.replaces) {
            return Err(Rejection::NameInUse);
        }
        Ok(())
    }

    /// Whether an authenticator other than the replaced one has this name.
    pub(super) fn has_other_named(
        &self,
        name: &AuthenticatorName,
        replaced: Option<AuthenticatorId>,
    ) -> bool {
        self.authenticators
            .iter()
            .any(|active| active.name == *name && Some(active.id) != replaced)
    }

    fn prove(
        &mut self,
        account: &AccountId,
        evidence: &Evidence,
        progress: &Progress,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<Option<AcceptedBy>, Refusal> {
        match evidence {
            Evidence::Code(code) => self.check(code, None, progress, now, policy).map(Some),
            Evidence::Reauthenticated {
                first_factor,
                receipt,
            } => self
                .check_receipt(account, *first_factor, receipt, now, policy)
                .map(|()| None)
                .map_err(Refusal::Unchanged),
            Evidence::Password { checked_at } => {
                let fresh = fresh(*checked_at, now, policy);
                fresh.map(|()| None).map_err(Refusal::Unchanged)
            }
        }
    }

    /// Whether a first factor and an authentic receipt are a sufficient proof.
    fn check_receipt(
        &self,
        account: &AccountId,
        first_factor: FirstFactor,
        receipt: &Receipt,
        now: Timestamp,
        policy: &Policy,
    ) -> Result<(), Rejection> {
        if receipt.account() != account {
            return Err(Rejection::ForeignReceipt);
        }
        if !first_factor.kind.needs_user() {
            return Err(Rejection::ProofTooWeak);
        }
        fresh(first_factor.at, now, policy)?;
        fresh(receipt.at(), now, policy)?;
        let still_there = self.has(receipt.accepted_by());
        still_there.then_some(()).ok_or(Rejection::ProofExpired)
    }

    /// Whether the authenticator or the backup-code set that accepted a code is still there.
    pub(super) fn has(&self, by: AcceptedBy) -> bool {
        match by {
            AcceptedBy::Authenticator { id } | AcceptedBy::Enrollment { id } => {
                self.check_authenticator(id).is_ok()
            }
            AcceptedBy::BackupCode { set, .. } => {
                self.code_set.as_ref().map(CodeSet::id) == Some(set)
            }
        }
    }

    fn apply(&mut self, change: &Change, now: Timestamp) -> WriteKind {
        match change {
            Change::Begin(new) => {
                self.begin(new, now);
                WriteKind::Enrolling
            }
            Change::GrantIssue(id) => {
                self.issuing.grant(*id, now);
                WriteKind::Issuing
            }
            Change::Remove(id) | Change::RemoveUnlessLast(id) => self.remove(*id, now),
            Change::Disable => {
                self.clear(EndReason::Disabled, now);
                WriteKind::Disabled
            }
        }
    }

    fn begin(&mut self, NewEnrollment { pending, named }: &NewEnrollment, now: Timestamp) {
        let mut active = self.authenticators.iter();
        let replaced = active.find(|active| Some(active.id) == pending.replaces);
        let name = match replaced {
            _ if *named => pending.name.clone(),
            Some(replaced) => replaced.name.clone(),
            None => {
                AuthenticatorName::default().first_free(|name| self.has_other_named(name, None))
            }
        };
        if !self.is_enabled() {
            // The user was faster than an import that has only begun.
            self.import = None;
        }
        self.beginnings.add(now);
        self.pending = Some(Box::new(Pending {
            name,
            begun_at: now,
            ..pending.clone()
        }));
    }

    fn remove(&mut self, id: AuthenticatorId, now: Timestamp) -> WriteKind {
        self.end_authenticators(|active| active.id == id, EndReason::Removed, now);
        if !self.is_enabled() {
            self.clear(EndReason::Removed, now);
            return WriteKind::Disabled;
        }
        self.pending.take_if(|pending| pending.replaces == Some(id));
        self.devices.clear();
        WriteKind::Removed
    }
}

/// Whether a time is at most the policy's `proof_age` old, and at most 10 s ahead.
fn fresh(time: Timestamp, now: Timestamp, policy: &Policy) -> Result<(), Rejection> {
    is_recent(time, now, policy.proof_age().as_secs())
        .then_some(())
        .ok_or(Rejection::ProofExpired)
}
