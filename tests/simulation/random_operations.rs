//! Random decisions of a run: the time that passes, and the operations of the clients.

use crate::operation::{KnownPhone, Operation, Shown};
use crate::rules::PERIOD;
use crate::seeded_run::{Mode, Settings};
use crate::stores::Database;
use crate::world::World;
use countersign::Timestamp;
use std::time::Duration;

const MINUTE: i64 = 60;
const DAY: u64 = 86_400;
const YEAR: i64 = 365 * 86_400;

impl<D: Database> World<D> {
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        self.checker.lock().unwrap().note(line);
    }

    fn count(&self, event: &'static str) {
        self.checker.lock().unwrap().coverage.count(event);
    }

    /// In one of three runs, the clocks of the servers differ by ten minutes.
    pub(crate) fn set_clocks_apart(&self) {
        if self.decisions.one_in(3) {
            self.servers[1].clock.jump(10 * MINUTE);
            self.count("clock: servers ten minutes apart");
        }
    }

    /// Between two awaits, time passes, clocks jump, and keys rotate.
    pub(crate) fn pass_time(&self, settings: Settings) {
        let is_busy = matches!(settings.mode, Mode::Limits);
        if self.decisions.one_in(if is_busy { 15 } else { 6 }) {
            let seconds = 1 + self.decisions.pick(40) as u64;
            self.time.advance(Duration::from_secs(seconds));
            self.note(|| format!("time: {seconds} s pass"));
        }
        if matches!(settings.mode, Mode::Guessing) && self.decisions.one_in(12) {
            // Attackers wait between guesses.
            let seconds = 30 << self.decisions.pick(6);
            self.time.advance(Duration::from_secs(seconds));
            self.note(|| format!("time: {seconds} s pass"));
        }
        if is_busy && self.decisions.one_in(120) {
            let earlier = *self.decisions.one_of(&[120, DAY as usize]).unwrap();
            let seconds = DAY - self.decisions.pick(earlier) as u64;
            self.time.advance(Duration::from_secs(seconds));
            self.note(|| format!("time: {seconds} s pass"));
        }
        if self.decisions.one_in(settings.jumps) {
            let server = self.decisions.pick(2);
            let (seconds, event) = [
                (10 * MINUTE, "clock: ten minutes ahead"),
                (-10 * MINUTE, "clock: ten minutes back"),
                (YEAR, "clock: a year ahead"),
                (-YEAR, "clock: a year back"),
            ][self.decisions.pick(4)];
            self.servers[server].clock.jump(seconds);
            self.note(|| format!("time: server {server} jumps by {seconds} s"));
            self.count(event);
        }
        if self.decisions.one_in(settings.keys) {
            self.change_keys(self.decisions.pick(2));
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.checker.lock().unwrap().reference.authenticators > 0
    }

    /// The code that all clients use, if they share one, and the request id if they share a form.
    pub(crate) fn code_for_all(&self, mode: Mode) -> Option<(String, Option<u8>)> {
        let code = match mode {
            Mode::DoubleSpend if self.decisions.pick(2) == 0 => self.backup_code(),
            Mode::DoubleSpend => self.passcode(self.decisions.pick(2)),
            _ => None,
        };
        Some((code?, (self.decisions.pick(2) == 0).then_some(1)))
    }

    pub(crate) fn operation(&self, mode: Mode, server: usize) -> Operation {
        let verify = |typed: Option<String>| Operation::Verify {
            typed: typed.unwrap_or_else(|| self.wrong_passcode()),
            request: match self.decisions.pick(4) {
                0 => Some(self.decisions.pick(2) as u8),
                _ => None,
            },
            device: match self.decisions.pick(3) {
                0 => self.device(),
                _ => None,
            },
        };
        let begin = || Operation::Begin {
            replaces: self.authenticator().filter(|_| self.decisions.pick(3) == 0),
            token: self.decisions.pick(3) == 0,
            proof: self.proof(server),
        };
        let confirm = |right| {
            let confirmation = self.confirmation(server, right);
            confirmation.unwrap_or_else(|| verify(self.passcode(server)))
        };
        let issue = || Operation::Issue {
            proof: self.proof(server),
        };
        let saved = || self.saved().unwrap_or_else(issue);
        let remove = || match self.authenticator() {
            Some(id) => Operation::Remove {
                id,
                unless_last: self.decisions.pick(2) == 0,
                proof: self.proof(server),
            },
            None => verify(self.passcode(server)),
        };
        let disable = || Operation::Disable {
            proof: self.proof(server),
        };
        let unlock = || Operation::Unlock {
            confirmed: self.decisions.pick(4) == 0,
        };
        let again = || match self.receipt(server) {
            Some(proof) if self.is_enabled() => proof,
            _ => self.proof(server),
        };
        let row = || {
            let typed = self.row(server);
            typed.map_or_else(|| verify(None), |typed| Operation::VerifyRow { typed })
        };
        let is_busy = matches!(mode, Mode::Limits | Mode::DoubleSpend | Mode::Crowd);
        if !is_busy
            && self.decisions.one_in(8)
            && let Some(operation) = self.device_operation(server)
        {
            return operation;
        }
        let percent = self.decisions.pick(100);
        match mode {
            Mode::Guessing => match percent {
                0..55 => verify(None),
                55..62 => verify(Some(self.wrong_code())),
                62..70 => self.form_again().unwrap_or_else(|| verify(None)),
                70..75 => verify(self.passcode(server)),
                75..80 => row(),
                80..90 => verify(self.backup_code()),
                90..93 => unlock(),
                _ => disable(),
            },
            Mode::Changes => match percent {
                0..22 => begin(),
                22..50 => confirm(true),
                50..56 => confirm(false),
                56..66 => issue(),
                66..70 => saved(),
                70..80 => remove(),
                80..86 => disable(),
                86..88 => Operation::ForceDisable,
                88..89 => Operation::Erase,
                _ => verify(self.passcode(server)),
            },
            Mode::Limits => match percent {
                0..55 => Operation::Begin {
                    replaces: None,
                    token: false,
                    proof: again(),
                },
                55..57 => confirm(true),
                57..76 => Operation::Issue { proof: again() },
                76..86 => verify(self.passcode(server)),
                86..92 => verify(self.backup_code()),
                92..94 => unlock(),
                94..96 => Operation::ForceDisable,
                _ => remove(),
            },
            Mode::Crowd if percent < 40 => unlock(),
            Mode::Crowd if percent < 60 => begin(),
            Mode::Keys if percent < 30 => Operation::Reseal,
            Mode::Mixed | Mode::Keys | Mode::DoubleSpend | Mode::Crowd => match percent {
                0..20 => verify(self.passcode(server)),
                20..24 => row(),
                24..36 => verify(None),
                36..40 => verify(self.typed_before()),
                40..44 => self.form_again().unwrap_or_else(|| verify(None)),
                44..56 => verify(self.backup_code()),
                56..60 => verify(Some(self.wrong_code())),
                60..61 => verify(Some("not a code".into())),
                61..68 => begin(),
                68..76 => confirm(true),
                76..78 => confirm(false),
                78..81 => issue(),
                81..83 => saved(),
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

    /// What an app shows now, or one time step earlier or later. Now is the time of the server's
    /// clock or the right time. Or what a token shows.
    fn passcode(&self, server: usize) -> Option<String> {
        let checker = self.checker.lock().unwrap();
        let active: Vec<_> = checker.phones.iter().filter(|known| known.active).collect();
        let known = match self.decisions.one_of(&active) {
            Some(known) => known,
            None => self.decisions.one_of(&checker.phones)?,
        };
        Some(self.shown_by(known, server))
    }

    /// Three or four consecutive passcodes of an active authenticator. Some are wrong, too old, or
    /// used.
    fn row(&self, server: usize) -> Option<Vec<String>> {
        let checker = self.checker.lock().unwrap();
        let active: Vec<_> = checker.phones.iter().filter(|known| known.active).collect();
        let known = self.decisions.one_of(&active)?;
        let now = self.time_of_a_phone(server);
        let first = match self.decisions.pick(8) {
            0 => -21,
            1 => -4,
            2 => 1,
            3 => 40,
            _ if known.is_token() => 0,
            _ => -2,
        };
        let count = 3 + self.decisions.pick(2) as i64;
        let row = first..first + count;
        let mut typed: Vec<_> = row.map(|ahead| known.passcode(now, ahead)).collect();
        if self.decisions.pick(4) == 0 {
            let place = self.decisions.pick(typed.len());
            typed[place] = self.wrong_passcode();
        }
        Some(typed)
    }

    fn shown_by(&self, known: &KnownPhone, server: usize) -> String {
        if !known.is_token() {
            return known.passcode(self.time_of_a_phone(server), 0);
        }
        // Usually the next counter. Otherwise the last one, an older one, or one that is ahead.
        let ahead = match self.decisions.pick(9) {
            0 => -2,
            1 => -1,
            2 => 1,
            3 => 2,
            4 => 3,
            _ => 0,
        };
        known.passcode(self.now(server), ahead)
    }

    fn time_of_a_phone(&self, server: usize) -> Timestamp {
        let now = match self.decisions.pick(5) {
            0 => self.time.now(),
            _ => self.now(server),
        };
        let now = now.as_unix();
        Timestamp::from_unix(match self.decisions.pick(6) {
            0 => now - PERIOD,
            1 => now + PERIOD,
            _ => now,
        })
    }

    fn wrong_passcode(&self) -> String {
        format!("{:06}", self.decisions.pick(1_000_000))
    }

    fn wrong_code(&self) -> String {
        format!("{:08}", self.decisions.pick(100_000_000))
    }

    fn typed_before(&self) -> Option<String> {
        let checker = self.checker.lock().unwrap();
        self.decisions.one_of(&checker.typed).cloned()
    }

    /// One of the last forms with a request id.
    fn form_again(&self) -> Option<Operation> {
        let checker = self.checker.lock().unwrap();
        let asked = checker.entries.iter().rev().map(|entry| &entry.operation);
        let forms = asked.filter(|operation| operation.request().is_some());
        let last: Vec<_> = forms.take(2).collect();
        self.decisions.one_of(&last).map(|form| (*form).clone())
    }

    /// A backup code that was shown to the user, used or not, of this set or an older set.
    fn backup_code(&self) -> Option<String> {
        let checker = self.checker.lock().unwrap();
        let mut sets: Vec<_> = checker.sets.iter().collect();
        sets.sort();
        let (_, codes) = match self.decisions.pick(4) {
            0 => self.decisions.one_of(&sets)?,
            _ => sets.last()?,
        };
        self.decisions.one_of(codes).cloned()
    }

    /// What the user says about a set of codes, usually about the newest one.
    fn saved(&self) -> Option<Operation> {
        let checker = self.checker.lock().unwrap();
        let mut sets: Vec<_> = checker.set_ids.iter().collect();
        sets.sort_by_key(|(of, _)| **of);
        let (of, set) = match self.decisions.pick(4) {
            0 => self.decisions.one_of(&sets)?,
            _ => sets.last()?,
        };
        let (of, set) = (**of, **set);
        Some(match self.decisions.pick(3) {
            0 => Operation::Discard { of, set },
            _ => Operation::ConfirmSaved { of, set },
        })
    }

    fn authenticator(&self) -> Option<countersign::AuthenticatorId> {
        let checker = self.checker.lock().unwrap();
        let known: Vec<_> = checker.phones.iter().filter_map(|known| known.id).collect();
        self.decisions.one_of(&known).copied()
    }

    /// A confirmation of an enrollment, usually the newest.
    pub(crate) fn confirmation(&self, server: usize, right: bool) -> Option<Operation> {
        let checker = self.checker.lock().unwrap();
        let last = checker.phones.len().checked_sub(1)?;
        let phone = match self.decisions.pick(5) {
            0 => self.decisions.pick(checker.phones.len()),
            _ => last,
        };
        let known = &checker.phones[phone];
        let typed = match right {
            true => self.shown_by(known, server),
            false => self.wrong_passcode(),
        };
        Some(Operation::Confirm {
            phone,
            id: known.enrollment,
            typed,
        })
    }

    /// A receipt with a password check that is usually fresh.
    pub(crate) fn receipt(&self, server: usize) -> Option<Shown> {
        let checker = self.checker.lock().unwrap();
        let receipt = match self.decisions.pick(4) {
            0 => self.decisions.one_of(&checker.receipts)?,
            _ => checker.receipts.last()?,
        };
        let now = self.now(server).as_unix();
        let checked_at = match self.decisions.pick(16) {
            0 | 1 => now - 700,
            2 => now + 5,
            3 => now + 11,
            _ => now,
        };
        let mut kept = receipt.clone();
        let altered = self.decisions.pick(16) == 0;
        if altered {
            let mut text = String::from(kept.sealed);
            let last = text.pop()?;
            // The last character consists of bits of the MAC, or also has bits that must be zero.
            text.push(if last == 'A' { 'Q' } else { 'A' });
            kept.sealed = text.into();
        }
        Some(Shown::Receipt {
            kept,
            altered,
            password_checked_at: Timestamp::from_unix(checked_at),
        })
    }

    /// A proof, more often valid than not.
    fn proof(&self, server: usize) -> Shown {
        let typed =
            |typed: Option<String>| Shown::Typed(typed.unwrap_or_else(|| self.wrong_passcode()));
        let password = Shown::Password(self.now(server));
        if !self.is_enabled() && self.decisions.pick(5) > 0 {
            return password;
        }
        match self.decisions.pick(20) {
            0..8 => typed(self.passcode(server)),
            8..13 => self.receipt(server).unwrap_or(password),
            13..16 => typed(self.backup_code()),
            16 => typed(self.typed_before()),
            17 => typed(None),
            _ => password,
        }
    }
}
