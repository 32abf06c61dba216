//! One year of one strategy under one policy. All guesses are wrong, so that every guess is
//! counted.

use std::thread;

use countersign::AccountId;

use crate::Failure;
use crate::policies::{Rules, YEAR};
use crate::service::{Outcome, Server, Service};
use crate::strategy::{Staff, Strategy, Way};
use crate::victim::Victim;

/// The counts of a year.
#[derive(Default)]
pub(crate) struct Tally {
    /// The guesses that were checked, by account.
    pub(crate) checked: Vec<u64>,
    /// The backup codes among the guesses at the first account.
    pub(crate) backup_codes: u64,
    pub(crate) logins: u32,
    /// The logins of the owner that were refused.
    pub(crate) refused_logins: u32,
    /// The longest time from a refused login of the owner to a login with consecutive passcodes, in
    /// seconds, without a lock-out and with.
    pub(crate) longest: [u64; 2],
    /// The most guesses at one account that were checked in the same second, without a login or an
    /// unlock in between.
    pub(crate) at_once: u64,
    /// The most unlocks of one account.
    pub(crate) unlocks: u64,
    /// The unlocks that were refused because of a clock.
    pub(crate) refused_unlocks: u64,
}

/// Attacks every account of the strategy for a year.
pub(crate) fn run(rules: &Rules, strategy: &Strategy, seed: u64) -> Result<Tally, Failure> {
    let service = Service::open(rules, seed, 0)?;
    let targets = (1..=strategy.accounts).map(|number| {
        let account = AccountId::from(number);
        let victim = Victim::enroll(service.server(), account, strategy.authenticators, true)?;
        Ok(Target::new(victim, strategy))
    });
    let mut targets = targets.collect::<Result<Vec<_>, Failure>>()?;
    let attack = Attack {
        rules,
        strategy,
        service: &service,
    };
    let mut elapsed = attack.begin();
    while elapsed <= attack.end() {
        attack.set(elapsed);
        for target in &mut targets {
            attack.act(target, elapsed)?;
        }
        let next = targets
            .iter()
            .map(|target| target.guess_at.min(target.login_at));
        elapsed = next.min().unwrap_or(u64::MAX).max(elapsed + 1);
    }
    let mut tally = Tally::default();
    for target in &targets {
        tally.checked.push(target.checked);
        tally.logins += target.logins;
        tally.refused_logins += target.refused_logins;
        for (longest, of_target) in tally.longest.iter_mut().zip(target.longest) {
            *longest = (*longest).max(of_target);
        }
        tally.at_once = tally.at_once.max(target.at_once);
        tally.unlocks = tally.unlocks.max(target.unlocks);
        tally.refused_unlocks += target.refused_unlocks;
    }
    tally.backup_codes = targets.first().map_or(0, |target| target.backup_codes);
    Ok(tally)
}

/// One account, and the times of its next guess and login, in seconds.
struct Target {
    victim: Victim,
    guess_at: u64,
    login_at: u64,
    left: u32,
    turn: usize,
    checked: u64,
    backup_codes: u64,
    logins: u32,
    refused_logins: u32,
    longest: [u64; 2],
    at_once: u64,
    unlocks: u64,
    refused_unlocks: u64,
}

impl Target {
    const fn new(victim: Victim, strategy: &Strategy) -> Self {
        let begin = strategy.age.as_secs();
        Self {
            victim,
            guess_at: begin,
            login_at: begin + DAY,
            left: strategy.between_logins,
            turn: 0,
            checked: 0,
            backup_codes: 0,
            logins: 0,
            refused_logins: 0,
            longest: [0; 2],
            at_once: 0,
            unlocks: 0,
            refused_unlocks: 0,
        }
    }
}

struct Attack<'a> {
    rules: &'a Rules,
    strategy: &'a Strategy,
    service: &'a Service,
}

