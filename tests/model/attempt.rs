//! How the reference model checks codes and proofs.

use super::account::{App, By, Device, Proof, Receipt, Seal};
use super::observed::Entry;
use super::rate_limit::Event;
use super::reference::{Outcome, Reference};
use super::typed::{are_digits, as_letters, read};
use countersign::factor::RateLimitState;
use countersign::store::WriteKind;
use countersign::{AuthenticatorId, Rejection};
use std::time::Duration;

impl Reference {
    /// Checks a code. If the code is accepted, the caller makes the write.
    pub(crate) fn attempt(&mut self, text: &str) -> Outcome<By> {
        let typed = read(text).ok_or(Rejection::Malformed)?;
        let now = self.now;
        self.must_be_enabled()?;
        let limit = self.account().throttle.rate_limit(now);
        let opens = limit != RateLimitState::Locked || self.rules.row.2;
        let held = limit != RateLimitState::Free;
        if held
            && opens
            && let Some(Ok(by)) = self.keyed_code(&typed)
        {
            return Ok(by);
        }
        match limit {
            RateLimitState::Free => {}
            limit if self.device.is_some() && limit != RateLimitState::Locked => {}
            RateLimitState::Waiting { retry_after } => {
                return Err(Rejection::Waiting { retry_after });
            }
            RateLimitState::BudgetSpent { retry_after } => {
                return Err(Rejection::BudgetSpent { retry_after });
            }
            RateLimitState::Locked => return Err(Rejection::Locked),
            RateLimitState::ClockFault => return Err(Rejection::ClockFault),
            other => panic!("an unknown rate limit: {other:?}"),
        }

        match self.passcode(&typed) {
            Some(answer) => answer,
            None => self.backup_code(&typed),
        }
    }

    /// Compares the code with every authenticator. Each authenticator that matches uses up its latest
    /// matching time step or counter.
    fn passcode(&mut self, typed: &str) -> Option<Outcome<By>> {
        let now = self.now;
        let mut accepted_by = None;
        let mut replayed = None;
        for place in 0..self.active(self.who).len() {
            let active = &self.active(self.who)[place];
            let used = active.used();
            let matching = self.matching(&active.app, used, typed);
            let later = matching.iter().copied();
            let later = later.filter(|step| is_later(*step, used)).max();
            if let Some(step) = later {
                accepted_by = accepted_by.or(Some(By::App(active.id)));
                self.account().active[place].accepted.push((step, now));
            }
            if !matching.is_empty() {
                replayed = Some(self.replayed(&self.active(self.who)[place].app, used));
            }
        }
        if let Some(by) = accepted_by {
            self.account().throttle.add(Event::FailuresReset);
            return Some(Ok(by));
        }
        Some(Err(replayed?))
    }

    /// The seconds by which the clock of the phone is ahead, at least, if the accepted code came
    /// from a phone.
    pub(crate) fn clock_offset(&self, by: By, at: u64) -> Option<i32> {
        let (By::App(id) | By::Enrollment(id)) = by else {
            return None;
        };
        let active = self
            .active(self.who)
            .iter()
            .find(|active| active.id == id)?;
        let Device::Phone { period, .. } = &active.app.device else {
            return None;
        };
        let begin = active.used()? * period;
        let offset = match at {
            early if early < begin => begin.cast_signed() - early.cast_signed(),
            late if late >= begin + period => {
                (begin + period - 1).cast_signed() - late.cast_signed()
            }
            _ => 0,
        };
        Some(i32::try_from(offset).unwrap())
    }

    /// The answer to a used passcode. If the last used time step lies beyond the window, the user
    /// must wait until a phone whose clock is right shows a later one.
    pub(crate) fn replayed(&self, app: &App, used: Option<u64>) -> Rejection {
        let (_, after) = self.rules.window;
        match (&app.device, used) {
            (Device::Phone { period, .. }, Some(used)) if used > self.now / period + after => {
                let seconds = (used + 1) * period - self.now;
                let retry_after = Duration::from_secs(seconds);
                Rejection::ReplayedAhead { retry_after }
            }
            _ => Rejection::Replayed,
        }
    }

