//! The example `mass_guessing`: the claims of the guide, on short runs, and its tables.

#![allow(
    dead_code,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "../mass_guessing/attacker.rs"]
mod attacker;
#[path = "../mass_guessing/owners.rs"]
mod owners;
#[path = "../repeatable_random.rs"]
mod repeatable_random;
mod support;
#[path = "../mass_guessing/years.rs"]
mod years;

use countersign::Policy;
use countersign::vigilance::AlarmRules;

use crate::attacker::{BUDGETS, Strategy};
use crate::owners::Service;
use crate::repeatable_random::RepeatableRandom;
use crate::support::example;
use crate::years::Counted::{self, Unresolved, Wrong};

/// The accounts lost in the first month, of a million.
fn lost(counted: Counted, strategy: Strategy, seed: u64) -> f64 {
    let random = RepeatableRandom::new(seed, 0);
    let rules = (counted, &AlarmRules::default());
    let attacker = (BUDGETS[0], strategy);
    years::attack(&Service::of(1e6), rules, attacker, 30, &random)
}

#[test]
fn the_first_budget_is_the_default() {
    let policy = Policy::default();
    assert_eq!(u64::from(policy.budget_burst()), BUDGETS[0].burst);
    let days = policy.budget_refill().as_secs() / 86_400;
    assert_eq!(days, BUDGETS[0].days_per_guess);
}

#[test]
fn unresolved_codes_show_an_attacker_who_hides() {
    let without = years::unwatched(&Service::of(1e6), BUDGETS[0], 30);
    for seed in 0..20 {
        assert!(lost(Wrong, Strategy::AvoidsAlarm, seed) > without / 2.0);
        assert!(lost(Unresolved, Strategy::AvoidsAlarm, seed) < without / 20.0);
        assert!(lost(Unresolved, Strategy::FullSpeed, seed) < without / 20.0);
    }
}

#[test]
fn a_steady_service_has_no_false_alarm() {
    for (year, accounts) in [(0, 1e3), (1, 1e5), (2, 1e6), (3, 1e6)] {
        let random = RepeatableRandom::new(7, year);
        let service = Service::of(accounts);
        let alarms = years::false_alarms(&service, Unresolved, &AlarmRules::default(), &random);
        assert_eq!(alarms, 0, "{accounts}");
    }
}

#[test]
fn an_unwanted_alarm_needs_twenty_old_accounts() {
    for (accounts, least) in [(1e3, 19), (1e5, 100), (1e6, 1000)] {
        let random = RepeatableRandom::new(7, 0);
        let rules = AlarmRules::default();
        let service = Service::of(accounts);
        let (limit, owners) = years::limit_and_owners(&service, Unresolved, &rules, &random);
        assert!(limit - owners >= least, "{limit}, {owners}");
    }
}

#[test]
fn the_guide_shows_the_output() {
    let guide = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/guide/mass-guessing.md"
    );
    let guide = std::fs::read_to_string(guide).unwrap();
    let output = example("mass_guessing").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(guide.contains(printed.trim_end()), "{printed}");
}
