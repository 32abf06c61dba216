//! Checks the answers to the clients, and the state at the end of a run.

use super::Checker;
use crate::entry::Entry;
use crate::operation::{Answer, Operation};
use countersign::factor::RateLimitState;
use countersign::store::WriteKind;
use countersign::{AcceptedBy, Receipt, Rejection, Removed, Status, Timestamp};
use std::collections::HashSet;

impl Checker {
    pub(super) fn is_stored(&mut self, by: usize, answer: &Answer) -> Result<(), String> {
        if matches!(answer, Answer::Repeated(Rejection::WrongCode)) && self.repeats_failure(by) {
            return Ok(());
        }
        let entry = &self.entries[by];
        let wrote = |kinds: &[WriteKind]| entry.wrote(kinds);
        let found = match (answer, &entry.operation) {
            (Answer::Accepted(receipt, _), _) if receipt.is_repeat() => {
                self.acceptance_of(by, receipt.at()).is_some()
            }
            (Answer::Accepted(receipt, _), _) => entry.landed.iter().any(|write| {
                matches!(write.kind, WriteKind::Accepted | WriteKind::Enrolled)
                    && write.at == receipt.at()
            }),
            (
                Answer::Done,
                Operation::Begin { .. } | Operation::Issue { .. } | Operation::Disable { .. },
            ) => entry.succeeded_at.is_some(),
            // A confirmation of the current set writes nothing.
            (Answer::Done, Operation::ConfirmSaved { of, .. }) => {
                entry.succeeded_at.is_some() || self.was_current(*of, entry)
            }
            (Answer::Done, Operation::Discard { .. }) => entry.succeeded_at.is_some(),
            (Answer::Removed(Removed::OthersLeft { .. }), _) => wrote(&[WriteKind::Removed]),
            (Answer::Removed(Removed::Disabled), _) => wrote(&[WriteKind::Disabled]),
            (Answer::Done, Operation::Remove { .. }) => wrote(&[WriteKind::Removed]),
            (Answer::Done, Operation::ForceDisable) => wrote(&[WriteKind::Disabled]),
            (Answer::Done, Operation::Erase) => {
                entry.begun_absent
                    || self.reference.throttle.is_none()
                    || self.erased_at > entry.begun_at
            }
            (Answer::Done, Operation::Unlock { .. }) => wrote(&[WriteKind::Unlocked]),
            (Answer::Remembered(_), _) => wrote(&[WriteKind::DeviceRemembered]),
            (Answer::Trusted(trusted), _) => entry
                .landed
                .iter()
                .any(|write| write.kind == WriteKind::DeviceTrusted && write.at == trusted.at()),
            // A wrong row writes nothing: `apply` allows only the write of an accepted one.
            (Answer::Rejected(Rejection::WrongCode), Operation::VerifyRow { .. }) => true,
            (Answer::Rejected(Rejection::WrongCode | Rejection::BackupCodeUsed), _) => {
                wrote(&[WriteKind::Rejected, WriteKind::Reserved])
            }
            // An earlier call with the same form counted the failure.
            (Answer::Repeated(_), _) => wrote(&[WriteKind::Joined]),
            (
                Answer::Rejected(
                    Rejection::WrongConfirmation { .. } | Rejection::EnrollmentExpired,
                ),
                _,
            ) => wrote(&[WriteKind::Enrolling]),
            (Answer::Rejected(Rejection::ClockFault), operation) => {
                // A backup code that proves a change is counted before the change is checked again.
                let is_proof = operation.proof().is_some();
                entry.landed.iter().all(|write| {
                    let is_suspect = write.kind == WriteKind::DeviceSuspected;
                    let is_count = is_suspect || (is_proof && write.kind == WriteKind::Reserved);
                    let is_gone = self.is_forgotten(entry, write.number)
                        || self.is_explained(entry, write.number);
                    is_count || is_gone
                })
            }
            (Answer::Rejected(Rejection::TooManyEnrollments { .. }), _) => {
                entry.landed.iter().all(|write| {
                    write.kind != WriteKind::Enrolling || self.is_explained(entry, write.number)
                })
            }
            (Answer::Rejected(Rejection::TooManyIssues { .. }), _) => !wrote(&[WriteKind::Issuing]),
            (Answer::Rejected(Rejection::IssueExpired), _) => {
                wrote(&[WriteKind::Issuing])
                    && !wrote(&[WriteKind::Issued, WriteKind::IssuedPending])
            }
            _ => true,
        };
        found
            .then_some(())
            .ok_or_else(|| "the answer is not stored".into())
    }

    /// Checks at the end that no operation with a failed answer had an effect.
    pub(crate) fn check_answers(&mut self) {
        for by in 0..self.entries.len() {
            let entry = &self.entries[by];
            let Some(proven_at) = entry.proven_at else {
                continue;
            };
            let explained = entry.answered_success || entry.in_doubt;
            let succeeded = entry
                .succeeded_at
                .is_some_and(|at| !self.is_explained(entry, at));
            let proven =
                !entry.is_answered_between_writes() && !self.is_explained(entry, proven_at);
            if entry.in_doubt && !entry.answered_success {
                self.coverage
                    .count("used up, and the effect is unknown to the caller");
            }
            if !explained && (succeeded || proven) {
                let what = "succeeded, but the answer was a failure";
                self.violated(format!("#{by} {what}"));
            }
        }
    }