    /// Counts the attempt as a failure, and refunds the failure if the code is right and unused. A
    /// text in the form of a backup code is counted even if the account has no codes.
    fn backup_code(&mut self, typed: &str) -> Outcome<By> {
        let symbols = self.canonical(typed);
        if symbols.is_none() && !are_digits(typed, self.rules.digits) {
            return Err(Rejection::Malformed);
        }
        if let Some(answer) = self.keyed_code(typed) {
            if answer.is_err() {
                self.count_failure();
                self.write(WriteKind::Rejected);
            }
            return answer;
        }
        self.count_failure();
        if symbols.is_none() || self.account().set.is_none() {
            self.write(WriteKind::Rejected);
            return Err(Rejection::WrongCode);
        }
        self.write(WriteKind::Reserved);
        let by_device = self.device.is_some();
        self.redeem_code(symbols, by_device)
    }

    /// Accepts a code that nobody can guess without a hash, if it is right and unused. `None` if it
    /// cannot be a code of such a set.
    fn keyed_code(&mut self, typed: &str) -> Option<Outcome<By>> {
        let symbols = self
            .canonical(typed)
            .filter(|_| self.rules.has_keyed_codes())?;
        self.account().set.as_ref()?;
        let by = self.use_code(Some(symbols));
        if by.is_ok() {
            self.account().throttle.add(Event::FailuresReset);
        }
        Some(by)
    }

    /// Hashes a code that is counted as a failure, and accepts the code if it is right and unused.
    fn redeem_code(&mut self, symbols: Option<String>, by_device: bool) -> Outcome<By> {
        self.journal.push(Entry::Hashed);
        let by = self.use_code(symbols)?;
        self.give_back(by_device);
        Ok(by)
    }

    /// Marks a code of either set as used, if it is right and unused.
    fn use_code(&mut self, symbols: Option<String>) -> Outcome<By> {
        let now = self.now;
        let issued = self.all_codes(self.who);
        let mut issued = issued.map(|code| self.canonical(&read(&code.text).unwrap()));
        let place = issued.position(|code| code == symbols);
        drop(issued);
        let mut place = place.ok_or(Rejection::WrongCode)?;
        let of_current = self.codes(self.who).len();
        let account = self.account();
        if place >= of_current {
            // The first used code of the pending set ends the current one.
            place -= of_current;
            account.set = account.pending_set.take();
        }
        let set = account.set.as_mut().unwrap();
        let codes = &mut set.codes;
        if codes[place].used_at.is_some() {
            return Err(Rejection::BackupCodeUsed);
        }
        codes[place].used_at = Some(now);
        let left = codes.iter().filter(|code| code.used_at.is_none()).count();
        let set = set.number;
        Ok(By::Code {
            set,
            number: u8::try_from(place + 1).unwrap(),
            remaining: u8::try_from(left).unwrap(),
        })
    }

    /// The reason why the same code was counted as a failure before.
    pub(crate) fn repeated_failure(&self, typed: &str) -> Rejection {
        let symbols = self
            .canonical(typed)
            .filter(|_| self.rules.has_keyed_codes());
        let is_used = self.codes(self.who).iter().any(|code| {
            code.used_at.is_some() && self.canonical(&read(&code.text).unwrap()) == symbols
        });
        match is_used {
            true => Rejection::BackupCodeUsed,
            false => Rejection::WrongCode,
        }
    }

    /// Hashes the code of a repeat.
    pub(crate) fn join(&mut self, typed: &str, by_device: bool) -> Outcome<By> {
        let symbols = self.canonical(typed);
        self.redeem_code(symbols, by_device)
    }

    /// Every time step of the window that has this passcode, in order. Or every counter: the last
    /// used one, the next one, and the look-ahead.
    pub(crate) fn matching(&self, app: &App, used: Option<u64>, typed: &str) -> Vec<u64> {
        let candidates = match app.device {
            Device::Phone { period, .. } => {
                let (before, after) = self.rules.window;
                let current = self.now / period;
                current - before..=current + after
            }
            Device::Token(_) => {
                let next = used.map_or(0, |used| used + 1);
                used.unwrap_or(next)..=next + u64::from(self.rules.tokens.unwrap_or_default())
            }
        };
        candidates
            .filter(|number| app.passcode(*number) == typed)
            .collect()
    }

