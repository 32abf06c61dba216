//! Days of a service, with the rules of the library.

use countersign::vigilance::{AlarmRules, History};

use crate::attacker::{Budget, CHANCE, Stolen, Strategy};
use crate::owners::{Honest, Service};
use crate::repeatable_random::RepeatableRandom;

/// Which accounts count.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Counted {
    /// Every account with a wrong code.
    Wrong,
    /// The accounts whose wrong code is not resolved: as the library counts.
    Unresolved,
}

impl Counted {
    /// What the owners add to the day's count, and the most that they have at any time.
    fn of(self, honest: Honest) -> (u32, u32) {
        match self {
            Self::Wrong => (honest.wrong, honest.wrong),
            Self::Unresolved => (honest.unresolved, honest.unresolved + honest.open),
        }
    }
}

/// The quiet days before a simulation begins.
const BEFORE: u64 = 60;

/// A service after its first days, without an attacker.
fn quiet(
    service: &Service,
    counted: Counted,
    rules: &AlarmRules,
    random: &RepeatableRandom,
) -> History {
    let mut history = History::new();
    let stands_still = Service {
        growth: 0.0,
        ..*service
    };
    for day in 0..BEFORE {
        let (accounts, _) = counted.of(stands_still.day(day, random));
        history.close(day, accounts, rules);
    }
    history
}

/// The days with an alarm, of a year without an attacker.
pub(crate) fn false_alarms(
    service: &Service,
    counted: Counted,
    rules: &AlarmRules,
    random: &RepeatableRandom,
) -> u32 {
    let mut history = quiet(service, counted, rules, random);
    let mut alarms = 0;
    for day in 0..365 {
        let (accounts, most) = counted.of(service.day(day, random));
        alarms += u32::from(history.status(most, rules).is_alarm());
        history.close(BEFORE + day, accounts, rules);
    }
    alarms
}

/// An attack on a service whose passwords are all stolen. Returns the expected number of accounts that
/// the attacker gets into.
pub(crate) fn attack(
    service: &Service,
    (counted, rules): (Counted, &AlarmRules),
    (budget, strategy): (Budget, Strategy),
    days: u64,
    random: &RepeatableRandom,
) -> f64 {
    let mut history = quiet(service, counted, rules, random);
    let mut stolen = Stolen::new(service.accounts as u64, budget);
    let mut lost = 0.0;
    for day in 0..days {
        let (honest, most) = counted.of(service.day(day, random));
        let limit = history.status(0, rules).limit.unwrap_or(u32::MAX);
        let (accounts, is_alarm) = match strategy {
            // At the beginning of the day, before any owner.
            Strategy::FullSpeed => (limit, true),
            Strategy::AvoidsAlarm => (limit.saturating_sub(1).saturating_sub(most), false),
        };
        let guesses = stolen.attack(accounts.into(), strategy, day);
        lost += guesses as f64 * CHANCE;
        // During an alarm, strangers cannot type a single wrong code.
        let total = if is_alarm { limit } else { honest + accounts };
        history.close(BEFORE + day, total, rules);
    }
    lost
}

/// The accounts that are lost without a vigilance.
pub(crate) fn unwatched(service: &Service, budget: Budget, days: u64) -> f64 {
    let mut stolen = Stolen::new(service.accounts as u64, budget);
    let guesses: u64 = (0..days).map(|day| stolen.attack_all(day)).sum();
    guesses as f64 * CHANCE
}

/// The limit of an average day, and the accounts of the owners on it.
pub(crate) fn limit_and_owners(
    service: &Service,
    counted: Counted,
    rules: &AlarmRules,
    random: &RepeatableRandom,
) -> (u32, u32) {
    const DAYS: u64 = 365;
    let history = quiet(service, counted, rules, random);
    let limit = history.status(0, rules).limit.unwrap_or(u32::MAX);
    let owners = (0..DAYS).map(|day| u64::from(counted.of(service.day(day, random)).0));
    let mean = owners.sum::<u64>() / DAYS;
    (limit, mean as u32)
}
