//! The attacker, and the guesses that the accounts allow.

use std::collections::VecDeque;

/// The guess budget of an account.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) name: &'static str,
    pub(crate) burst: u64,
    /// The days in which an account gains a guess.
    pub(crate) days_per_guess: u64,
}

/// The default of the policy, and a larger one to compare with.
pub(crate) const BUDGETS: [Budget; 2] = [
    Budget {
        name: "10, and 1 in 3 days",
        burst: 10,
        days_per_guess: 3,
    },
    Budget {
        name: "20, and 1 a day",
        burst: 20,
        days_per_guess: 1,
    },
];

/// The chance that one guess is right: six digits, and three time steps.
pub(crate) const CHANCE: f64 = 3e-6;

/// The guesses that cost no wait.
const AT_ONCE: u64 = 5;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Strategy {
    /// Guesses on as many accounts as possible, as long as there is no alarm.
    FullSpeed,
    /// Knows the rules, and how many owners will type a wrong code today. Stops one account before
    /// the alarm, and spends the whole budget of each account.
    AvoidsAlarm,
}

/// The stolen accounts, in the order of the last visit.
pub(crate) struct Stolen {
    budget: Budget,
    /// So many accounts have so many guesses left from this day on.
    groups: VecDeque<Group>,
}

struct Group {
    accounts: u64,
    left: u64,
    day: u64,
}

impl Stolen {
    pub(crate) fn new(accounts: u64, budget: Budget) -> Self {
        let all = Group {
            accounts,
            left: budget.burst,
            day: 0,
        };
        Self {
            budget,
            groups: VecDeque::from([all]),
        }
    }

    /// Guesses on at most so many accounts, on each at most `most` guesses. Returns the guesses.
    fn visit(&mut self, mut accounts: u64, most: u64, day: u64) -> u64 {
        let mut guesses = 0;
        let mut visited = Vec::new();
        while accounts > 0 {
            let Some(group) = self.groups.front_mut() else {
                break;
            };
            let gained = (day - group.day) / self.budget.days_per_guess;
            let has = (group.left + gained).min(self.budget.burst);
            let spent = has.min(most);
            if spent == 0 {
                break;
            }
            let here = group.accounts.min(accounts);
            guesses += here * spent;
            accounts -= here;
            visited.push(Group {
                accounts: here,
                left: has - spent,
                day,
            });
            group.accounts -= here;
            if group.accounts == 0 {
                self.groups.pop_front();
            }
        }
        self.groups.extend(visited);
        guesses
    }

    /// A day of guesses on at most so many accounts.
    pub(crate) fn attack(&mut self, accounts: u64, strategy: Strategy, day: u64) -> u64 {
        let most = match strategy {
            Strategy::FullSpeed => AT_ONCE,
            Strategy::AvoidsAlarm => u64::MAX,
        };
        self.visit(accounts, most, day)
    }

    /// A day of guesses without an alarm.
    pub(crate) fn attack_all(&mut self, day: u64) -> u64 {
        self.visit(u64::MAX, u64::MAX, day)
    }
}
