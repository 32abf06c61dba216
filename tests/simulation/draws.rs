//! What is drawn in a life: the time that passes, and what clients do with what they know.

use crate::life::{Mode, Weather};
use crate::operation::{Operation, Shown};
use crate::rules::PERIOD;
use crate::stores::Database;
use crate::world::World;
use countersign::Timestamp;
use std::time::Duration;

const MINUTE: i64 = 60;
const DAY: u64 = 86_400;
const YEAR: i64 = 365 * 86_400;

impl<D: Database> World<D> {
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        self.books.lock().unwrap().note(line);
    }

    fn count(&self, event: &'static str) {
        self.books.lock().unwrap().coverage.count(event);
    }

    /// In every third life the clocks of the machines are ten minutes apart.
    pub(crate) fn set_machines_apart(&self) {
        if self.choices.one_in(3) {
            self.machines[1].clock.jump(10 * MINUTE);
            self.count("clock: machines ten minutes apart");
        }
    }

    /// Between two awaits time goes on, clocks jump, and keys are changed.
    pub(crate) fn pass_time(&self, weather: Weather) {
        let is_busy = matches!(weather.mode, Mode::Limits);
        if self.choices.one_in(if is_busy { 15 } else { 6 }) {
            let seconds = 1 + self.choices.pick(40) as u64;
            self.time.advance(Duration::from_secs(seconds));
            self.note(|| format!("time: {seconds} s pass"));
        }
        if matches!(weather.mode, Mode::Guessing) && self.choices.one_in(12) {
            // Guessers are patient.
            let seconds = 30 << self.choices.pick(6);
            self.time.advance(Duration::from_secs(seconds));
            self.note(|| format!("time: {seconds} s pass"));
        }
        if is_busy && self.choices.one_in(120) {
            let earlier = *self.choices.one_of(&[120, DAY as usize]).unwrap();
            let seconds = DAY - self.choices.pick(earlier) as u64;
            self.time.advance(Duration::from_secs(seconds));
            self.note(|| format!("time: {seconds} s pass"));
        }
        if self.choices.one_in(weather.jumps) {
            let machine = self.choices.pick(2);
            let (seconds, event) = [
                (10 * MINUTE, "clock: ten minutes ahead"),
                (-10 * MINUTE, "clock: ten minutes back"),
                (YEAR, "clock: a year ahead"),
                (-YEAR, "clock: a year back"),
            ][self.choices.pick(4)];
            self.machines[machine].clock.jump(seconds);
            self.note(|| format!("time: machine {machine} jumps by {seconds} s"));
            self.count(event);
        }
        if self.choices.one_in(weather.keys) {
            self.change_keys(self.choices.pick(2));
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.books.lock().unwrap().mirror.authenticators > 0
    }

    /// The one code of a life in which all have the same.
    pub(crate) fn code_for_all(&self, mode: Mode) -> Option<String> {
        match mode {
            Mode::DoubleSpend if self.choices.pick(2) == 0 => self.backup_code(),
            Mode::DoubleSpend => self.passcode(self.choices.pick(2)),
            _ => None,
        }
    }

    pub(crate) fn operation(&self, mode: Mode, machine: usize) -> Operation {
        let verify = |typed: Option<String>| Operation::Verify {
            typed: typed.unwrap_or_else(|| self.wrong_passcode()),
        };
        let begin = || Operation::Begin {
            replaces: self.authenticator().filter(|_| self.choices.pick(3) == 0),
            proof: self.proof(machine),
        };
        let confirm = |right| {
            let confirmation = self.confirmation(machine, right);
            confirmation.unwrap_or_else(|| verify(self.passcode(machine)))
        };
        let issue = || Operation::Issue {
            proof: self.proof(machine),
        };
        let remove = || match self.authenticator() {
            Some(id) => Operation::Remove {
                id,
                proof: self.proof(machine),
            },
            None => verify(self.passcode(machine)),
        };
        let disable = || Operation::Disable {
            proof: self.proof(machine),
        };
        let unlock = || Operation::Unlock {
            compared: self.choices.pick(4) == 0,
        };
        let again = || match self.receipt(machine) {
            Some(proof) if self.is_enabled() => proof,
            _ => self.proof(machine),
        };
        let percent = self.choices.pick(100);
        match mode {
            Mode::Guessing => match percent {
                0..55 => verify(None),
                55..70 => verify(Some(self.wrong_code())),
                70..80 => verify(self.passcode(machine)),
                80..90 => verify(self.backup_code()),
                90..93 => unlock(),
                _ => disable(),
            },
            Mode::Changes => match percent {
                0..22 => begin(),
                22..50 => confirm(true),
                50..56 => confirm(false),
                56..70 => issue(),
                70..80 => remove(),
                80..86 => disable(),
                86..88 => Operation::ForceDisable,
                88..89 => Operation::Erase,
                _ => verify(self.passcode(machine)),
            },
            Mode::Limits => match percent {
                0..55 => Operation::Begin {
                    replaces: None,
                    proof: again(),
                },
                55..57 => confirm(true),
                57..76 => Operation::Issue { proof: again() },
                76..86 => verify(self.passcode(machine)),
                86..92 => verify(self.backup_code()),
                92..94 => unlock(),
                94..96 => Operation::ForceDisable,
                _ => remove(),
            },
            Mode::Crowd if percent < 40 => unlock(),
            Mode::Crowd if percent < 60 => begin(),
            Mode::Keys if percent < 30 => Operation::Reseal,
            Mode::Mixed | Mode::Keys | Mode::DoubleSpend | Mode::Crowd => match percent {
                0..24 => verify(self.passcode(machine)),
                24..36 => verify(None),
                36..44 => verify(self.typed_before()),
                44..56 => verify(self.backup_code()),
                56..60 => verify(Some(self.wrong_code())),
                60..61 => verify(Some("what is this".into())),
                61..68 => begin(),
                68..76 => confirm(true),
                76..78 => confirm(false),
                78..83 => issue(),
                83..86 => remove(),
                86..89 => disable(),
                89..90 => Operation::ForceDisable,
                90..92 => unlock(),
                92..97 => Operation::Reseal,
                97..98 => Operation::Erase,
                _ => Operation::Status,
            },
        }
    }

    /// What an app shows, by the machine's clock or by its own, now or a step off.
    fn passcode(&self, machine: usize) -> Option<String> {
        let books = self.books.lock().unwrap();
        let active: Vec<_> = books.phones.iter().filter(|known| known.active).collect();
        let known = match self.choices.one_of(&active) {
            Some(known) => known,
            None => self.choices.one_of(&books.phones)?,
        };
        Some(known.phone.passcode(self.time_of_a_phone(machine)))
    }

    fn time_of_a_phone(&self, machine: usize) -> Timestamp {
        let now = match self.choices.pick(5) {
            0 => self.time.now(),
            _ => self.now(machine),
        };
        let now = now.as_unix();
        Timestamp::from_unix(match self.choices.pick(6) {
            0 => now - PERIOD,
            1 => now + PERIOD,
            _ => now,
        })
    }

    fn wrong_passcode(&self) -> String {
        format!("{:06}", self.choices.pick(1_000_000))
    }

    fn wrong_code(&self) -> String {
        format!("{:08}", self.choices.pick(100_000_000))
    }

    fn typed_before(&self) -> Option<String> {
        let books = self.books.lock().unwrap();
        self.choices.one_of(&books.typed).cloned()
    }

    /// A backup code that somebody was shown, used or not, of this set or an older one.
    fn backup_code(&self) -> Option<String> {
        let books = self.books.lock().unwrap();
        let mut sets: Vec<_> = books.sets.iter().collect();
        sets.sort();
        let (_, codes) = match self.choices.pick(4) {
            0 => self.choices.one_of(&sets)?,
            _ => sets.last()?,
        };
        self.choices.one_of(codes).cloned()
    }

    fn authenticator(&self) -> Option<countersign::AuthenticatorId> {
        let books = self.books.lock().unwrap();
        let known: Vec<_> = books.phones.iter().filter_map(|known| known.id).collect();
        self.choices.one_of(&known).copied()
    }

    /// A passcode for an enrollment that was begun: the latest one as a rule.
    pub(crate) fn confirmation(&self, machine: usize, right: bool) -> Option<Operation> {
        let books = self.books.lock().unwrap();
        let last = books.phones.len().checked_sub(1)?;
        let phone = match self.choices.pick(5) {
            0 => self.choices.pick(books.phones.len()),
            _ => last,
        };
        let known = &books.phones[phone];
        let typed = match right {
            true => known.phone.passcode(self.time_of_a_phone(machine)),
            false => self.wrong_passcode(),
        };
        Some(Operation::Confirm {
            phone,
            id: known.enrollment,
            typed,
        })
    }

    /// A receipt with a password check that is fresh, as a rule.
    pub(crate) fn receipt(&self, machine: usize) -> Option<Shown> {
        let books = self.books.lock().unwrap();
        let receipt = match self.choices.pick(4) {
            0 => self.choices.one_of(&books.receipts)?,
            _ => books.receipts.last()?,
        };
        let now = self.now(machine).as_unix();
        let checked_at = match self.choices.pick(16) {
            0 | 1 => now - 700,
            2 => now + 5,
            3 => now + 11,
            _ => now,
        };
        let mut kept = receipt.clone();
        let altered = self.choices.pick(16) == 0;
        if altered {
            let mut text = String::from(kept.sealed);
            let last = text.pop()?;
            // The last character has bits that must be zero, or all of it is of the code.
            text.push(if last == 'A' { 'Q' } else { 'A' });
            kept.sealed = text.into();
        }
        Some(Shown::Receipt {
            kept,
            altered,
            password_checked_at: Timestamp::from_unix(checked_at),
        })
    }

    /// A proof, more often good than bad.
    fn proof(&self, machine: usize) -> Shown {
        let typed =
            |typed: Option<String>| Shown::Typed(typed.unwrap_or_else(|| self.wrong_passcode()));
        let password = Shown::Password(self.now(machine));
        if !self.is_enabled() && self.choices.pick(5) > 0 {
            return password;
        }
        match self.choices.pick(20) {
            0..8 => typed(self.passcode(machine)),
            8..13 => self.receipt(machine).unwrap_or(password),
            13..16 => typed(self.backup_code()),
            16 => typed(self.typed_before()),
            17 => typed(None),
            _ => password,
        }
    }
}
