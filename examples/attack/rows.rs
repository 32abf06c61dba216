//! Simulates a year in which the attacker uses up every limit of the account, and the owner signs in
//! with consecutive passcodes. Measures how long the owner needs.

use std::thread;

use countersign::AccountId;

use crate::Failure;
use crate::policies::{Rules, YEAR};
use crate::repeatable_random::RepeatableRandom;
use crate::service::{Outcome, Server, Service};
use crate::strategy::{Clocks, Way};
use crate::victim::Victim;

/// An attacker who guesses whenever the verifier checks a guess, and an owner.
pub(crate) struct Siege {
    pub(crate) name: &'static str,
    pub(crate) authenticators: u8,
    /// The ways in which the attacker guesses, in turn.
    ways: &'static [Way],
    /// The days from one sign-in of the owner to the next.
    days: u64,
    /// The wrong rows of passcodes that the attacker sends in the first second of each refused
    /// sign-in.
    rows: u32,
    /// The threads that guess while the verifier checks the owner's passcodes.
    threads: usize,
}

const DAILY: Siege = Siege {
    name: "guesses whenever possible",
    authenticators: 1,
    ways: &[Way::Passcode],
    days: 1,
    rows: 1,
    threads: 0,
};

pub(crate) const SIEGES: [Siege; 7] = [
    DAILY,
    Siege {
        name: "backup codes only",
        ways: &[Way::BackupCode],
        ..DAILY
    },
    Siege {
        name: "all kinds of codes in turn",
        ways: &[Way::Passcode, Way::BackupCode, Way::Proof],
        ..DAILY
    },
    Siege {
        name: "on five authenticators",
        authenticators: 5,
        ..DAILY
    },
    Siege {
        name: "locks between logins",
        days: 300,
        ..DAILY
    },
    Siege {
        name: "in parallel with the owner",
        threads: 4,
        ..DAILY
    },
    Siege {
        name: "10,000 wrong rows per second",
        days: 73,
        rows: 10_000,
        ..DAILY
    },
];

/// The counts of a year.
#[derive(Default)]
pub(crate) struct Tally {
    /// The guesses that were checked.
    pub(crate) checked: u64,
    /// The sign-ins of the owner, and how many of them were refused because of a limit.
    pub(crate) logins: u32,
    pub(crate) refused: u32,
    /// How many of those were in a lock-out.
    pub(crate) locked: u32,
    /// The longest time from such a refusal to the login, in seconds, without a lock-out and with.
    pub(crate) longest: [u64; 2],
    /// The wrong rows of passcodes that were checked.
    pub(crate) rows: u64,
}

pub(crate) fn run(rules: &Rules, siege: &Siege, seed: u64) -> Result<Tally, Failure> {
    let service = Service::open(rules, seed, 0)?;
    let victim = Victim::enroll(
        service.server(),
        AccountId::from(1),
        siege.authenticators,
        true,
    )?;
    let random = RepeatableRandom::new(seed, 7);
    let mut year = Year {
        rules,
        siege,
        service: &service,
        victim: &victim,
        guess_at: BEGIN,
        last_step: 0,
        turn: 0,
        tally: Tally::default(),
    };
    let mut day = siege.days;
    while day * DAY <= YEAR {
        // At any second of the day.
        let login_at = BEGIN + (day - 1) * DAY + random.next() % (DAY - HOUR);
        year.guess_until(login_at)?;
        let since = year.log_in(login_at)?;
        // On a second device, at once.
        year.guess_at = since;
        year.guess_until(since)?;
        year.log_in(since)?;
        day += siege.days;
    }
    year.guess_until(BEGIN + YEAR)?;
    Ok(year.tally)
}

struct Year<'a> {
    rules: &'a Rules,
    siege: &'a Siege,
    service: &'a Service,
    victim: &'a Victim,
    /// When the verifier checks the next guess.
    guess_at: u64,
    /// The last time step that the owner used.
    last_step: u64,
    /// How many guesses the attacker has sent.
    turn: usize,
    tally: Tally,
}

