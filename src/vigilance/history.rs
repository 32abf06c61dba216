//! The counts of the last 30 days, and the limit that follows from them.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::vec::Vec;

/// When an alarm begins. To change a rule, change the field of a default.
///
/// ```
/// use countersign::vigilance::AlarmRules;
///
/// let mut rules = AlarmRules::default();
/// rules.least_accounts = 50;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlarmRules {
    /// The fewest accounts of an alarm. Default: 20.
    pub least_accounts: u32,
    /// How many times the usual count an alarm needs. Default: 3.
    pub times_usual: u32,
    /// The most that the usual count follows the median of the last 30 days on one day, in
    /// thousandths. Default: 5, which is 0.5 % per day and 16 % in 30 days. If your service grows
    /// faster for months, take more.
    pub follow_per_mille: u32,
    /// The time in which an accepted code resolves a wrong one. Default: ten minutes.
    pub resolve_within: Duration,
}

impl Default for AlarmRules {
    fn default() -> Self {
        Self {
            least_accounts: 20,
            times_usual: 3,
            follow_per_mille: 5,
            resolve_within: Duration::from_secs(600),
        }
    }
}

/// The accounts of a day so far, and the number at which an alarm begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DayStatus {
    /// The accounts with a wrong code that no accepted code has resolved.
    pub accounts: u32,
    /// The number of accounts at which an alarm begins, or `None` in the first seven days, which
    /// have no alarm.
    pub limit: Option<u32>,
}

impl DayStatus {
    /// Whether there is an alarm: the number of accounts has reached the limit.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.limit.is_some_and(|limit| self.accounts >= limit)
    }
}

/// The counts of the last 30 days, without any account. `Display` and `FromStr` convert it to text
/// and back.
///
/// An implementation of [`Vigilance`](super::Vigilance) closes each day, and asks for the status of
/// the present one.
///
/// ```
/// use countersign::vigilance::{AlarmRules, History};
///
/// let rules = AlarmRules::default();
/// let mut history = History::new();
/// for day in 20_000..20_007 {
///     assert!(!history.status(5_000, &rules).is_alarm());
///     history.close(day, 50, &rules);
/// }
/// assert!(!history.status(149, &rules).is_alarm());
/// assert!(history.status(150, &rules).is_alarm());
/// assert_eq!(history.to_string().parse(), Ok(history));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The number of the last closed day: days since 1970-01-01.
    last_day: Option<u64>,
    /// The counts of closed days, the oldest first: at most [`DAYS`].
    days: Vec<u32>,
    /// The usual count in thousandths of an account, after the first days.
    usual: Option<u64>,
}

/// The days that the median is of.
const DAYS: usize = 30;

/// The days without an alarm, at the beginning.
const FIRST_DAYS: usize = 7;

impl History {
    /// A history of no days.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            last_day: None,
            days: Vec::new(),
            usual: None,
        }
    }

    /// Returns the status of the present day, from its accounts so far.
    #[must_use]
    pub fn status(&self, accounts: u32, rules: &AlarmRules) -> DayStatus {
        let limit = self.usual.map(|usual| {
            let times = usual.saturating_mul(rules.times_usual.into());
            let times = u32::try_from(times.div_ceil(1000)).unwrap_or(u32::MAX);
            times.max(rules.least_accounts)
        });
        DayStatus { accounts, limit }
    }

    /// Adds the accounts of a day that is over: the number of days since 1970-01-01. Days that were
    /// left out had no accounts. Does nothing if the day was closed before.
    pub fn close(&mut self, day: u64, accounts: u32, rules: &AlarmRules) {
        let left_out = match self.last_day {
            Some(last) if day <= last => return,
            Some(last) => day.saturating_sub(last).saturating_sub(1),
            None => 0,
        };
        for _ in 0..left_out.min(DAYS as u64) {
            self.add(0, rules);
        }
        self.add(accounts, rules);
        self.last_day = Some(day);
    }

    fn add(&mut self, accounts: u32, rules: &AlarmRules) {
        if self.days.len() >= DAYS {
            self.days.remove(0);
        }
        self.days.push(accounts);
        if self.days.len() >= FIRST_DAYS {
            let median = self.median();
            let usual = self.usual.map(|usual| follow(usual, median, rules));
            self.usual = Some(usual.unwrap_or(median));
        }
    }

    /// The median in thousandths, the higher one of the two in the middle.
    fn median(&self) -> u64 {
        let mut sorted = self.days.clone();
        sorted.sort_unstable();
        let middle = sorted.len().checked_div(2).unwrap_or_default();
        let median = sorted.get(middle).copied().unwrap_or_default();
        u64::from(median).saturating_mul(1000)
    }
}

/// The usual count of the next day.
fn follow(usual: u64, median: u64, rules: &AlarmRules) -> u64 {
    // Below this count, the limit is `least_accounts` anyway.
    let floor = u64::from(rules.least_accounts)
        .saturating_mul(1000)
        .checked_div(rules.times_usual.into())
        .unwrap_or_default();
    let usual = usual.max(floor);
    let step = usual
        .saturating_mul(rules.follow_per_mille.into())
        .checked_div(1000)
        .unwrap_or_default();
    median.clamp(usual.saturating_sub(step), usual.saturating_add(step))
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(VERSION)?;
        let Some(day) = self.last_day else {
            return Ok(());
        };
        write!(f, " {day}")?;
        match self.usual {
            Some(usual) => write!(f, " {usual}")?,
            None => f.write_str(" -")?,
        }
        self.days.iter().try_for_each(|day| write!(f, " {day}"))
    }
}

