//! One year of one strategy under one policy, with guesses that are known to be wrong, so that every one of them is
//! counted.

use std::thread;

use countersign::AccountId;

use crate::Failure;
use crate::policies::{Rules, YEAR};
use crate::service::{Machine, Service, Verdict};
use crate::strategy::{Staff, Strategy, Way};
use crate::victim::Victim;

/// What a year came to.
#[derive(Default)]
pub(crate) struct Tally {
    /// Guesses that were looked at, by account.
    pub(crate) admitted: Vec<u64>,
    /// Those among the first account's that were sent as a backup code.
    pub(crate) backup_codes: u64,
    pub(crate) logins: u32,
    /// Logins of the owner that were held off.
    pub(crate) held_off: u32,
    /// The most guesses on one account that were looked at in the same second, without a login or an unlocking in
    /// between.
    pub(crate) at_once: u64,
    /// The most unlocks of one account.
    pub(crate) unlocks: u64,
    /// Unlocks that were refused because of a clock.
    pub(crate) refused: u64,
}

/// Attacks every account of the strategy for a year.
pub(crate) fn run(rules: &Rules, strategy: &Strategy, seed: u64) -> Result<Tally, Failure> {
    let service = Service::open(rules, seed, 0)?;
    let targets = (1..=strategy.accounts).map(|number| {
        let account = AccountId::from(number);
        let victim = Victim::enroll(service.machine(), account, strategy.authenticators, true)?;
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
        tally.admitted.push(target.admitted);
        tally.logins += target.logins;
        tally.held_off += target.held_off;
        tally.at_once = tally.at_once.max(target.at_once);
        tally.unlocks = tally.unlocks.max(target.unlocks);
        tally.refused += target.refused;
    }
    tally.backup_codes = targets.first().map_or(0, |target| target.backup_codes);
    Ok(tally)
}

/// One account, and when something happens to it next, in seconds.
struct Target {
    victim: Victim,
    guess_at: u64,
    login_at: u64,
    left: u32,
    turn: usize,
    admitted: u64,
    backup_codes: u64,
    logins: u32,
    held_off: u32,
    at_once: u64,
    unlocks: u64,
    refused: u64,
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
            admitted: 0,
            backup_codes: 0,
            logins: 0,
            held_off: 0,
            at_once: 0,
            unlocks: 0,
            refused: 0,
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
            self.log_in(target)?;
        }
        if login_is_due || elapsed >= target.guess_at {
            self.guess(target, elapsed)?;
        }
        if login_is_due && !self.strategy.spares_the_owner {
            self.log_in(target)?;
            self.guess(target, elapsed)?;
        }
        Ok(())
    }

    /// The owner's daily login. Where staff unlocks, it does so when the owner is held off, and the owner tries again.
    fn log_in(&self, target: &mut Target) -> Result<(), Failure> {
        let machine = self.service.machine();
        target.login_at += DAY;
        target.logins += 1;
        target.left = self.strategy.between_logins;
        match target.victim.log_in(machine)? {
            Verdict::Accepted => {}
            Verdict::HeldOff(_) | Verdict::Locked | Verdict::ClockFault => {
                target.held_off += 1;
                if let Some(staff) = self.strategy.staff {
                    self.unlock(target, staff)?;
                }
            }
            Verdict::Wrong => {
                return Err("the owner's passcode was taken for a wrong one".into());
            }
        }
        Ok(())
    }

    fn unlock(&self, target: &mut Target, staff: Staff) -> Result<(), Failure> {
        let machine = if staff.on_the_second {
            self.service.second_machine()
        } else {
            self.service.machine()
        };
        if machine.unlock(&target.victim.account, staff.clock)? {
            target.unlocks += 1;
            target.victim.log_in(self.service.machine())?;
        } else {
            target.refused += 1;
        }
        Ok(())
    }

    /// Guesses on every machine until none looks at another guess, and notes when one will.
    fn guess(&self, target: &mut Target, elapsed: u64) -> Result<(), Failure> {
        let at_first = target.admitted;
        loop {
            let before = target.admitted;
            target.guess_at = u64::MAX;
            for machine in self.machines(elapsed) {
                let next = self.guess_on(machine, target, elapsed)?;
                target.guess_at = target.guess_at.min(elapsed.saturating_add(next));
            }
            if target.admitted == before {
                target.at_once = target.at_once.max(target.admitted - at_first);
                return Ok(());
            }
        }
    }

    /// Guesses on one machine until it looks at none. Gives the seconds until it will.
    fn guess_on(
        &self,
        machine: &Machine,
        target: &mut Target,
        elapsed: u64,
    ) -> Result<u64, Failure> {
        loop {
            let mut guesses = Vec::new();
            for _ in 0..u32::try_from(self.strategy.threads)?.min(target.left) {
                guesses.push(self.next_guess(target, machine)?);
            }
            if guesses.is_empty() {
                return Ok(u64::MAX);
            }
            while self.hold_the_owner_off(&guesses, machine, target, elapsed)? {
                guesses.pop();
            }
            if guesses.is_empty() {
                // When the budget has gained, or after the owner's login.
                let apart = self.rules.policy.budget_refill().as_secs().min(DAY);
                return Ok(apart - (elapsed - self.begin()) % apart);
            }
            let mut held_off = None;
            for (verdict, guess) in send(&guesses, machine, &target.victim.account)? {
                match verdict {
                    Verdict::Wrong => {
                        target.admitted += 1;
                        target.left = target.left.saturating_sub(1);
                        target.backup_codes += u64::from(matches!(guess.way, Way::BackupCode));
                    }
                    Verdict::HeldOff(wait) => held_off = Some(wait.as_secs()),
                    Verdict::Locked => held_off = Some(u64::MAX),
                    // It ends when this machine's clock has come nearer, or never.
                    Verdict::ClockFault => held_off = Some(HOUR),
                    Verdict::Accepted => return Err("a wrong code was accepted".into()),
                }
            }
            if let Some(seconds) = held_off {
                return Ok(seconds);
            }
        }
    }

    /// Whether these guesses, made now, would hold the owner off at the next login of this year: tried on a copy.
    fn hold_the_owner_off(
        &self,
        guesses: &[Guess],
        machine: &Machine,
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
            guess.send(&machine.on(copy.clone()), account)?;
        }
        self.set(target.login_at);
        let login = target.victim.log_in(&self.service.machine().on(copy))?;
        self.set(elapsed);
        Ok(!matches!(login, Verdict::Accepted))
    }

    /// The machines that the attacker tries now, in order.
    fn machines(&self, elapsed: u64) -> Vec<&Machine> {
        if self.strategy.begins_on_the_second && elapsed < self.begin() + DAY {
            return vec![self.service.second_machine()];
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

    fn next_guess(&self, target: &mut Target, machine: &Machine) -> Result<Guess, Failure> {
        let ways = self.strategy.ways;
        let way = ways.get(target.turn % ways.len()).copied();
        target.turn += 1;
        let way = way.ok_or("the attacker knows no way")?;
        let (victim, now) = (&target.victim, machine.now());
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
    fn send(&self, machine: &Machine, account: &AccountId) -> Result<Verdict, Failure> {
        match self.way {
            Way::Passcode | Way::BackupCode => machine.verify(account, &self.code),
            Way::Proof => machine.disable(account, &self.code),
        }
    }
}

/// Sends guesses at the same time, and gives the verdict on each.
fn send<'a>(
    guesses: &'a [Guess],
    machine: &Machine,
    account: &AccountId,
) -> Result<Vec<(Verdict, &'a Guess)>, Failure> {
    if let [guess] = guesses {
        return Ok(vec![(guess.send(machine, account)?, guess)]);
    }
    thread::scope(|scope| {
        let send = |guess: &'a Guess| scope.spawn(move || guess.send(machine, account));
        let threads: Vec<_> = guesses.iter().map(send).collect();
        let joined = threads.into_iter().zip(guesses).map(|(thread, guess)| {
            let verdict = thread.join().map_err(|_| "a thread of the attacker died")?;
            Ok((verdict?, guess))
        });
        joined.collect()
    })
}

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
