//! A vigilance of one process.

use super::{AccountTag, AlarmRules, DayKey, DayStatus, History, Observation, Vigilance};
use crate::otp::RandomError;
use crate::runtime::RandomSource;
use crate::{AccountId, Timestamp};
use core::fmt;
use std::boxed::Box;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`Vigilance`] in the memory of one process.
///
/// It keeps at most 2<sup>20</sup> accounts of one day: some 50 MB. A process that ends forgets
/// them. Keep the [`history`](Self::history) over a restart, or else the next seven days have no
/// alarm.
///
/// ```
/// use countersign::vigilance::{History, MemoryVigilance};
///
/// // At the start of the process: the text that the last one saved, if there is one.
/// let history: History = "1".parse()?;
/// let vigilance = MemoryVigilance::new().with_history(history);
///
/// // From time to time, and at the end: save this text.
/// let text = vigilance.history().to_string();
/// # assert_eq!(text, "1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryVigilance {
    random: Box<dyn RandomSource>,
    rules: AlarmRules,
    state: Mutex<State>,
}

struct State {
    history: History,
    today: Option<Today>,
}

/// The accounts of one day.
struct Today {
    day: u64,
    key: DayKey,
    accounts: HashMap<AccountTag, Seen>,
    unresolved: u32,
}

/// What happened to an account on this day.
#[derive(Clone, Copy)]
enum Seen {
    /// A wrong code, first at this time.
    Wrong(Timestamp),
    /// A wrong code, and an accepted one soon after.
    Resolved,
}

/// The most accounts of a day.
const MOST: usize = 1 << 20;

const DAY: u64 = 86_400;

impl MemoryVigilance {
    /// A vigilance with the default rules and no history.
    #[cfg(feature = "getrandom")]
    #[must_use]
    pub fn new() -> Self {
        Self::with_random(crate::runtime::SystemRandom)
    }

    /// The same, with your own random source.
    pub fn with_random(random: impl RandomSource + 'static) -> Self {
        Self {
            random: Box::new(random),
            rules: AlarmRules::default(),
            state: Mutex::new(State {
                history: History::new(),
                today: None,
            }),
        }
    }

    /// Sets the rules. Default: [`AlarmRules::default`].
    #[must_use]
    pub fn with_rules(self, rules: AlarmRules) -> Self {
        Self { rules, ..self }
    }

    /// Sets the history of the days before.
    #[must_use]
    pub fn with_history(self, history: History) -> Self {
        self.state().history = history;
        self
    }

    /// Returns the history of the days before the present one.
    #[must_use]
    pub fn history(&self) -> History {
        self.state().history.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, observation: Observation<'_>, now: Timestamp) -> Result<DayStatus, RandomError> {
        let mut state = self.state();
        let State { history, today } = &mut *state;
        let day = now.as_unix().checked_div(DAY).unwrap_or_default();
        // A clock that runs back stays in the later day.
        if let Some(over) = today.take_if(|today| today.day < day) {
            history.close(over.day, over.unresolved, &self.rules);
        }
        let today = match today {
            Some(today) => today,
            None => today.insert(Today::new(day, DayKey::generate(&*self.random)?)),
        };
        match observation {
            Observation::WrongCode { account } => today.wrong_code(account, now),
            Observation::AcceptedAfterWrongCode { account } => {
                today.accepted(account, now, &self.rules);
            }
            Observation::None => {}
        }
        Ok(history.status(today.unresolved, &self.rules))
    }
}

impl Today {
    fn new(day: u64, key: DayKey) -> Self {
        Self {
            day,
            key,
            accounts: HashMap::new(),
            unresolved: 0,
        }
    }

    fn wrong_code(&mut self, account: &AccountId, now: Timestamp) {
        let tag = self.key.tag(account);
        let is_counted = match self.accounts.get(&tag) {
            Some(Seen::Wrong(_)) => true,
            Some(Seen::Resolved) => false,
            None => self.accounts.len() >= MOST,
        };
        if !is_counted {
            self.accounts.insert(tag, Seen::Wrong(now));
            self.unresolved = self.unresolved.saturating_add(1);
        }
    }

    fn accepted(&mut self, account: &AccountId, now: Timestamp, rules: &AlarmRules) {
        let tag = self.key.tag(account);
        if let Some(seen) = self.accounts.get_mut(&tag)
            && let Seen::Wrong(at) = *seen
            && now.saturating_since(at) < rules.resolve_within.as_secs()
        {
            *seen = Seen::Resolved;
            self.unresolved = self.unresolved.saturating_sub(1);
        }
    }
}

impl Vigilance for MemoryVigilance {
    type Error = RandomError;

    async fn observe(
        &self,
        observation: Observation<'_>,
        now: Timestamp,
    ) -> Result<DayStatus, RandomError> {
        self.note(observation, now)
    }
}