impl Attack<'_> {
    fn act(&self, target: &mut Target, elapsed: u64) -> Result<(), Failure> {
        let login_is_due = elapsed >= target.login_at;
        if login_is_due && self.strategy.spares_the_owner {
            self.log_in(target, elapsed)?;
        }
        if login_is_due || elapsed >= target.guess_at {
            self.guess(target, elapsed)?;
        }
        if login_is_due && !self.strategy.spares_the_owner {
            self.log_in(target, elapsed)?;
            self.guess(target, elapsed)?;
        }
        Ok(())
    }

    /// The owner's daily login. If the owner must wait and the staff unlocks accounts, the owner
    /// tries again.
    fn log_in(&self, target: &mut Target, elapsed: u64) -> Result<(), Failure> {
        let server = self.service.server();
        target.login_at += DAY;
        target.logins += 1;
        target.left = self.strategy.between_logins;
        match target.victim.log_in(server)? {
            Outcome::Accepted => {}
            refused @ (Outcome::RateLimited(_) | Outcome::Locked | Outcome::ClockFault) => {
                target.refused_logins += 1;
                self.log_in_with_row(target, elapsed, matches!(refused, Outcome::Locked))?;
                if let Some(staff) = self.strategy.staff {
                    self.unlock(target, staff)?;
                }
            }
            Outcome::Wrong => {
                return Err("the owner's passcode was rejected as wrong".into());
            }
        }
        Ok(())
    }

    /// The owner types consecutive passcodes, each as soon as the app shows it, on a copy of the
    /// account.
    fn log_in_with_row(
        &self,
        target: &mut Target,
        elapsed: u64,
        locked: bool,
    ) -> Result<(), Failure> {
        let (server, account) = (self.service.server(), &target.victim.account);
        let least = self.rules.policy.consecutive_codes().count;
        let count = if locked { 4 } else { u64::from(least) };
        let first = Victim::step(server.now());
        let last = first + count - 1;
        let seconds = Victim::begin_of(last).saturating_since(server.now());
        let row: Vec<String> = (first..=last)
            .map(|step| target.victim.passcode(step))
            .collect();
        let copy = self.service.copy_of(account)?;
        self.set(elapsed + seconds);
        let outcome = server.on(copy).verify_consecutive(account, &row)?;
        self.set(elapsed);
        if !matches!(outcome, Outcome::Accepted) {
            return Err("the owner's consecutive passcodes were refused".into());
        }
        let [unlocked, after_lock] = &mut target.longest;
        let longest = if locked { after_lock } else { unlocked };
        *longest = (*longest).max(seconds);
        Ok(())
    }

    fn unlock(&self, target: &mut Target, staff: Staff) -> Result<(), Failure> {
        let server = if staff.on_the_second {
            self.service.second_server()
        } else {
            self.service.server()
        };
        if server.unlock(&target.victim.account, staff.clock)? {
            target.unlocks += 1;
            target.victim.log_in(self.service.server())?;
        } else {
            target.refused_unlocks += 1;
        }
        Ok(())
    }

    /// Guesses on every server until no server checks another guess. Stores the time at which a
    /// server will check the next guess.
    fn guess(&self, target: &mut Target, elapsed: u64) -> Result<(), Failure> {
        let at_first = target.checked;
        loop {
            let before = target.checked;
            target.guess_at = u64::MAX;
            for server in self.servers(elapsed) {
                let next = self.guess_on(server, target, elapsed)?;
                target.guess_at = target.guess_at.min(elapsed.saturating_add(next));
            }
            if target.checked == before {
                target.at_once = target.at_once.max(target.checked - at_first);
                return Ok(());
            }
        }
    }

    /// Guesses on one server until the server checks no more guesses. Returns the seconds until the
    /// server will check another guess.
    fn guess_on(&self, server: &Server, target: &mut Target, elapsed: u64) -> Result<u64, Failure> {
        loop {
            let mut guesses = Vec::new();
            for _ in 0..u32::try_from(self.strategy.threads)?.min(target.left) {
                guesses.push(self.next_guess(target, server)?);
            }
            if guesses.is_empty() {
                return Ok(u64::MAX);
            }
            while self.would_block_owner(&guesses, server, target, elapsed)? {
                guesses.pop();
            }
            if guesses.is_empty() {
                // Continues after the next refill of the budget, or after the owner's login.
                let pause = self.rules.policy.budget_refill().as_secs().min(DAY);
                return Ok(pause - (elapsed - self.begin()) % pause);
            }
            let mut retry_after = None;
            for (outcome, guess) in send(&guesses, server, &target.victim.account)? {
                match outcome {
                    Outcome::Wrong => {
                        target.checked += 1;
                        target.left = target.left.saturating_sub(1);
                        target.backup_codes += u64::from(matches!(guess.way, Way::BackupCode));
                    }
                    Outcome::RateLimited(wait) => retry_after = Some(wait.as_secs()),
                    Outcome::Locked => retry_after = Some(u64::MAX),
                    // The fault ends only if the difference between the clocks shrinks.
                    Outcome::ClockFault => retry_after = Some(HOUR),
                    Outcome::Accepted => return Err("a wrong code was accepted".into()),
                }
            }
            if let Some(seconds) = retry_after {
                return Ok(seconds);
            }
        }
    }

    /// Tries these guesses on a copy, and returns whether the owner would have to wait at the next
    /// login of this year.
    fn would_block_owner(
        &self,
        guesses: &[Guess],
        server: &Server,
        target: &Target,
        elapsed: u64,
    ) -> Result<bool, Failure> {
        let spared = self.strategy.spares_the_owner && target.login_at <= self.end();
        if !spared || guesses.is_empty() {
            return Ok(false);
        }
        let account = &target.victim.account;
        let copy = self.service.copy_of(account)?;
        for guess in guesses {
            guess.send(&server.on(copy.clone()), account)?;
        }
        self.set(target.login_at);
        let login = target.victim.log_in(&self.service.server().on(copy))?;
        self.set(elapsed);
        Ok(!matches!(login, Outcome::Accepted))
    }

    /// The servers that the attacker uses now, in order.
    fn servers(&self, elapsed: u64) -> Vec<&Server> {
        if self.strategy.begins_on_the_second && elapsed < self.begin() + DAY {
            return vec![self.service.second_server()];
        }
        self.service.by_clock().into()
    }

    fn set(&self, elapsed: u64) {
        self.service.set(elapsed, self.strategy.clocks);
    }

    const fn begin(&self) -> u64 {
        self.strategy.age.as_secs()
    }

    const fn end(&self) -> u64 {
        self.begin() + YEAR
    }

    fn next_guess(&self, target: &mut Target, server: &Server) -> Result<Guess, Failure> {
        let ways = self.strategy.ways;
        let way = ways.get(target.turn % ways.len()).copied();
        target.turn += 1;
        let way = way.ok_or("the strategy has no way to guess")?;
        let (victim, now) = (&target.victim, server.now());
        let code = match way {
            Way::Passcode | Way::Proof => victim.wrong_passcode(self.rules, now)?,
            Way::BackupCode => victim.wrong_backup_code(self.rules, now)?,
        };
        Ok(Guess { way, code })
    }
}

struct Guess {
    way: Way,
    code: String,
}

impl Guess {
    fn send(&self, server: &Server, account: &AccountId) -> Result<Outcome, Failure> {
        match self.way {
            Way::Passcode | Way::BackupCode => server.verify(account, &self.code),
            Way::Proof => server.disable(account, &self.code),
        }
    }
}

/// Sends guesses at the same time, and returns the outcome of each.
fn send<'a>(
    guesses: &'a [Guess],
    server: &Server,
    account: &AccountId,
) -> Result<Vec<(Outcome, &'a Guess)>, Failure> {
    if let [guess] = guesses {
        return Ok(vec![(guess.send(server, account)?, guess)]);
    }
    thread::scope(|scope| {
        let send = |guess: &'a Guess| scope.spawn(move || guess.send(server, account));
        let threads: Vec<_> = guesses.iter().map(send).collect();
        let joined = threads.into_iter().zip(guesses).map(|(thread, guess)| {
            let outcome = thread.join().map_err(|_| "a thread of the attacker died")?;
            Ok((outcome?, guess))
        });
        joined.collect()
    })
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
