//! The example `attack`, with the default policy and few years of random guesses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod support;

use std::process::Output;

use crate::support::example;

fn attack(arguments: &[&str]) -> Output {
    example("attack").args(arguments).output().unwrap()
}

#[test]
fn a_year_of_attacks_admits_what_the_policy_says() {
    let output = attack(&["--policy", "default", "--years", "100"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let counts = |strategy: &str| {
        let row = printed
            .lines()
            .find(|line| line.trim().starts_with(strategy));
        let row = row.unwrap_or_else(|| panic!("no row {strategy}:\n{printed}"));
        let numbers: Vec<u64> = row[40..].split_whitespace().flat_map(str::parse).collect();
        (numbers[0], numbers[1], numbers[2])
    };
    // Counted, allowed, and at once.
    assert_eq!(counts("between the owner's logins"), (131, 131, 5));
    assert_eq!(counts("without a pause"), (100, 131, 5));
    assert_eq!(counts("on 20 accounts"), (131, 131, 5));
    for ahead in ["10 min ahead", "50 min ahead", "59 min ahead"] {
        assert_eq!(counts(&format!("a server {ahead}")), (131, 131, 6));
    }
    assert_eq!(counts("a server 3 d ahead for a day"), (131, 131, 5));
    assert_eq!(counts("a server 3 d ahead all year"), (132, 132, 5));
    for behind in ["50 min behind", "2 h behind", "1 d behind", "at 1970"] {
        assert_eq!(counts(&format!("a server {behind}")), (131, 131, 6));
    }
    assert_eq!(counts("2 h behind, without a pause"), (100, 131, 6));
    assert_eq!(counts("first a server at 1970, 30 d later"), (141, 141, 5));
    assert_eq!(counts("staff unlocks whenever asked"), (1956, 1956, 5));
    assert_eq!(counts("staff unlocks, 50 min behind"), (1956, 1956, 6));
    assert_eq!(counts("staff unlocks, at 1970"), (100, 131, 6));
    assert_eq!(counts("staff confirms, other 3 d ahead"), (2201, 2322, 6));
    // The owner types consecutive passcodes: refused logins, lock-outs, and the longest time.
    let owner = |attacker: &str| {
        let row = printed
            .lines()
            .find(|line| line.contains(attacker) && line.contains("default "));
        let row = row.unwrap_or_else(|| panic!("no row {attacker}:\n{printed}"));
        let numbers: Vec<u64> = row[47..]
            .split_whitespace()
            .flat_map(|number| number.trim_end_matches(',').parse())
            .collect();
        (numbers[1], numbers[2], numbers[3], numbers[4])
    };
    for attacker in [
        "guesses whenever possible",
        "backup codes only",
        "all kinds of codes in turn",
        "default        on five authenticators",
        "in parallel with the owner",
    ] {
        assert_eq!(owner(attacker), (730, 0, 90, 0), "{attacker}");
    }
    assert_eq!(owner("10,000 wrong rows per second"), (10, 0, 90, 0));
    let (refused, locked, longest, after_lock) = owner("locks between logins");
    assert_eq!((refused, locked), (2, 1));
    assert!(longest <= 90 && after_lock <= 120);
}

#[test]
fn an_unknown_policy_is_an_error() {
    let output = attack(&["--policy", "none"]);
    assert!(!output.status.success());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "attack: there is no policy \"none\"\n");
}