#[cfg(feature = "getrandom")]
impl Default for MemoryVigilance {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryVigilance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryVigilance")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "getrandom")]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    fn at(day: u64, seconds: u64) -> Timestamp {
        let days = day.saturating_add(20_000).saturating_mul(DAY);
        Timestamp::from_unix(days).saturating_add(seconds)
    }

    fn accounts(vigilance: &MemoryVigilance, now: Timestamp) -> u32 {
        vigilance.note(Observation::None, now).unwrap().accounts
    }

    fn wrong(vigilance: &MemoryVigilance, account: u32, now: Timestamp) {
        let account = &AccountId::from(account);
        let observation = Observation::WrongCode { account };
        vigilance.note(observation, now).unwrap();
    }

    fn accepted(vigilance: &MemoryVigilance, account: u32, now: Timestamp) {
        let account = &AccountId::from(account);
        let observation = Observation::AcceptedAfterWrongCode { account };
        vigilance.note(observation, now).unwrap();
    }

    #[test]
    fn an_account_counts_once_a_day() {
        let vigilance = MemoryVigilance::new();
        for second in 0..5 {
            wrong(&vigilance, 1, at(0, second));
            wrong(&vigilance, 2, at(0, second));
        }
        assert_eq!(accounts(&vigilance, at(0, 80_000)), 2);
        assert_eq!(accounts(&vigilance, at(1, 0)), 0);
        wrong(&vigilance, 1, at(1, 5));
        assert_eq!(accounts(&vigilance, at(1, 6)), 1);
    }

    #[test]
    fn a_code_accepted_in_time_resolves() {
        let vigilance = MemoryVigilance::new();
        wrong(&vigilance, 1, at(0, 0));
        accepted(&vigilance, 2, at(0, 1));
        assert_eq!(accounts(&vigilance, at(0, 2)), 1);
        accepted(&vigilance, 1, at(0, 599));
        accepted(&vigilance, 1, at(0, 599));
        assert_eq!(accounts(&vigilance, at(0, 5000)), 0);
        wrong(&vigilance, 1, at(0, 6000));
        assert_eq!(accounts(&vigilance, at(0, 6000)), 1, "again");
    }

    #[test]
    fn a_code_accepted_too_late_resolves_nothing() {
        let vigilance = MemoryVigilance::new();
        wrong(&vigilance, 1, at(0, 0));
        wrong(&vigilance, 1, at(0, 300));
        accepted(&vigilance, 1, at(0, 600));
        assert_eq!(accounts(&vigilance, at(0, 600)), 1);
    }

    #[test]
    fn a_day_that_ends_enters_the_history() {
        let vigilance = MemoryVigilance::new();
        for account in 0..9 {
            wrong(&vigilance, account, at(0, 86_399));
        }
        accepted(&vigilance, 1, at(0, 86_399));
        assert_eq!(vigilance.history(), History::new());
        assert_eq!(accounts(&vigilance, at(3, 0)), 0);
        assert_eq!(vigilance.history().to_string(), "1 20000 - 8");
    }

    #[test]
    fn a_clock_that_runs_back_stays_in_the_day() {
        let vigilance = MemoryVigilance::new();
        wrong(&vigilance, 1, at(1, 5));
        wrong(&vigilance, 1, at(0, 86_399));
        wrong(&vigilance, 2, at(0, 86_399));
        assert_eq!(accounts(&vigilance, at(1, 5)), 2);
        assert_eq!(vigilance.history(), History::new());
    }

    #[test]
    fn an_alarm_ends_with_the_day() {
        let quiet = "1 19999 7000 7 7 7 7 7 7 7";
        let vigilance = MemoryVigilance::new().with_history(quiet.parse().unwrap());
        let is_alarm = |now| vigilance.note(Observation::None, now).unwrap().is_alarm();
        for account in 0..20 {
            wrong(&vigilance, account, at(0, 100));
        }
        assert!(!is_alarm(at(0, 100)), "20 of 21");
        wrong(&vigilance, 20, at(0, 100));
        assert!(is_alarm(at(0, 86_399)));
        assert!(!is_alarm(at(1, 0)));
    }

    #[test]
    fn a_day_has_a_bounded_number_of_accounts() {
        let mut today = Today::new(0, DayKey::from_bytes(&[0; 32]));
        for account in 0..MOST as u128 {
            let tag = AccountTag::from_bytes(account.to_le_bytes());
            today.accounts.insert(tag, Seen::Wrong(at(0, 0)));
        }
        today.wrong_code(&AccountId::from(1_u32), at(0, 0));
        assert_eq!((today.accounts.len(), today.unresolved), (MOST, 0));
    }

    #[test]
    fn a_failed_random_source_is_an_error() {
        struct Broken;
        impl RandomSource for Broken {
            fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
                Err(RandomError::new())
            }
        }
        let vigilance = MemoryVigilance::with_random(Broken);
        assert!(vigilance.note(Observation::None, at(0, 0)).is_err());
    }

    #[test]
    fn debug_shows_no_account() {
        let vigilance = MemoryVigilance::new();
        wrong(&vigilance, 4711, at(0, 0));
        let text = format!("{vigilance:?}");
        assert!(text.starts_with("MemoryVigilance { rules") && !text.contains("4711"));
    }
}
