//! Prints the figures, and checks whether they agree.

use std::io::{self, Write, stdout};
use std::iter::repeat_n;

use countersign::ServerClock;
use countersign::factor::GuessTarget;

use crate::interval::{Interval, may_be_so_few, may_be_so_many};
use crate::policies::{Rules, YEAR};
use crate::rows::{self, Siege};
use crate::strategy::Strategy;
use crate::year::Tally;

pub(crate) fn title_of_counts() -> io::Result<()> {
    writeln!(
        stdout(),
        "Guesses per year that the verifier checks, for one account: counted, and allowed by the policy.\n\
         At once: the most in the same second. Chance: that one of these guesses is correct. Risk:\n\
         Policy::annual_risk for the same number of authenticators. If a limit refuses a login of the\n\
         owner: the longest time until a login with consecutive passcodes, and the same in a lock-out."
    )
}

pub(crate) fn policy(rules: &Rules) -> io::Result<()> {
    writeln!(stdout(), "\n{}: {}", rules.name, rules.summary)?;
    writeln!(
        stdout(),
        "  {:<40} {:>8} {:>8} {:>8} {:>9} {:>9}   owner must wait",
        "strategy",
        "counted",
        "allowed",
        "at once",
        "chance",
        "risk"
    )
}

/// Prints a row, and returns whether its figures agree.
pub(crate) fn count(rules: &Rules, strategy: &Strategy, tally: &Tally) -> io::Result<bool> {
    let allowed = allowed(rules, strategy, tally);
    let chance = chance(rules, strategy, tally);
    let risk = risk(rules, strategy.authenticators, allowed);
    let within = tally.checked.iter().all(|checked| *checked <= allowed);
    let reached = tally.checked.iter().all(|checked| *checked == allowed);
    let paced = tally.at_once <= at_once(rules, strategy);
    let [unlocked, after_lock] = tally.longest;
    let owner_is_in = unlocked <= 90 && after_lock <= 120;
    let agrees = within
        && paced
        && (reached || !strategy.reaches_the_bound)
        && chance <= risk
        && owner_is_in;
    let by_row = match tally.refused_logins {
        0 => String::new(),
        _ => format!(", {unlocked} s and {after_lock} s"),
    };
    let counted = tally.checked.iter().max().copied().unwrap_or_default();
    let unlocks = match (tally.unlocks, tally.refused_unlocks) {
        (0, 0) => String::new(),
        (unlocks, 0) => format!(", {unlocks} unlocks"),
        (unlocks, refused) => format!(", {unlocks} unlocks, {refused} refused"),
    };
    writeln!(
        stdout(),
        "  {:<40} {counted:>8} {allowed:>8} {:>8} {chance:>9.2e} {risk:>9.2e}   {} of {} logins{by_row}{unlocks}{}",
        strategy.name,
        tally.at_once,
        tally.refused_logins,
        tally.logins,
        if agrees { "" } else { "   DISAGREES" },
    )?;
    Ok(agrees)
}

/// The budget of a year, plus the guesses that a difference between clocks adds once, plus the
/// guesses that the staff adds by unlocking. If the staff sets times back while another clock is
/// fast, each unlock adds the guesses of the difference again.
fn allowed(rules: &Rules, strategy: &Strategy, tally: &Tally) -> u64 {
    const BY_UNLOCKING: u64 = 5;
    let burst = u64::from(rules.policy.budget_burst());
    let budget = rules.guesses_in(YEAR);
    let added = rules.guesses_in(YEAR + strategy.clocks.added(strategy.age)) - budget;
    let added = added.min(burst);
    let again = match strategy.staff {
        Some(staff) if staff.clock == ServerClock::Confirmed => added,
        _ => 0,
    };
    budget + added + tally.unlocks * (BY_UNLOCKING + again).min(burst)
}

/// The guesses that cost no wait. If the clocks differ, there is one more guess, because a guess on
/// the later clock need not wait for the earlier clock.
fn at_once(rules: &Rules, strategy: &Strategy) -> u64 {
    let free = rules.policy.backoff().free_failures;
    u64::from(free) + u64::from(!strategy.clocks.are_right())
}

