//! The tables.

use std::io::{self, Write, stdout};

use countersign::vigilance::AlarmRules;

use crate::attacker::{BUDGETS, Strategy};
use crate::owners::{SIGN_INS, Service};
use crate::repeatable_random::RepeatableRandom;
use crate::years::{self, Counted};

const COUNTED: [(Counted, &str); 2] = [
    (Counted::Wrong, "every wrong code"),
    (Counted::Unresolved, "unresolved"),
];

const SIZES: [f64; 3] = [1e3, 1e5, 1e6];

pub(crate) fn all(years: u32, seed: u64) -> io::Result<()> {
    false_alarms(years, seed)?;
    avoided(seed)?;
    followed(seed)?;
    wanted(seed)
}

fn random(seed: u64, part: usize) -> RepeatableRandom {
    RepeatableRandom::new(seed, part as u64)
}

fn false_alarms(years: u32, seed: u64) -> io::Result<()> {
    writeln!(
        stdout(),
        "Days with a false alarm per year ({years} simulated years)\n\n\
         {:>9}  {:<22} {:>18} {:>12}",
        "accounts",
        "growth and owners",
        "every wrong code",
        "unresolved"
    )?;
    let steady = |accounts| (Service::of(accounts), "steady");
    let with = |growth, give_up, name| {
        let accounts = Service::of(1e5);
        (
            Service {
                growth,
                give_up,
                ..accounts
            },
            name,
        )
    };
    let services = [
        steady(SIZES[0]),
        steady(SIZES[1]),
        steady(SIZES[2]),
        with(0.0, 0.1, "10 % give up"),
        with(0.1, 0.02, "+10 % per month"),
    ];
    let rules = AlarmRules::default();
    for (service, name) in services {
        let [wrong, unresolved] = COUNTED.map(|(counted, _)| {
            let alarms = (0..years).map(|year| {
                let random = random(seed, year as usize);
                u64::from(years::false_alarms(&service, counted, &rules, &random))
            });
            alarms.sum::<u64>() as f64 / f64::from(years)
        });
        writeln!(
            stdout(),
            "{:>9}  {name:<22} {wrong:>18.2} {unresolved:>12.2}",
            service.accounts,
        )?;
    }
    Ok(())
}

/// The two attackers of passwords.
fn avoided(seed: u64) -> io::Result<()> {
    writeln!(
        stdout(),
        "\nAccounts lost, all passwords stolen: in the first month, and in the first year\n\n\
         {:>9}  {:<20} {:>16} {:>27} {:>27}",
        "accounts",
        "budget",
        "no vigilance",
        "every wrong code",
        "unresolved"
    )?;
    writeln!(
        stdout(),
        "{:>48} {:>27} {:>27}",
        "",
        "full speed | avoids alarm",
        "full speed | avoids alarm"
    )?;
    let rules = AlarmRules::default();
    for (accounts, give_up) in [(1e3, 0.02), (1e5, 0.02), (1e6, 0.02), (1e6, 0.1)] {
        let service = Service {
            give_up,
            ..Service::of(accounts)
        };
        for budget in BUDGETS {
            let without = [30, 365].map(|days| years::unwatched(&service, budget, days));
            write!(
                stdout(),
                "{accounts:>9}  {:<20} {:>16}",
                budget.name,
                pair(without)
            )?;
            for (counted, _) in COUNTED {
                let lost = |strategy| {
                    [30, 365].map(|days| {
                        let attacker = (budget, strategy);
                        let random = random(seed, 0);
                        let rules = (counted, &rules);
                        years::attack(&service, rules, attacker, days, &random)
                    })
                };
                let both = [Strategy::FullSpeed, Strategy::AvoidsAlarm]
                    .map(lost)
                    .map(pair);
                write!(stdout(), " {:>27}", both.join(" | "))?;
            }
            let owners = if give_up > 0.05 {
                "   10 % give up"
            } else {
                ""
            };
            writeln!(stdout(), "{owners}")?;
        }
    }
    Ok(())
}

fn pair([month, year]: [f64; 2]) -> String {
    format!("{} {}", figure(month), figure(year))
}

/// Two digits of a small number, and none after the point of a large one.
fn figure(number: f64) -> String {
    match number {
        10.0.. => format!("{number:.0}"),
        1.0..10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// How fast the usual count may follow.
fn followed(seed: u64) -> io::Result<()> {
    const YEARS: usize = 20;
    writeln!(
        stdout(),
        "\nThe speed at which the usual count follows: accounts lost in a year of 10^6, if the attacker avoids\n\
         the alarm; and days with a false alarm per year, of services that grow by so much per month\n\n\
         {:>9}  {:>19} {:>15} {:>8} {:>8} {:>8}",
        "per day",
        BUDGETS[0].name,
        BUDGETS[1].name,
        "+10 %",
        "+20 %",
        "+30 %"
    )?;
    for per_mille in [0, 2, 3, 5, 10] {
        let mut rules = AlarmRules::default();
        rules.follow_per_mille = per_mille;
        let service = Service::of(1e6);
        let lost = BUDGETS.map(|budget| {
            let attacker = (budget, Strategy::AvoidsAlarm);
            let counted = (Counted::Unresolved, &rules);
            figure(years::attack(
                &service,
                counted,
                attacker,
                365,
                &random(seed, 0),
            ))
        });
        let growing = [0.1, 0.2, 0.3].map(|growth| {
            let service = Service { growth, ..service };
            let alarms = (0..YEARS).map(|year| {
                let random = random(seed, year);
                u64::from(years::false_alarms(
                    &service,
                    Counted::Unresolved,
                    &rules,
                    &random,
                ))
            });
            alarms.sum::<u64>() as f64 / YEARS as f64
        });
        let per_day = f64::from(per_mille) / 10.0;
        let ([default, larger], [g10, g20, g30]) = (lost, growing);
        writeln!(
            stdout(),
            "{per_day:>7.1} %  {default:>19} {larger:>15} {g10:>8.1} {g20:>8.1} {g30:>8.1}"
        )?;
    }
    Ok(())
}

/// The attacker who wants an alarm.
fn wanted(seed: u64) -> io::Result<()> {
    /// The share of sign-ins on browsers that are not known.
    const STRANGERS: f64 = 0.1;
    writeln!(
        stdout(),
        "\nAn attacker who wants an alarm: own accounts that he needs every day, at least 30 days old; and\n\
         the sign-ins that then ask for three passcodes, per day, if {:.0} % come from unknown browsers\n\n\
         {:>9}  {:>18} {:>12} {:>12} {:>12}",
        STRANGERS * 100.0,
        "accounts",
        "every wrong code",
        "unresolved",
        "sign-ins",
        "of all"
    )?;
    let rules = AlarmRules::default();
    for accounts in SIZES {
        let service = Service::of(accounts);
        let own = COUNTED.map(|(counted, _)| {
            let random = random(seed, 2);
            let (limit, owners) = years::limit_and_owners(&service, counted, &rules, &random);
            limit.saturating_sub(owners)
        });
        writeln!(
            stdout(),
            "{accounts:>9}  {:>18} {:>12} {:>12.0} {:>12.0}",
            own[0],
            own[1],
            accounts * SIGN_INS * STRANGERS,
            accounts * SIGN_INS
        )?;
    }
    Ok(())
}
