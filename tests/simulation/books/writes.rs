//! Whether a write may be made, and what it makes of the account.

use super::{Books, HISTORY, is_code};
use crate::entry::{Entry, Write};
use crate::mirror::Throttle;
use crate::operation::{Operation, Shown};
use crate::rules::PROOF_AGE;
use countersign::{AuthenticatorId, Hold, SwapKind, Timestamp};

impl Books {
    /// Books a write in the mirror, if it may be.
    pub(super) fn book(
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
            self.entries[by].has_created = true;
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

    pub(super) fn throttle(&mut self) -> Result<&mut Throttle, String> {
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
    pub(super) fn is_forgotten(&self, entry: &Entry, number: usize) -> bool {
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
}

fn is_failure(kind: SwapKind) -> bool {
    matches!(kind, SwapKind::Rejected | SwapKind::Reserved)
}
