//! The books: what was asked, sent, written and answered, and whether all that fits together.

use crate::coverage::Coverage;
use crate::entry::{Entry, Write};
use crate::known_phone::KnownPhone;
use crate::mirror::{Mirror, Throttle};
use crate::operation::{Answer, Operation, Shown};
use crate::rules::PROOF_AGE;
use crate::tracks::Tracks;
use countersign::testing::Phone;
use countersign::{
    AcceptedBy, AuthenticatorId, BackupCodes, Enrollment, Hold, Receipt, Rejection, Resealed,
    Status, Swap, SwapKind, Timestamp,
};
use std::collections::{HashMap, HashSet};

#[derive(Clone, Default)]
pub(crate) struct Books {
    pub(crate) entries: Vec<Entry>,
    pub(crate) mirror: Mirror,
    pub(crate) phones: Vec<KnownPhone>,
    /// The sets of codes that somebody was shown, by the operation that issued them.
    pub(crate) sets: HashMap<usize, Vec<String>>,
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) typed: Vec<String>,
    pub(crate) coverage: Coverage,
    /// The first thing that does not fit.
    pub(crate) violation: Option<String>,
    /// What happened, if that is wanted.
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) tracks: Tracks,
    /// Whether the last call has reached the database.
    pub(crate) has_acted: bool,
    sent: HashMap<i64, Sent>,
    /// How many writes have landed.
    pub(crate) writes: usize,
    /// The number of the last erasure.
    erased_at: usize,
    used_codes: HashSet<(usize, String)>,
}

#[derive(Clone, Copy)]
struct Sent {
    by: usize,
    judged_at: Timestamp,
    /// How often the verifier sent it, and how often it came to the database.
    sendings: usize,
    arrivals: usize,
}

/// The record of an account tells what became of a write for as long as this.
const HISTORY: usize = 8;

impl Books {
    /// New books that count on.
    pub(crate) fn counting(coverage: Coverage) -> Self {
        Self {
            coverage,
            ..Self::default()
        }
    }

