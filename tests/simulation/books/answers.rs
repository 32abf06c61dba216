//! Whether what a client is told is true, and whether all adds up in the end.

use super::Books;
use crate::operation::{Answer, Operation};
use countersign::{Receipt, Rejection, Status, SwapKind, Timestamp};

impl Books {
    pub(super) fn is_on_record(&self, by: usize, answer: &Answer) -> Result<(), String> {
        let entry = &self.entries[by];
        let wrote = |kinds: &[SwapKind]| {
            let mut landed = entry.landed.iter();
            landed.any(|write| kinds.contains(&write.kind))
        };
        let found = match (answer, &entry.operation) {
            (Answer::Accepted(receipt), _) => entry.landed.iter().any(|write| {
                matches!(write.kind, SwapKind::Accepted | SwapKind::Enrolled)
                    && write.at == receipt.at()
            }),
            (
                Answer::Done,
                Operation::Begin { .. }
                | Operation::Issue { .. }
                | Operation::Remove { .. }
                | Operation::Disable { .. },
            ) => entry.succeeded_at.is_some(),
            (Answer::Done, Operation::ForceDisable) => wrote(&[SwapKind::Disabled]),
            (Answer::Done, Operation::Erase) => {
                entry.begun_absent
                    || self.mirror.throttle.is_none()
                    || self.erased_at > entry.begun_at
            }
            (Answer::Done, Operation::Unlock) => wrote(&[SwapKind::Unlocked]),
            (Answer::Rejected(Rejection::WrongCode | Rejection::BackupCodeUsed), _) => {
                wrote(&[SwapKind::Rejected, SwapKind::Reserved])
            }
            (
                Answer::Rejected(
                    Rejection::WrongConfirmation { .. } | Rejection::EnrollmentExpired,
                ),
                _,
            ) => wrote(&[SwapKind::Enrolling]),
            (Answer::Rejected(Rejection::ClockFault), _) => wrote(&[SwapKind::Adjusted]),
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
            let Some(succeeded_at) = entry.succeeded_at else {
                continue;
            };
            let explained = entry.told_of_success || entry.in_doubt;
            let forgotten = self.is_forgotten(entry, succeeded_at);
            if entry.in_doubt && !entry.told_of_success {
                self.coverage
                    .count("used up without an answer, by a caller in doubt");
            }
            // What was erased, before another creation took its place or the same one came once more, counts as overtaken.
            let erased = self.erased_at > succeeded_at && (self.revived || entry.has_created);
            if !explained && !forgotten && !erased {
                let what = "succeeded, and the caller was told that it did not";
                self.violated(format!("#{by} {what}"));
            }
        }
    }

    /// Something was typed in the end that is wrong, or was used.
    pub(crate) fn probed(
        &mut self,
        typed: &str,
        outcome: Result<Receipt, Option<Rejection>>,
        at: Timestamp,
    ) {
        self.note(|| format!("in the end, {typed} at {}: {outcome:?}", at.as_unix()));
        match (outcome, self.throttle()) {
            (Err(Some(Rejection::WrongCode)), Ok(throttle)) => throttle.fail(at),
            (Err(Some(Rejection::ClockFault)), Ok(throttle)) => throttle.mend_clock(at),
            (Err(Some(_)), _) => {}
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
                enabled.hold
            ),
            _ => "something new".into(),
        };
        if seen != expected {
            self.violated(format!("the account is {seen}, and must be {expected}"));
        }
    }
}
