//! Checks whether a write is allowed, and applies the write to the reference model.

use super::{Checker, HISTORY, is_code};
use crate::entry::{Entry, Grounds, Write};
use crate::operation::{Kept, Operation, Shown};
use crate::reference::{Pending, Throttle};
use crate::rules::{ENROLLMENT_TRIES, PROOF_AGE, SKEW};
use countersign::factor::RateLimitState;
use countersign::store::WriteKind;
use countersign::{AuthenticatorId, Timestamp};

impl Checker {
    /// Applies a write to the reference model, if the write is allowed.
    pub(super) fn apply(
        &mut self,
        by: usize,
        kind: WriteKind,
        creates: bool,
        at: Timestamp,
    ) -> Result<(), String> {
        if creates {
            if kind != WriteKind::Enrolling {
                return Err("the write creates a record".into());
            }
            self.reference.throttle = Some(Throttle::new(at));
            self.entries[by].has_created = true;
        }
        let operation = self.entries[by].operation.clone();
        match (kind, &operation) {
            (WriteKind::Rejected, _) if operation.typed().is_some() => self.fail(by, at),
            (WriteKind::Reserved, _) if operation.typed().is_some_and(is_code) => self.fail(by, at),
            (WriteKind::Joined, Operation::Verify { .. }) => self.join(by, at),
            (WriteKind::Enrolling, Operation::Confirm { phone, typed, .. }) => {
                self.use_up_try(*phone, typed, at)
            }
            (WriteKind::Enrolling, Operation::Begin { replaces, .. }) => {
                self.succeed(by, at)?;
                self.reference.begin(by, *replaces, at)
            }
            (WriteKind::Enrolled, Operation::Confirm { phone, typed, .. }) => {
                self.enroll(by, *phone, typed, at)
            }
            (WriteKind::Accepted, Operation::Verify { .. } | Operation::VerifyRow { .. }) => {
                self.succeed(by, at)?;
                self.use_token(by, at);
                Ok(())
            }
            (WriteKind::Issuing, Operation::Issue { .. }) => {
                self.prove(by, at)?;
                self.reference.grant(by, at)
            }
            (WriteKind::Issued | WriteKind::IssuedPending, Operation::Issue { .. }) => {
                if self.reference.authenticators == 0 {
                    return Err("no authenticator is active".into());
                }
                self.entries[by].succeeded_at = Some(self.writes);
                let is_pending = kind == WriteKind::IssuedPending;
                if let (false, Some((old, _))) = (is_pending, self.reference.codes) {
                    self.replaced_at_once.insert(by, old);
                }
                self.reference.issue(by, is_pending, at)
            }
            (WriteKind::CodesConfirmed, Operation::ConfirmSaved { of, .. }) => {
                self.effect(by);
                self.reference.replace_codes(*of)
            }
            (WriteKind::CodesDiscarded, Operation::Discard { of, .. }) => {
                self.effect(by);
                self.reference.take_pending_codes(*of)
            }
            (WriteKind::Removed, Operation::Remove { id, .. }) => {
                self.succeed(by, at)?;
                self.remove(*id);
                self.reference.devices.clear();
                self.reference.authenticators -= 1;
                let replaced = |pending: &mut Pending| pending.replaces == Some(*id);
                self.reference.pending.take_if(replaced);
                Ok(())
            }
            (
                WriteKind::Disabled,
                Operation::Remove {
                    unless_last: false, ..
                },
            ) => {
                self.succeed(by, at)?;
                if self.reference.authenticators != 1 {
                    return Err("the write removes more than one authenticator".into());
                }
                self.clear();
                Ok(())
            }
            (WriteKind::Disabled, Operation::Disable { .. }) => {
                self.succeed(by, at)?;
                self.clear();
                Ok(())
            }
            (WriteKind::Disabled, Operation::ForceDisable) => {
                self.throttle()?.succeed();
                self.clear();
                Ok(())
            }
            (WriteKind::Unlocked, Operation::Unlock { confirmed }) => {
                if *confirmed {
                    let devices = self.reference.devices.len();
                    self.reference.reset_future_times(at);
                    if self.reference.devices.len() < devices {
                        self.coverage.count("device: ended by a confirmed clock");
                    }
                } else if self.reference.has_clock_fault(at) {
                    return Err("there is a clock fault".into());
                }
                self.throttle()?.unlock(at);
                Ok(())
            }
            (WriteKind::Resealed, Operation::Reseal) => Ok(()),
            (WriteKind::Erased, Operation::Erase) => {
                self.clear();
                self.reference.erase();
                self.erased_at = self.writes;
                Ok(())
            }
            _ => self.apply_to_devices(by, kind, at),
        }
    }

    /// An operation without a proof has its effect.
    fn effect(&mut self, by: usize) {
        let entry = &mut self.entries[by];
        (entry.proven_at, entry.succeeded_at) = (Some(self.writes), Some(self.writes));
    }

