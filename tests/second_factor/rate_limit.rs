//! The limits on guesses, for all kinds of codes and all calls together.

use crate::world::{DAY, World, policy, rejection, waiting};
use countersign::factor::{GuessTarget, RateLimitState};
use countersign::otp::{Digits, Window};
use countersign::{Rejection, ServerClock, Status, Timestamp};
use std::time::Duration;

#[test]
fn trying_does_not_lengthen_the_back_off() {
    let (world, phone) = World::enrolled();
    let wrong = world.wrong(&phone);
    for _ in 0..5 {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    for second in 0..30 {
        assert_eq!(
            rejection(world.verify(&world.now(&phone))),
            waiting(30 - second)
        );
        world.clock.advance(Duration::from_secs(1));
    }
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn retry_after_exists_only_where_waiting_helps() {
    let retry_after = Duration::from_secs(30);
    let waits = [
        Rejection::Waiting { retry_after },
        Rejection::BudgetSpent { retry_after },
    ];
    assert_eq!(waits.map(Rejection::retry_after), [Some(retry_after); 2]);
    assert_eq!(Rejection::WrongCode.retry_after(), None);
    assert_eq!(Rejection::Locked.retry_after(), None);
}

#[test]
fn passcodes_and_backup_codes_share_one_limit() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let wrong_code = (0..)
        .map(|n: u32| format!("{n:08}"))
        .find(|code| !codes.contains(code))
        .unwrap();
    for guess in [
        &world.wrong(&phone),
        &wrong_code,
        &world.wrong(&phone),
        &wrong_code,
        &wrong_code,
    ] {
        assert_eq!(rejection(world.verify(guess)), Rejection::WrongCode);
    }
    assert_eq!(rejection(world.verify(&codes[0])), waiting(30));
    assert_eq!(world.codes_left(), 10);
}

#[test]
fn status_shows_the_rate_limit_of_attempts() {
    let (world, phone) = World::enrolled();
    let rate_limit = || match world.status() {
        Status::Enabled(enabled) => enabled.rate_limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(rate_limit(), RateLimitState::Free);
    for _ in 0..6 {
        while let Rejection::Waiting { retry_after } = rejection(world.verify(&world.wrong(&phone)))
        {
            world.clock.advance(retry_after);
        }
    }
    assert_eq!(
        rate_limit(),
        RateLimitState::Waiting {
            retry_after: Duration::from_secs(60)
        }
    );
}

#[test]
fn a_hundred_failures_lock_the_account_until_unlocked() {
    let world = World::with_policy(policy().budget(1000, DAY).build().unwrap());
    let phone = world.enroll();
    let mut failures = 0;
    loop {
        match rejection(world.verify(&world.wrong(&phone))) {
            Rejection::WrongCode => failures += 1,
            Rejection::Waiting { retry_after } => world.clock.advance(retry_after),
            Rejection::Locked => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(failures, 100);
    world.clock.advance(DAY * 365);
    assert_eq!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::Locked
    );
    world.unlock(ServerClock::Unconfirmed).unwrap();
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

/// How many guesses the verifier checks in a year. The attacker guesses whenever possible, and the
/// owner logs in every day.
fn admitted_in_a_year(world: &World) -> u64 {
    let phone = world.enroll();
    admitted(world, || world.now(&phone), || world.wrong(&phone))
}

/// The same for an enrolled account, with the next code of the owner and a wrong code.
pub(crate) fn admitted(
    world: &World,
    mut right: impl FnMut() -> String,
    wrong: impl Fn() -> String,
) -> u64 {
    let begun = world.clock.now();
    let year = 365 * DAY.as_secs();
    let mut admitted = 0;
    let mut next_login = begun.saturating_add(DAY.as_secs());
    while world.clock.now().saturating_since(begun) <= year {
        if world.clock.now() >= next_login {
            let _outcome = world.verify(&right());
            next_login = next_login.saturating_add(DAY.as_secs());
        }
        match rejection(world.verify(&wrong())) {
            Rejection::WrongCode => admitted += 1,
            Rejection::Waiting { retry_after } | Rejection::BudgetSpent { retry_after } => {
                let to_login = next_login.saturating_since(world.clock.now());
                world
                    .clock
                    .advance(retry_after.min(Duration::from_secs(to_login.max(1))));
            }
            other => panic!("{other:?}"),
        }
    }
    admitted
}

/// The risk of 10,000 attempts per second with consecutive passcodes, all year.
fn rows(places: u32, likeliest: f64, count: i32) -> f64 {
    3.1536e11 * f64::from(places) * likeliest.powi(count)
}

#[test]
fn a_year_admits_exactly_131_guesses() {
    let world = World::with_policy(policy().devices(0).build().unwrap());
    assert_eq!(admitted_in_a_year(&world), 10 + 121);
    let Status::Enabled(enabled) = world.status() else {
        panic!()
    };
    let risk = world.verifier.policy().annual_risk(&enabled.authenticators);
    assert!(risk < 4.4e-4);
    let likeliest = 2148.0 / f64::from(1_u32 << 31);
    let expected = 131.0 * (3.0 * likeliest + 20.0 / 1e8) + rows(39, likeliest, 3);
    assert!((risk - expected).abs() < 1e-12);
}

#[test]
fn annual_risk_uses_the_likeliest_passcode() {
    for (digits, likeliest) in [
        (Digits::SIX, 2148.0),
        (Digits::SEVEN, 215.0),
        (Digits::EIGHT, 22.0),
    ] {
        let policy = policy().digits(digits).devices(0).build().unwrap();
        let likeliest = likeliest / f64::from(1_u32 << 31);
        let expected = 131.0 * (2.0 * 3.0 * likeliest + 20.0 / 1e8) + 2.0 * rows(39, likeliest, 3);
        let risk = policy.annual_risk([GuessTarget::totp(digits); 2]);
        assert!((risk - expected).abs() < 1e-12, "{digits}");
    }
}

#[test]
fn annual_risk_counts_every_candidate() {
    let policy = policy().window(Window::EXACT).look_ahead(4).devices(0);
    let policy = policy.build().unwrap();
    let no_authenticator: [GuessTarget; 0] = [];
    let backup_codes = policy.annual_risk(no_authenticator);
    assert!((backup_codes - 131.0 * 20.0 / 1e8).abs() < 1e-12);
    let chance = |likeliest: f64| likeliest / f64::from(1_u32 << 31);
    let (six, eight) = (chance(2148.0), chance(22.0));
    for (target, expected) in [
        (
            GuessTarget::totp(Digits::SIX),
            131.0 * six + rows(39, six, 3),
        ),
        (
            GuessTarget::hotp(Digits::SIX),
            131.0 * 5.0 * six + rows(101, six, 4),
        ),
        (
            GuessTarget::hotp(Digits::EIGHT),
            131.0 * 5.0 * eight + rows(101, eight, 4),
        ),
    ] {
        let risk = policy.annual_risk([target]) - backup_codes;
        assert!((risk - expected).abs() < 1e-12, "{target:?}");
    }
}

#[test]
fn annual_risk_adds_rows_per_authenticator() {
    let no_guess = policy().budget(1, DAY * 365).build().unwrap();
    let risk = |count, steps, targets: &[GuessTarget]| {
        let policy = policy()
            .budget(1, DAY * 365)
            .devices(0)
            .consecutive_codes(count, steps);
        let policy = policy.build().unwrap();
        policy.annual_risk(targets.iter().copied())
    };
    let six = 2148.0 / f64::from(1_u32 << 31);
    let app = GuessTarget::totp(Digits::SIX);
    assert!((rows(39, six, 3) - 1.23e-5).abs() < 1e-7);
    for (count, steps, places) in [(3, 20, 39), (3, 3, 5), (4, 20, 38)] {
        for authenticators in [1, 5] {
            let expected = rows(places, six, count.into())
                + 2.0 * (3.0 * six + 20.0 / 1e8 / f64::from(authenticators));
            let got = risk(count, steps, &vec![app; authenticators as usize]);
            assert!(
                (got - f64::from(authenticators) * expected).abs() < 1e-12,
                "{count} {steps}"
            );
        }
    }
    assert_eq!(no_guess.consecutive_codes().count, 3);
}

#[test]
fn another_policy_admits_exactly_its_budget() {
    let world = World::with_policy(policy().budget(7, DAY * 5).build().unwrap());
    assert_eq!(admitted_in_a_year(&world), 7 + 73);
}

#[test]
fn one_hour_ahead_is_no_clock_fault() {
    let (world, phone) = World::enrolled();
    for _ in 0..5 {
        assert_eq!(
            rejection(world.verify(&world.wrong(&phone))),
            Rejection::WrongCode
        );
    }
    let failed = world.clock.now().as_unix();
    world.clock.set(Timestamp::from_unix(failed - 3600));
    assert_eq!(rejection(world.verify(&world.now(&phone))), waiting(3630));
}

#[test]
fn a_locked_account_reveals_nothing_about_codes() {
    let world = World::with_policy(policy().lock_after(1).build().unwrap());
    let phone = world.enroll();
    assert_eq!(
        rejection(world.verify(&world.wrong(&phone))),
        Rejection::WrongCode
    );
    for code in [
        world.now(&phone),
        world.wrong(&phone),
        "12345678".into(),
        "x".into(),
    ] {
        assert_eq!(rejection(world.verify(&code)), Rejection::Locked, "{code}");
    }
}

#[test]
fn a_well_formed_code_always_costs_a_guess() {
    let (with, phone) = World::enrolled();
    with.issue(&phone);
    let (without, _) = World::enrolled();
    for world in [with, without] {
        assert_eq!(rejection(world.verify("00000000")), Rejection::WrongCode);
        assert_eq!(rejection(world.verify("0000000")), Rejection::Malformed);
        for _ in 0..4 {
            assert_eq!(rejection(world.verify("00000000")), Rejection::WrongCode);
        }
        assert!(matches!(
            rejection(world.verify("00000000")),
            Rejection::Waiting { .. }
        ));
    }
}