    /// Whether the answer may treat this landed write as refused.
    fn is_explained(&self, entry: &Entry, number: usize) -> bool {
        // If the operation's own write can have caused the answer, the answer must be that the
        // effect is unknown.
        let forgotten = self.is_forgotten(entry, number) && !entry.is_answered_by_own_write();
        // An erased write counts as overtaken if a later creation, or the same creation again,
        // landed.
        let erased = self.erased_at > number && (self.landed_again || entry.has_created);
        forgotten || erased
    }

    /// An unused code of the current set, if no rate limit stops attempts.
    pub(crate) fn good_code(&mut self, at: Timestamp) -> Option<String> {
        let (set, _) = self.reference.codes?;
        let is_free = self.throttle().ok()?.rate_limit(at) == RateLimitState::Free;
        let is_unused = |code: &&String| !self.used_codes.contains(&(set, (*code).clone()));
        let code = self.sets.get(&set)?.iter().find(is_unused)?;
        is_free.then(|| code.clone())
    }

    /// Checks the answer to an unused code at the end.
    pub(crate) fn probed_good_code(
        &mut self,
        typed: &str,
        outcome: Result<Receipt, Option<Rejection>>,
        at: Timestamp,
    ) {
        self.note(|| format!("in the end, {typed} at {}: {outcome:?}", at.as_unix()));
        let by = outcome.as_ref().map(Receipt::accepted_by);
        let (Ok(AcceptedBy::BackupCode { set: id, .. }), Some((set, left))) =
            (by, self.reference.codes)
        else {
            return self.violated(format!("in the end, {typed} is answered {outcome:?}"));
        };
        if !self.has_id(set, id) {
            self.violated(format!("in the end, {typed} is of another set"));
        }
        self.coverage.count("in the end: a backup code is accepted");
        if self.entries.iter().any(Entry::stored_only_the_right) {
            self.coverage
                .count("in the end: the old set works after a partial issue");
        }
        self.used_codes.insert((set, typed.to_owned()));
        self.reference.codes = Some((set, left - 1));
        if let Ok(throttle) = self.throttle() {
            throttle.fail(at);
            throttle.refund();
        }
        self.reference.drop_expired(at);
    }

    /// Checks the answer to a wrong or used code at the end.
    pub(crate) fn probed(
        &mut self,
        typed: &str,
        outcome: Result<Receipt, Option<Rejection>>,
        at: Timestamp,
    ) {
        self.note(|| format!("in the end, {typed} at {}: {outcome:?}", at.as_unix()));
        let rate_limit = self.throttle().map(|throttle| throttle.rate_limit(at));
        match (outcome, rate_limit) {
            (
                Err(Some(Rejection::WrongCode | Rejection::BackupCodeUsed)),
                Ok(RateLimitState::Free),
            ) => {
                if let Ok(throttle) = self.throttle() {
                    throttle.fail(at);
                }
                self.reference.drop_expired(at);
            }
            (Err(Some(Rejection::ClockFault)), Ok(RateLimitState::ClockFault))
            | (Err(Some(Rejection::Locked)), Ok(RateLimitState::Locked))
            | (Err(Some(Rejection::Waiting { .. })), Ok(RateLimitState::Waiting { .. }))
            | (Err(Some(Rejection::BudgetSpent { .. })), Ok(RateLimitState::BudgetSpent { .. }))
            | (
                Err(Some(Rejection::Replayed | Rejection::ReplayedAhead { .. })),
                Ok(RateLimitState::Free),
            )
            | (Err(Some(Rejection::Disabled)), Ok(_))
            | (Err(Some(Rejection::Absent)), Err(_)) => {}
            (outcome, _) => self.violated(format!("in the end, {typed} is answered {outcome:?}")),
        }
    }

    /// Compares the final state of the account with the expected state.
    pub(crate) fn compare(&mut self, status: &Status, at: Timestamp) {
        let expected = match &self.reference.throttle {
            None => "no record".into(),
            Some(_) if self.reference.authenticators == 0 => "disabled".into(),
            Some(throttle) => format!(
                "{} authenticators, {} codes, pending: {}, {} devices, {:?}",
                self.reference.authenticators,
                self.reference.codes.map_or(0, |(_, left)| left),
                self.reference.pending_codes.is_some(),
                self.counting_devices(),
                throttle.rate_limit(at)
            ),
        };
        if let Status::Enabled(enabled) = status {
            let names = enabled.authenticators.iter().map(|it| it.name.as_str());
            if names.collect::<HashSet<_>>().len() < enabled.authenticators.len() {
                self.violated("two authenticators have the same name");
            }
        }
        let seen = match status {
            Status::Absent => "no record".into(),
            Status::Disabled => "disabled".into(),
            Status::Enabled(enabled) => format!(
                "{} authenticators, {} codes, pending: {}, {} devices, {:?}",
                enabled.authenticators.len(),
                enabled
                    .backup_codes
                    .as_ref()
                    .map_or(0, |codes| codes.remaining),
                enabled
                    .backup_codes
                    .as_ref()
                    .is_some_and(|codes| codes.pending.is_some()),
                enabled.devices.len(),
                enabled.rate_limit
            ),
            _ => "an unknown status".into(),
        };
        if seen != expected {
            self.violated(format!("the account is {seen}, and must be {expected}"));
        }
    }
}