    pub(crate) fn throttle(&mut self) -> Result<&mut Throttle, String> {
        let throttle = self.reference.throttle.as_mut();
        throttle.ok_or_else(|| "there is no record".into())
    }

    fn clear(&mut self) {
        self.reference.clear();
        for phone in &mut self.phones {
            phone.active = false;
        }
    }

    fn remove(&mut self, id: AuthenticatorId) {
        for phone in &mut self.phones {
            phone.active &= phone.id != Some(id);
        }
    }

    /// Checks that no rate limit stops an attempt. Only a lock stops a known device.
    fn admit(&mut self, by: usize, at: Timestamp) -> Result<&mut Throttle, String> {
        let is_known = self.known_device(by, at).is_some();
        if self.reference.authenticators == 0 {
            return Err("no authenticator is active".into());
        }
        let throttle = self.throttle()?;
        match throttle.rate_limit(at) {
            RateLimitState::Free => Ok(throttle),
            limit if is_known && limit != RateLimitState::Locked => Ok(throttle),
            rate_limit => Err(format!("the attempt must not be checked: {rate_limit:?}")),
        }
    }

    fn fail(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        self.admit(by, at)?;
        self.charge(by, at)?;
        let entry = &self.entries[by];
        let counted = entry.landed.iter().find(|write| is_failure(write.kind));
        match counted {
            Some(write) if !self.is_forgotten(entry, write.number) => {
                Err("the attempt was counted before".into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a driver sent a write twice and returned the second answer, and the history no
    /// longer shows the first send. Then the write counts as refused.
    pub(crate) fn is_forgotten(&self, entry: &Entry, number: usize) -> bool {
        entry.duplicated && (self.writes - number >= HISTORY || self.erased_at > number)
    }

    /// A login, or a change in the same write as its proof.
    fn succeed(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        self.prove(by, at)?;
        self.entries[by].succeeded_at = Some(self.writes);
        Ok(())
    }

    /// The proof of a change, or the code of a login, is accepted.
    fn prove(&mut self, by: usize, at: Timestamp) -> Result<(), String> {
        let entry = &self.entries[by];
        if let Some(number) = entry.proven_at
            && !self.is_forgotten(entry, number)
            // A late creation can land again after the record was erased.
            && self.erased_at < number
        {
            return Err("the operation succeeded before".into());
        }
        self.entries[by].proven_at = Some(self.writes);
        let operation = self.entries[by].operation.clone();
        if let Operation::VerifyRow { typed } = &operation {
            return self.spend_row(by, typed, at);
        }
        match (operation.typed(), operation.proof()) {
            (Some(typed), _) if is_code(typed) => self.spend_code(by, typed),
            (Some(typed), _) => self.spend_passcode(by, typed, at),
            (
                None,
                Some(Shown::Receipt {
                    kept,
                    altered,
                    password_checked_at,
                }),
            ) => {
                if *altered {
                    return Err("the receipt was altered".into());
                }
                let (now, age) = (at.as_unix(), PROOF_AGE);
                let fresh = |time: u64| time <= now + SKEW && now <= time + age;
                if !fresh(kept.at.as_unix()) || !fresh(password_checked_at.as_unix()) {
                    return Err("the receipt or the password is not fresh".into());
                }
                self.still_proves(by, kept)
            }
            (None, Some(Shown::Password(_))) if self.reference.authenticators == 0 => Ok(()),
            (None, _) => Err("a password is no proof".into()),
        }
    }

    /// A receipt is valid while its key, and its authenticator or code set, exist.
    pub(crate) fn still_proves(&self, by: usize, kept: &Kept) -> Result<(), String> {
        let sealed_with_the_new_key = kept.stage >= 2;
        let knows_the_old_key = self.entries[by].stage < 3;
        if !sealed_with_the_new_key && !knows_the_old_key {
            return Err("the key of the receipt was dropped".into());
        }
        let there = match &self.entries[kept.of].grounds {
            Some(Grounds::Phones(phones)) => phones.iter().any(|it| self.phones[*it].active),
            Some(Grounds::Set(set)) => self.reference.codes.is_some_and(|(it, _)| it == *set),
            None => false,
        };
        there
            .then_some(())
            .ok_or_else(|| "the authenticator or code set of the receipt is gone".into())
    }

    fn spend_code(&mut self, by: usize, typed: &str) -> Result<(), String> {
        let reserved =
            |write: &Write| matches!(write.kind, WriteKind::Reserved | WriteKind::Joined);
        if !self.entries[by].landed.iter().any(reserved) {
            return Err("a backup code was checked before the attempt was counted".into());
        }
        let has = |set: usize| {
            let codes = self.sets.get(&set);
            codes.is_some_and(|codes| codes.iter().any(|code| code == typed))
        };
        if let Some(set) = self.reference.pending_codes.filter(|set| has(*set)) {
            self.coverage.count("a code of the pending set is used");
            self.reference.replace_codes(set)?;
        }
        let Some((set, left)) = self.reference.codes.filter(|(set, _)| has(*set)) else {
            return Err("the code is in no valid set".into());
        };
        if !self.used_codes.insert((set, typed.to_owned())) {
            return Err("the backup code was used before".into());
        }
        self.reference.codes = Some((set, left - 1));
        self.entries[by].grounds = Some(Grounds::Set(set));
        self.refund(by)
    }

    fn spend_passcode(&mut self, by: usize, typed: &str, at: Timestamp) -> Result<(), String> {
        self.admit(by, at)?.succeed();
        let mut matched = false;
        let mut unused = Vec::new();
        for (place, phone) in self.phones.iter_mut().enumerate() {
            let Some(number) = phone.number_of(typed, at).filter(|_| phone.active) else {
                continue;
            };
            matched = true;
            if phone.last.is_none_or(|last| number > last) {
                unused.push(place);
                phone.last = Some(number);
            }
        }
        let is_unused = !unused.is_empty();
        self.entries[by].grounds = Some(Grounds::Phones(unused));
        match (matched, is_unused) {
            (_, true) => Ok(()),
            (true, false) => Err("the passcode was used before".into()),
            (false, _) => Err("the passcode is wrong".into()),
        }
    }

    /// Three passcodes are accepted whatever limit runs, except for a lock. Four always are.
    fn spend_row(&mut self, by: usize, typed: &[String], at: Timestamp) -> Result<(), String> {
        if self.reference.authenticators == 0 {
            return Err("no authenticator is active".into());
        }
        let throttle = self.throttle()?;
        let is_locked = throttle.rate_limit(at) == RateLimitState::Locked;
        let is_limited = throttle.rate_limit(at) != RateLimitState::Free;
        throttle.succeed_with_row(at);
        if is_limited {
            self.coverage.count("accepted: row while limited");
        }
        let mut unused = Vec::new();
        for (place, phone) in self.phones.iter_mut().enumerate() {
            if let Some(last) = phone.end_of_row(typed, at).filter(|_| phone.active) {
                unused.push(place);
                phone.last = Some(last);
            }
        }
        let is_unused = !unused.is_empty();
        self.entries[by].grounds = Some(Grounds::Phones(unused));
        match typed.len() {
            3 if is_locked => Err("three passcodes ended a lock".into()),
            3 | 4 if is_unused => Ok(()),
            _ => Err("the row of passcodes is wrong or used".into()),
        }
    }

    fn enroll(
        &mut self,
        by: usize,
        phone: usize,
        typed: &str,
        at: Timestamp,
    ) -> Result<(), String> {
        let entry = &mut self.entries[by];
        (entry.proven_at, entry.succeeded_at) = (Some(self.writes), Some(self.writes));
        entry.grounds = Some(Grounds::Phones(vec![phone]));
        let pending = self.pending(phone)?;
        let replaces = pending.replaces;
        if pending.is_expired(at) {
            return Err("the enrollment has expired".into());
        }
        let known = &mut self.phones[phone];
        // A confirmation can land again after the record was erased.
        known.last = None;
        let Some(number) = known.number_of(typed, at) else {
            return Err("the passcode is wrong".into());
        };
        known.last = Some(number);
        match replaces {
            Some(id) => {
                self.remove(id);
                self.reference.devices.clear();
            }
            None => self.reference.authenticators += 1,
        }
        self.phones[phone].active = true;
        self.reference.enroll();
        Ok(())
    }

    /// A confirmation is refused, which uses up a try.
    fn use_up_try(&mut self, phone: usize, typed: &str, at: Timestamp) -> Result<(), String> {
        self.phones[phone].last = None;
        let is_right = self.phones[phone].shows(typed, at);
        let pending = self.pending(phone)?;
        let is_expired = pending.is_expired(at);
        pending.wrong += 1;
        let ends = is_expired || pending.wrong == ENROLLMENT_TRIES;
        self.reference.pending.take_if(|_| ends);
        if is_right && !is_expired {
            return Err("the passcode is right".into());
        }
        Ok(())
    }

    /// The pending enrollment, if this phone has its secret.
    fn pending(&mut self, phone: usize) -> Result<&mut Pending, String> {
        let begun_by = self.phones[phone].begun_by;
        let pending = self.reference.pending.as_mut();
        let pending = pending.filter(|pending| pending.begun_by == begun_by);
        pending.ok_or_else(|| "the enrollment is not pending".into())
    }
}

fn is_failure(kind: WriteKind) -> bool {
    matches!(kind, WriteKind::Rejected | WriteKind::Reserved)
}
