//! Whether what a client is told is true, and whether all adds up in the end.

use super::Books;
use crate::entry::Entry;
use crate::operation::{Answer, Operation};
use countersign::factor::RateLimitState;
use countersign::store::WriteKind;
use countersign::{AcceptedBy, Receipt, Rejection, Removed, Status, Timestamp};
use std::collections::HashSet;

impl Books {
    pub(super) fn is_on_record(&self, by: usize, answer: &Answer) -> Result<(), String> {
        let entry = &self.entries[by];
        let wrote = |kinds: &[WriteKind]| entry.wrote(kinds);
        let found = match (answer, &entry.operation) {
            (Answer::Accepted(receipt, _), _) => entry.landed.iter().any(|write| {
                matches!(write.kind, WriteKind::Accepted | WriteKind::Enrolled)
                    && write.at == receipt.at()
            }),
            (
                Answer::Done,
                Operation::Begin { .. } | Operation::Issue { .. } | Operation::Disable { .. },
            ) => entry.succeeded_at.is_some(),
            (Answer::Removed(Removed::OthersLeft), _) => wrote(&[WriteKind::Removed]),
            (Answer::Removed(Removed::Disabled), _) => wrote(&[WriteKind::Disabled]),
            (Answer::Done, Operation::ForceDisable) => wrote(&[WriteKind::Disabled]),
            (Answer::Done, Operation::Erase) => {
                entry.begun_absent
                    || self.mirror.throttle.is_none()
                    || self.erased_at > entry.begun_at
            }
            (Answer::Done, Operation::Unlock { .. }) => wrote(&[WriteKind::Unlocked]),
            (Answer::Rejected(Rejection::WrongCode | Rejection::BackupCodeUsed), _) => {
                wrote(&[WriteKind::Rejected, WriteKind::Reserved])
            }
            (
                Answer::Rejected(
                    Rejection::WrongConfirmation { .. } | Rejection::EnrollmentExpired,
                ),
                _,
            ) => wrote(&[WriteKind::Enrolling]),
            (Answer::Rejected(Rejection::ClockFault), operation) => {
                // A backup code that proves a change is counted before the change is looked at again.
                let is_proof = operation.proof().is_some();
                entry.landed.iter().all(|write| {
                    let is_count = is_proof && write.kind == WriteKind::Reserved;
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
                wrote(&[WriteKind::Issuing]) && !wrote(&[WriteKind::Issued])
            }
            _ => true,
        };
        found
            .then_some(())
            .ok_or_else(|| "that is not on record".into())
    }

    /// When all is over: whoever was told that nothing came of it, nothing must have come of it.
    pub(crate) fn balance(&mut self) {
        for by in 0..self.entries.len() {
            let entry = &self.entries[by];
            let Some(proven_at) = entry.proven_at else {
                continue;
            };
            let explained = entry.told_of_success || entry.in_doubt;
            let succeeded = entry
                .succeeded_at
                .is_some_and(|at| !self.is_explained(entry, at));
            let proven = !entry.is_told_between_writes() && !self.is_explained(entry, proven_at);
            if entry.in_doubt && !entry.told_of_success {
                self.coverage
                    .count("used up without an answer, by a caller in doubt");
            }
            if !explained && (succeeded || proven) {
                let what = "succeeded, and the caller was told that it did not";
                self.violated(format!("#{by} {what}"));
            }
        }
    }

    /// Whether a write that was done can count as one that was not.
    fn is_explained(&self, entry: &Entry, number: usize) -> bool {
        // Whoever may be told of his own write is told that its effect is unknown.
        let forgotten = self.is_forgotten(entry, number) && !entry.is_told_of_own_write();
        // What was erased, before another creation took its place or the same one came once more, counts as overtaken.
        let erased = self.erased_at > number && (self.revived || entry.has_created);
        forgotten || erased
    }

    /// A code of the current set that is unused, if attempts are looked at.
    pub(crate) fn good_code(&mut self, at: Timestamp) -> Option<String> {
        let (set, _) = self.mirror.codes?;
        let is_free = self.throttle().ok()?.hold(at) == RateLimitState::Free;
        let is_unused = |code: &&String| !self.used_codes.contains(&(set, (*code).clone()));
        let code = self.sets.get(&set)?.iter().find(is_unused)?;
        is_free.then(|| code.clone())
    }

    /// Such a code was typed in the end.
    pub(crate) fn probed_good_code(
        &mut self,
        typed: &str,
        outcome: Result<Receipt, Option<Rejection>>,
        at: Timestamp,
    ) {
        self.note(|| format!("in the end, {typed} at {}: {outcome:?}", at.as_unix()));
        let by = outcome.as_ref().map(Receipt::accepted_by);
        let (Ok(AcceptedBy::BackupCode { set: id, .. }), Some((set, left))) =
            (by, self.mirror.codes)
        else {
            return self.violated(format!("in the end, {typed} is answered {outcome:?}"));
        };
        if !self.is_called(set, id) {
            self.violated(format!("in the end, {typed} is of another set"));
        }
        self.coverage.count("in the end: a backup code is accepted");
        if self.entries.iter().any(Entry::left_the_old_set) {
            self.coverage
                .count("in the end: the old set is good after half an issue");
        }
        self.used_codes.insert((set, typed.to_owned()));
        self.mirror.codes = Some((set, left - 1));
        if let Ok(throttle) = self.throttle() {
            throttle.fail(at);
            throttle.succeed_after_all();
        }
        self.mirror.forget(at);
    }

    /// Something was typed in the end that is wrong, or was used.
    pub(crate) fn probed(
        &mut self,
        typed: &str,
        outcome: Result<Receipt, Option<Rejection>>,
        at: Timestamp,
    ) {
        self.note(|| format!("in the end, {typed} at {}: {outcome:?}", at.as_unix()));
        let hold = self.throttle().map(|throttle| throttle.hold(at));
        match (outcome, hold) {
            (
                Err(Some(Rejection::WrongCode | Rejection::BackupCodeUsed)),
                Ok(RateLimitState::Free),
            ) => {
                if let Ok(throttle) = self.throttle() {
                    throttle.fail(at);
                }
                self.mirror.forget(at);
            }
            (Err(Some(Rejection::ClockFault)), Ok(RateLimitState::ClockFault))
            | (Err(Some(Rejection::Locked)), Ok(RateLimitState::Locked))
            | (Err(Some(Rejection::Waiting { .. })), Ok(RateLimitState::Waiting { .. }))
            | (Err(Some(Rejection::BudgetSpent { .. })), Ok(RateLimitState::BudgetSpent { .. }))
            | (Err(Some(Rejection::Replayed)), Ok(RateLimitState::Free))
            | (Err(Some(Rejection::Disabled)), Ok(_))
            | (Err(Some(Rejection::Absent)), Err(_)) => {}
            (outcome, _) => self.violated(format!("in the end, {typed} is answered {outcome:?}")),
        }
    }

    /// Compares what the account is in the end with what it must be.
    pub(crate) fn compare(&mut self, status: &Status, at: Timestamp) {
        let expected = match &self.mirror.throttle {
            None => "no record".into(),
            Some(_) if self.mirror.authenticators == 0 => "disabled".into(),
            Some(throttle) => format!(
                "{} authenticators, {} codes, {:?}",
                self.mirror.authenticators,
                self.mirror.codes.map_or(0, |(_, left)| left),
                throttle.hold(at)
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
                "{} authenticators, {} codes, {:?}",
                enabled.authenticators.len(),
                enabled
                    .backup_codes
                    .as_ref()
                    .map_or(0, |codes| codes.remaining),
                enabled.rate_limit
            ),
            _ => "something new".into(),
        };
        if seen != expected {
            self.violated(format!("the account is {seen}, and must be {expected}"));
        }
    }
}