    /// The symbols in the form of a backup code, if they fit.
    fn canonical(&self, symbols: &str) -> Option<String> {
        let length = self.rules.code_length;
        if self.rules.code_letters {
            return as_letters(symbols, length);
        }
        are_digits(symbols, length).then(|| symbols.to_owned())
    }

    /// If an authenticator is active, a password alone is no proof.
    pub(crate) fn must_be_strong_enough(&self, proof: &Proof) -> Outcome {
        match proof {
            Proof::Password { .. } if !self.active(self.who).is_empty() => {
                Err(Rejection::ProofTooWeak)
            }
            _ => Ok(()),
        }
    }

    /// Checks the proof of a change. The caller has checked that the change is possible.
    pub(crate) fn prove(&mut self, proof: &Proof) -> Outcome {
        match proof {
            Proof::Password { checked_at } => self.must_be_fresh(*checked_at),
            Proof::Code(text) => self.attempt(text).map(|_| ()),
            Proof::Reauthenticated { receipt, .. } if receipt.who != self.who => {
                Err(Rejection::ForeignReceipt)
            }
            Proof::Reauthenticated {
                checked_at,
                receipt,
            } => {
                self.must_be_fresh(*checked_at)?;
                self.must_be_fresh(receipt.at)?;
                self.must_be_there(receipt.by)
            }
        }
    }

    /// A text that cannot be a code, and a receipt that this service did not seal, are refused
    /// before the record is loaded.
    pub(crate) fn may_be_read(&self, proof: &Proof) -> Outcome {
        match proof {
            Proof::Code(text) if read(text).is_none() => Err(Rejection::Malformed),
            Proof::Reauthenticated {
                receipt: Receipt { seal, .. },
                ..
            } => match seal {
                Seal::Genuine => Ok(()),
                Seal::Foreign => Err(Rejection::ForeignReceipt),
                Seal::Unknown => Err(Rejection::ProofExpired),
            },
            _ => Ok(()),
        }
    }

    /// At most `proof_age` old, and at most ten seconds ahead.
    fn must_be_fresh(&self, at: u64) -> Outcome {
        let fresh = at <= self.now + 10 && self.now <= at + self.rules.proof_age;
        fresh.then_some(()).ok_or(Rejection::ProofExpired)
    }

    /// A receipt is valid while its authenticator or its code set exists.
    pub(crate) fn must_be_there(&self, by: By) -> Outcome {
        let there = match by {
            By::App(id) | By::Enrollment(id) => self.must_have(id).is_ok(),
            By::Code { set, .. } => self.set(self.who) == Some(set),
        };
        there.then_some(()).ok_or(Rejection::ProofExpired)
    }

    pub(crate) fn must_exist(&self) -> Outcome {
        self.accounts[self.who]
            .as_ref()
            .map(|_| ())
            .ok_or(Rejection::Absent)
    }

    pub(crate) fn must_be_enabled(&self) -> Outcome {
        self.must_exist()?;
        let enabled = !self.active(self.who).is_empty();
        enabled.then_some(()).ok_or(Rejection::Disabled)
    }

    pub(crate) fn must_have(&self, id: AuthenticatorId) -> Outcome {
        let found = self.active(self.who).iter().any(|active| active.id == id);
        found.then_some(()).ok_or(Rejection::UnknownAuthenticator)
    }

    pub(crate) fn must_have_room(&self) -> Outcome {
        let maximum = self.rules.max_authenticators;
        let room = self.active(self.who).len() < usize::from(maximum);
        room.then_some(())
            .ok_or(Rejection::TooManyAuthenticators { maximum })
    }
}

/// Whether a time step or counter is later than the last accepted one.
pub(crate) fn is_later(number: u64, used: Option<u64>) -> bool {
    used.is_none_or(|used| number > used)
}