/// The chance that one of the guesses that were counted for the first account is correct.
fn chance(rules: &Rules, strategy: &Strategy, tally: &Tally) -> f64 {
    let missed = |chance: f64, guesses: u64| (1.0 - chance).powf(guesses as f64);
    let all = tally.checked.first().copied().unwrap_or_default();
    let passcode = rules.passcode_chance(strategy.authenticators);
    let backup_code = rules.backup_code_chance();
    let both = rules.policy.digits().get() == rules.policy.code_format().length();
    let (passcodes, backup_codes) = if both {
        (all, all)
    } else {
        (all - tally.backup_codes, tally.backup_codes)
    };
    1.0 - missed(passcode, passcodes) * missed(backup_code, backup_codes)
}

/// `annual_risk`, for the number of guesses that are allowed.
fn risk(rules: &Rules, authenticators: u8, allowed: u64) -> f64 {
    let budget = rules.guesses_in(YEAR);
    let target = GuessTarget::totp(rules.policy.digits());
    let risk = rules
        .policy
        .annual_risk(repeat_n(target, authenticators.into()));
    risk * (allowed as f64 / budget as f64)
}

pub(crate) fn title_of_sieges() -> io::Result<()> {
    writeln!(
        stdout(),
        "\nAn owner who signs in with consecutive passcodes whenever a limit refuses a login.\n\
         Longest: the most seconds from the refusal to the login, without a lock-out and with. Chance:\n\
         of the guesses and of 10,000 wrong rows per second, all year.\n\
         \n  {:<14} {:<30} {:>7} {:>8} {:>7} {:>10} {:>9} {:>8} {:>8} {:>9} {:>9}",
        "policy",
        "attacker",
        "logins",
        "refused",
        "locked",
        "longest",
        "wrong rows",
        "counted",
        "allowed",
        "chance",
        "risk"
    )
}

/// Prints a row, and returns whether its figures agree.
pub(crate) fn siege(rules: &Rules, siege: &Siege, tally: &rows::Tally) -> io::Result<bool> {
    const ROWS: f64 = 10_000.0 * YEAR as f64;
    let allowed = rules.guesses_in(YEAR);
    let authenticators = siege.authenticators;
    let guess = rules.passcode_chance(authenticators);
    let row = f64::from(authenticators) * rules.row_chance();
    let missed = (1.0 - guess).powf(tally.checked as f64) * (1.0 - ROWS * row);
    let chance = 1.0 - missed;
    let risk = risk(rules, authenticators, allowed);
    let [unlocked, after_lock] = tally.longest;
    let agrees = tally.checked <= allowed && chance <= risk && unlocked <= 90 && after_lock <= 120;
    writeln!(
        stdout(),
        "  {:<14} {:<30} {:>7} {:>8} {:>7} {:>10} {:>9} {:>8} {allowed:>8} {chance:>9.2e} {risk:>9.2e}{}",
        rules.name,
        siege.name,
        tally.logins,
        tally.refused,
        tally.locked,
        format!("{unlocked}, {after_lock}"),
        tally.rows,
        tally.checked,
        if agrees { "" } else { "   DISAGREES" },
    )?;
    Ok(agrees)
}

pub(crate) fn title_of_years() -> io::Result<()> {
    writeln!(
        stdout(),
        "\nYears of random passcodes: the number in which the attacker got in, the 99 % confidence interval,\n\
         and the expected chance.\n\
         \n  {:<14} {:>8} {:>8} {:>9}   {:<20} {:>9} {:>9}",
        "policy",
        "years",
        "got in",
        "per year",
        "between",
        "expected",
        "risk"
    )
}

/// Prints a row, and returns whether its figures agree.
pub(crate) fn years(rules: &Rules, years: u32, hits: u32) -> io::Result<bool> {
    let interval = Interval::of(hits, years);
    let guesses = rules.guesses_in(YEAR);
    let expected = 1.0 - (1.0 - rules.passcode_chance(1)).powf(guesses as f64);
    let risk = risk(rules, 1, guesses);
    let agrees =
        may_be_so_many(hits, years, expected.min(risk)) && may_be_so_few(hits, years, expected);
    let between = format!("{:.2e} to {:.2e}", interval.low, interval.high);
    writeln!(
        stdout(),
        "  {:<14} {years:>8} {hits:>8} {:>9.2e}   {between:<20} {expected:>9.2e} {risk:>9.2e}{}",
        rules.name,
        f64::from(hits) / f64::from(years),
        if agrees { "" } else { "   DISAGREES" },
    )?;
    Ok(agrees)
}

pub(crate) fn summary(agreed: bool) -> io::Result<()> {
    let summary = if agreed {
        "All figures agree."
    } else {
        "Rows that do not agree are marked DISAGREES."
    };
    writeln!(stdout(), "\n{summary}")
}