impl Year<'_> {
    fn server(&self) -> &Server {
        self.service.server()
    }

    /// Guesses whenever the verifier checks a guess, up to this second.
    fn guess_until(&mut self, end: u64) -> Result<(), Failure> {
        while self.guess_at <= end {
            self.service.set(self.guess_at, Clocks::Right);
            self.guess_at = loop {
                match self.guess()? {
                    Outcome::Wrong => self.tally.checked += 1,
                    Outcome::RateLimited(wait) => break self.guess_at + wait.as_secs(),
                    Outcome::Locked => break u64::MAX,
                    _ => return Err("a guess had another answer".into()),
                }
            };
        }
        Ok(())
    }

    fn guess(&mut self) -> Result<Outcome, Failure> {
        let ways = self.siege.ways;
        let way = ways.get(self.turn % ways.len()).copied();
        self.turn += 1;
        let (server, account) = (self.server(), &self.victim.account);
        let wrong = self.victim.wrong_passcode(self.rules, server.now())?;
        match way.ok_or("the siege has no way to guess")? {
            Way::Passcode => server.verify(account, &wrong),
            Way::Proof => server.disable(account, &wrong),
            Way::BackupCode => {
                let wrong = self.victim.wrong_backup_code(self.rules, server.now())?;
                server.verify(account, &wrong)
            }
        }
    }

    /// The owner signs in, and returns when that was done.
    fn log_in(&mut self, at: u64) -> Result<u64, Failure> {
        self.tally.logins += 1;
        self.service.set(at, Clocks::Right);
        let now = self.server().now();
        let step = Victim::step(now);
        if step > self.last_step {
            let locked = match self.victim.log_in(self.server())? {
                Outcome::Accepted => {
                    self.last_step = step;
                    return Ok(at);
                }
                Outcome::Locked => true,
                Outcome::RateLimited(_) => false,
                _ => return Err("the owner's passcode had another answer".into()),
            };
            return self.log_in_with_row(at, step, locked);
        }
        // The passcode of this step is used up, so the owner types the next ones.
        let locked = match self.guess()? {
            Outcome::Locked => true,
            Outcome::RateLimited(_) => false,
            _ => return Err("no limit holds the owner off".into()),
        };
        self.log_in_with_row(at, self.last_step + 1, locked)
    }

    /// The owner types passcodes from this step on, each as soon as the app shows it.
    fn log_in_with_row(&mut self, at: u64, first: u64, locked: bool) -> Result<u64, Failure> {
        let count = if locked {
            4
        } else {
            u64::from(self.rules.policy.consecutive_codes().count)
        };
        let last = first + count - 1;
        let ready = at + Victim::begin_of(last).saturating_since(self.server().now());
        self.tally.refused += 1;
        self.tally.locked += u32::from(locked);
        self.send_wrong_rows(at, self.siege.rows)?;
        self.guess_until(ready)?;
        self.service.set(ready, Clocks::Right);
        let row: Vec<String> = (first..=last)
            .map(|step| self.victim.passcode(step))
            .collect();
        match self.send_among_guesses(&row)? {
            Outcome::Accepted => {}
            _ => return Err("the owner's consecutive passcodes were refused".into()),
        }
        self.last_step = last;
        let [unlocked, after_lock] = &mut self.tally.longest;
        let longest = if locked { after_lock } else { unlocked };
        *longest = (*longest).max(ready - at);
        self.guess_at = ready;
        Ok(ready)
    }

    /// The owner's passcodes, while threads of the attacker guess.
    fn send_among_guesses(&mut self, row: &[String]) -> Result<Outcome, Failure> {
        let (server, account) = (self.server(), &self.victim.account);
        let wrong = self.victim.wrong_passcode(self.rules, server.now())?;
        let (outcome, guesses) = thread::scope(|scope| {
            let guess = || scope.spawn(|| server.verify(account, &wrong));
            let threads: Vec<_> = (0..self.siege.threads).map(|_| guess()).collect();
            let outcome = server.verify_consecutive(account, row);
            let joined = threads.into_iter().map(|thread| thread.join());
            (outcome, joined.collect::<Vec<_>>())
        });
        for guess in guesses {
            match guess.map_err(|_| "a thread of the attacker died")?? {
                Outcome::Wrong => self.tally.checked += 1,
                Outcome::RateLimited(_) | Outcome::Locked => {}
                _ => return Err("a guess had another answer".into()),
            }
        }
        outcome
    }

    /// Wrong rows. One passcode of each is right, as if the attacker had guessed it.
    fn send_wrong_rows(&mut self, at: u64, rows: u32) -> Result<(), Failure> {
        self.service.set(at, Clocks::Right);
        let now = self.server().now();
        let wrong = self.victim.wrong_passcode(self.rules, now)?;
        let right = self.victim.passcode(Victim::step(now));
        let row = [wrong.clone(), right, wrong];
        let before = self.service.copy_of(&self.victim.account)?;
        for _ in 0..rows {
            match self
                .server()
                .verify_consecutive(&self.victim.account, &row)?
            {
                Outcome::Wrong | Outcome::Locked => self.tally.rows += 1,
                _ => return Err("a wrong row had another answer".into()),
            }
        }
        if !self.service.is_unchanged(&before, &self.victim.account)? {
            return Err("a wrong row was written".into());
        }
        Ok(())
    }
}

const BEGIN: u64 = HOUR;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