    /// New books in which all that happens is written down.
    pub(crate) fn traced() -> Self {
        Self {
            trace: Some(Vec::new()),
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    pub(crate) fn violated(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(|| format!("VIOLATION: {what}"));
        self.violation.get_or_insert(what);
    }

    pub(crate) fn began(&mut self, client: usize, stage: usize, operation: Operation) -> usize {
        let index = self.entries.len();
        self.coverage.count(operation.name());
        self.note(|| format!("#{index} client {client} asks: {operation:?}"));
        if let Some(typed) = operation.typed() {
            self.typed.push(typed.to_owned());
        }
        self.entries.push(Entry {
            begun_absent: self.mirror.throttle.is_none(),
            begun_at: self.writes,
            ..Entry::new(client, stage, operation)
        });
        index
    }

    pub(crate) fn calls(&mut self) {
        self.has_acted = false;
    }

    pub(crate) fn acted(&mut self) {
        self.has_acted = true;
    }

    pub(crate) fn loaded(&mut self, by: usize, now: Timestamp) {
        self.note(|| format!("#{by} has loaded at {}", now.as_unix()));
        let entry = &mut self.entries[by];
        if let (Some(before), false) = (entry.loads.last(), entry.sent_since_load) {
            // Two loads, and nothing was sent in between: what follows is judged as of the first.
            entry.frozen.get_or_insert(*before);
        }
        entry.loads.push(now);
        entry.sent_since_load = false;
    }

    pub(crate) fn sent(&mut self, by: usize, swap: &Swap<'_>) {
        self.note(|| format!("#{by} sends {swap:?}"));
        let entry = &mut self.entries[by];
        entry.sent_since_load = true;
        let issuing = matches!(entry.operation, Operation::Issue { .. });
        let judged_at = match entry.frozen {
            Some(frozen) if issuing => frozen,
            _ => *entry.loads.last().unwrap_or(&Timestamp::UNIX_EPOCH),
        };
        let revision = swap.revision().as_i64();
        self.tracks.sends(revision);
        let sent = self.sent.entry(revision).or_insert(Sent {
            by,
            judged_at,
            sendings: 0,
            arrivals: 0,
        });
        sent.sendings += 1;
    }

    /// A swap comes to the database.
    fn arrives(&mut self, swap: &Swap<'_>) -> Sent {
        let sent = self.sent.get_mut(&swap.revision().as_i64()).unwrap();
        sent.arrivals += 1;
        self.entries[sent.by].duplicated |= sent.arrivals > sent.sendings;
        *sent
    }

    /// A swap was refused.
    pub(crate) fn refused(&mut self, swap: &Swap<'_>) {
        let by = self.arrives(swap).by;
        self.note(|| format!("      #{by} is refused: {:?}", swap.revision()));
    }

    /// A swap landed.
    pub(crate) fn landed(&mut self, swap: &Swap<'_>) {
        let Sent { by, judged_at, .. } = self.arrives(swap);
        self.note(|| format!("      #{by} lands: {:?} {:?}", swap.kind(), swap.revision()));
        self.writes += 1;
        if !self.entries[by].running {
            self.coverage.count("landed after its caller was gone");
        }
        let kind = swap.kind();
        let outcome = self
            .book(by, kind, swap.expected().is_none(), judged_at)
            .and_then(|()| self.mirror.agrees(swap.summary()));
        self.entries[by].landed.push(Write {
            kind,
            at: judged_at,
            number: self.writes,
        });
        if let Err(what) = outcome {
            self.violated(format!("#{by} wrote {kind:?}: {what}"));
        }
    }

    /// Books a write in the mirror, if it may be.
    fn book(
        &mut self,
        by: usize,
        kind: SwapKind,
        creates: bool,
        at: Timestamp,
    ) -> Result<(), String> {
        if creates {
            if kind != SwapKind::Enrolling {
                return Err("it creates a record".into());
            }
            self.mirror.throttle = Some(Throttle::new(at));
            self.entries[by].created_at = Some(self.writes);
        }
        let operation = self.entries[by].operation.clone();
        match (kind, &operation) {
            (SwapKind::Rejected, _) if operation.typed().is_some() => self.fail(by, at),
            (SwapKind::Reserved, _) if operation.typed().is_some_and(is_code) => self.fail(by, at),
            (SwapKind::Adjusted, _) => {
                let throttle = self.throttle()?;
                if !throttle.has_clock_fault(at) {
                    return Err("there is no clock fault to mend".into());
                }
                throttle.mend_clock(at);
                Ok(())
            }
            (SwapKind::Enrolling, Operation::Confirm { .. }) => Ok(()),
            (SwapKind::Enrolling, Operation::Begin { .. }) => {
                self.succeed(by, at)?;
                self.mirror.pending = Some(by);
                Ok(())
            }
            (SwapKind::Enrolled, Operation::Confirm { phone, typed, .. }) => {
                self.enroll(by, *phone, typed, at)
            }
            (SwapKind::Accepted, Operation::Verify { .. }) => self.succeed(by, at),
            (SwapKind::Issued, Operation::Issue { .. }) => {
                self.succeed(by, at)?;
                self.mirror.issue(by);
                Ok(())
            }
            (SwapKind::Removed, Operation::Remove { id, .. }) => {
                self.succeed(by, at)?;
                self.remove(*id);
                self.mirror.authenticators -= 1;
                Ok(())
            }
            (SwapKind::Disabled, Operation::Remove { .. }) => {
                self.succeed(by, at)?;
                if self.mirror.authenticators != 1 {
                    return Err("it removes more than one".into());
                }
                self.clear();
                Ok(())
            }
            (SwapKind::Disabled, Operation::Disable { .. }) => {
                self.succeed(by, at)?;
                self.clear();
                Ok(())
            }
            (SwapKind::Disabled, Operation::ForceDisable) => {
                self.throttle()?.succeed();
                self.clear();
                Ok(())
            }
            (SwapKind::Unlocked, Operation::Unlock) => {
                self.throttle()?.unlock(at);
                Ok(())
            }
            (SwapKind::Resealed, Operation::Reseal) => Ok(()),
            (SwapKind::Erased, Operation::Erase) => {
                self.clear();
                self.mirror.throttle = None;
                self.erased_at = self.writes;
                Ok(())
            }
            _ => Err(format!("{operation:?} has no business to")),
        }
    }

    fn throttle(&mut self) -> Result<&mut Throttle, String> {
        let throttle = self.mirror.throttle.as_mut();
        throttle.ok_or_else(|| "there is no record".into())
    }

    fn clear(&mut self) {
        self.mirror.clear();
        for phone in &mut self.phones {
            phone.active = false;
        }
    }

    fn remove(&mut self, id: AuthenticatorId) {
        for phone in &mut self.phones {
            phone.active &= phone.id != Some(id);
        }
    }

    /// An attempt that is looked at.
    fn admit(&mut self, at: Timestamp) -> Result<&mut Throttle, String> {
        if self.mirror.authenticators == 0 {
            return Err("no authenticator is active".into());
        }
        let throttle = self.throttle()?;
        if throttle.has_clock_fault(at) {
            return Err("a clock fault is to be mended first".into());
        }
        match throttle.hold(at) {
            Hold::Free => Ok(throttle),
            hold => Err(format!("attempts are held off: {hold:?}")),
        }
    }

    fn fail(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        self.admit(at)?.fail(at);
        let entry = &self.entries[by];
        let counted = entry.landed.iter().find(|write| is_failure(write.kind));
        match counted {
            Some(write) if !self.is_forgotten(entry, write.number) => {
                Err("it was counted before".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a driver sent twice, gave the second answer, and the history does not reach back to the first: then
    /// the write counts as refused.
    fn is_forgotten(&self, entry: &Entry, number: usize) -> bool {
        entry.duplicated && (self.writes - number >= HISTORY || self.erased_at > number)
    }

    /// The proof of a change, or the code of a login, is accepted.
    fn succeed(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        let entry = &self.entries[by];
        if let Some(number) = entry.succeeded_at
            && !self.is_forgotten(entry, number)
            // A creation that is late can land again once the record is erased.
            && self.erased_at < number
        {
            return Err("it succeeded before".into());
        }
        self.entries[by].succeeded_at = Some(self.writes);
        let operation = self.entries[by].operation.clone();
        match (operation.typed(), operation.proof()) {
            (Some(typed), _) if is_code(typed) => self.spend_code(by, typed),
            (Some(typed), _) => self.spend_passcode(typed, at),
            (
                None,
                Some(Shown::Receipt {
                    receipt,
                    password_checked_at,
                }),
            ) => {
                let fresh = |time: Timestamp| time <= at && at.saturating_since(time) <= PROOF_AGE;
                if fresh(receipt.at()) && fresh(*password_checked_at) {
                    return Ok(());
                }
                Err("the receipt or the password is not fresh".into())
            }
            (None, Some(Shown::Password(_))) if self.mirror.authenticators == 0 => Ok(()),
            (None, _) => Err("a password is no proof".into()),
        }
    }

    fn spend_code(&mut self, by: usize, typed: &str) -> Result<(), String> {
        let reserved = |write: &Write| write.kind == SwapKind::Reserved;
        if !self.entries[by].landed.iter().any(reserved) {
            return Err("a backup code was looked at before it was counted".into());
        }
        let Some((set, left)) = self.mirror.codes else {
            return Err("there are no backup codes".into());
        };
        if !self
            .sets
            .get(&set)
            .is_some_and(|codes| codes.iter().any(|code| code == typed))
        {
            return Err("it is no code of the current set".into());
        }
        if !self.used_codes.insert((set, typed.to_owned())) {
            return Err("the backup code was used before".into());
        }
        self.mirror.codes = Some((set, left - 1));
        self.throttle()?.succeed_after_all();
        Ok(())
    }

    fn spend_passcode(&mut self, typed: &str, at: Timestamp) -> Result<(), String> {
        self.admit(at)?.succeed();
        let mut matched = false;
        let mut unused = false;
        for phone in self.phones.iter_mut().filter(|phone| phone.active) {
            let Some(step) = phone.step_of(typed, at) else {
                continue;
            };
            matched = true;
            if phone.last_step.is_none_or(|last| step > last) {
                unused = true;
                phone.last_step = Some(step);
            }
        }
        match (matched, unused) {
            (_, true) => Ok(()),
            (true, false) => Err("the passcode was used before".into()),
            (false, _) => Err("the passcode is wrong".into()),
        }
    }

    fn enroll(
        &mut self,
        by: usize,
        phone: usize,
        typed: &str,
        at: Timestamp,
    ) -> Result<(), String> {
        self.entries[by].succeeded_at = Some(self.writes);
        let known = &mut self.phones[phone];
        if self.mirror.pending != Some(known.begun_by) {
            return Err("the enrollment is not pending".into());
        }
        let Some(step) = known.step_of(typed, at) else {
            return Err("the passcode is wrong".into());
        };
        known.last_step = Some(step);
        let replaces = known.replaces;
        match replaces {
            Some(id) => self.remove(id),
            None => self.mirror.authenticators += 1,
        }
        self.phones[phone].active = true;
        self.mirror.pending = None;
        Ok(())
    }

    pub(crate) fn begun_enrollment(&mut self, by: usize, enrollment: &Enrollment) {
        let uri = enrollment.key_uri().to_secret_text();
        let Operation::Begin { replaces, .. } = self.entries[by].operation else {
            return;
        };
        self.phones.push(KnownPhone {
            enrollment: enrollment.id(),
            phone: Phone::scan(uri.expose()).unwrap(),
            id: None,
            active: false,
            begun_by: by,
            replaces,
            last_step: None,
        });
    }

    pub(crate) fn issued_codes(&mut self, by: usize, codes: &BackupCodes) {
        let codes = codes.iter().map(|code| code.replace(' ', "")).collect();
        self.sets.insert(by, codes);
    }

    pub(crate) fn killed(&mut self, client: usize) {
        let running = |entry: &Entry| entry.running && entry.client == client;
        if let Some(by) = self.entries.iter().position(running) {
            self.answered(by, Answer::Killed);
        }
    }

    /// The client is told: everything that it is told must be on record by now.
    pub(crate) fn answered(&mut self, by: usize, answer: Answer) {
        self.coverage.count(answer.name());
        self.note(|| format!("#{by} is told: {answer:?}"));
        let entry = &mut self.entries[by];
        entry.running = false;
        if let Some(write) = entry.landed.last()
            && self.writes - write.number >= HISTORY
        {
            self.coverage.count("told after eight writes of others");
        }
        if let Err(what) = self.is_on_record(by, &answer) {
            self.violated(format!("#{by} was told {answer:?}: {what}"));
        }
        match answer {
            Answer::Accepted(receipt) => self.accepted(by, receipt),
            Answer::Done => self.entries[by].told_of_success = true,
            Answer::Unsettled | Answer::Killed => self.entries[by].in_doubt = true,
            Answer::Rejected(_) | Answer::Failed(_) => {}
        }
    }

    fn accepted(&mut self, by: usize, receipt: Receipt) {
        self.entries[by].told_of_success = true;
        match (receipt.by(), &self.entries[by].operation) {
            (AcceptedBy::Enrollment { id }, Operation::Confirm { phone, .. }) => {
                self.phones[*phone].id = Some(id);
                self.coverage.count("accepted: confirmation");
            }
            (AcceptedBy::BackupCode { .. }, Operation::Verify { typed }) if is_code(typed) => {
                self.coverage.count("accepted: backup code");
            }
            (AcceptedBy::Authenticator { .. }, Operation::Verify { typed }) if !is_code(typed) => {
                self.coverage.count("accepted: passcode");
            }
            _ => self.violated(format!("#{by} was accepted by something else: {receipt:?}")),
        }
        self.receipts.push(receipt);
    }

    fn is_on_record(&self, by: usize, answer: &Answer) -> Result<(), String> {
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

    pub(crate) fn resealed(&mut self, resealed: Resealed) {
        if resealed == Resealed::Changed {
            self.coverage.count("resealed");
        }
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
            // A creation that was erased, before another one took its place, counts as overtaken.
            let erased = entry
                .created_at
                .is_some_and(|number| self.erased_at > number);
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

/// Whether what was typed has the length of a backup code.
fn is_code(typed: &str) -> bool {
    typed.len() == 8
}

fn is_failure(kind: SwapKind) -> bool {
    matches!(kind, SwapKind::Rejected | SwapKind::Reserved)
}