impl FromStr for History {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, HistoryError> {
        parse(text).ok_or(HistoryError)
    }
}

fn parse(text: &str) -> Option<History> {
    let mut parts = text.split(' ');
    if parts.next()? != VERSION {
        return None;
    }
    let mut history = History::new();
    let Some(day) = parts.next() else {
        return Some(history);
    };
    history.last_day = Some(day.parse().ok()?);
    history.usual = match parts.next()? {
        "-" => None,
        usual => Some(usual.parse().ok()?),
    };
    for day in parts {
        if history.days.len() >= DAYS {
            return None;
        }
        history.days.push(day.parse().ok()?);
    }
    let is_complete = history.usual.is_some() == (history.days.len() >= FIRST_DAYS);
    (is_complete && !history.days.is_empty()).then_some(history)
}

/// The format of the text.
const VERSION: &str = "1";

/// The error for a text that is not the text of a [`History`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the text of a history; begin with a new one")]
pub struct HistoryError;

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::{format, vec};

    fn after(days: &[u32]) -> History {
        let mut history = History::new();
        for (day, accounts) in (0..).zip(days) {
            history.close(day, *accounts, &AlarmRules::default());
        }
        history
    }

    fn limit(days: &[u32]) -> Option<u32> {
        after(days).status(0, &AlarmRules::default()).limit
    }

    #[test]
    fn the_first_seven_days_have_no_alarm() {
        let status = |days: &[u32]| after(days).status(u32::MAX, &AlarmRules::default());
        assert!(!status(&[]).is_alarm());
        assert!(!status(&[1; 6]).is_alarm());
        assert!(status(&[1; 7]).is_alarm());
    }

    #[test]
    fn a_limit_is_three_times_the_median_and_at_least_twenty() {
        assert_eq!(limit(&[0; 7]), Some(20));
        assert_eq!(limit(&[6; 7]), Some(20));
        assert_eq!(limit(&[7; 7]), Some(21));
        assert_eq!(limit(&[900, 10, 100, 90, 110, 0, 5000]), Some(300));
    }

    #[test]
    fn an_alarm_begins_at_the_limit() {
        let history = after(&[1000; 7]);
        let is_alarm = |accounts| history.status(accounts, &AlarmRules::default()).is_alarm();
        assert!(!is_alarm(2999));
        assert!(is_alarm(3000));
    }

    #[test]
    fn the_usual_count_follows_by_half_a_percent_a_day() {
        let mut days = vec![1000; 30];
        days.extend([50_000; 45]);
        // The median jumps on the 15th day. From then on, the usual count follows: on 31 days.
        let usual = (0..31).fold(1_000_000_u64, |usual, _| usual + usual / 200);
        assert_eq!(
            limit(&days).map(u64::from),
            Some((usual * 3).div_ceil(1000))
        );
        assert!(limit(&days).unwrap() < 3510);
        days.extend([0; 60]);
        assert!(limit(&days).unwrap() > 2900, "down by 0.5 %, too");
    }

    #[test]
    fn a_usual_count_of_zero_can_grow() {
        let mut days = vec![0; 30];
        days.extend([1000; 26]);
        // Twelve times 0.5 % of a third of 20, because the median jumps on the 15th day.
        assert_eq!(limit(&days), Some(22));
    }

    #[test]
    fn days_left_out_have_no_accounts() {
        let rules = AlarmRules::default();
        let mut history = after(&[100; 7]);
        let mut same = after(&[100; 7]);
        history.close(9, 100, &rules);
        for (day, accounts) in [(7, 0), (8, 0), (9, 100)] {
            same.close(day, accounts, &rules);
        }
        assert_eq!(history, same);
        history.close(9, 0, &rules);
        history.close(3, 0, &rules);
        assert_eq!(history, same, "a closed day stays as it is");
        history.close(u64::MAX, 100, &rules);
        assert_eq!(history.days.len(), DAYS);
    }

    #[test]
    fn text_converts_back() {
        for days in [0, 1, 6, 7, 40] {
            let history = after(&vec![250; days]);
            assert_eq!(history.to_string().parse(), Ok(history));
        }
        assert_eq!(after(&[3; 1]).to_string(), "1 0 - 3");
        let long = format!("1 7 1{}", " 1".repeat(31));
        for wrong in [
            "",
            "2",
            "1 x",
            "1 3",
            "1 3 -",
            "1 3 - 1 x",
            "1 3 1 1",
            "1 3 - 4294967296",
            "1 3 - 1 2 3 4 5 6 7",
            &long,
        ] {
            assert_eq!(wrong.parse::<History>(), Err(HistoryError), "{wrong}");
        }
    }

    #[test]
    fn the_ends_of_the_number_line_do_not_overflow() {
        let rules = AlarmRules {
            least_accounts: u32::MAX,
            times_usual: u32::MAX,
            follow_per_mille: u32::MAX,
            resolve_within: Duration::MAX,
        };
        let mut history = History::new();
        for day in 0..40 {
            history.close(day, u32::MAX, &rules);
        }
        assert!(history.status(u32::MAX, &rules).is_alarm());
        let text = format!("1 {0} {0}{1}", u64::MAX, " 0".repeat(7));
        let history: History = text.parse().unwrap();
        assert_eq!(history.status(0, &rules).limit, Some(u32::MAX));
    }
}
