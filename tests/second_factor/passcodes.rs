//! Logging in with passcodes (invariants 1, 4 and 10).

use crate::world::{STEP, World, policy, rejection, scan};
use countersign::otp::Window;
use countersign::{AcceptedBy, EnrollmentRequest, Rejection, Status, Timestamp};
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

#[test]
fn a_passcode_is_accepted_once() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let receipt = world.verify(&passcode).unwrap();
    assert_eq!(receipt.account(), &world.alice);
    assert_eq!(receipt.at(), world.clock.now());
    assert_eq!(
        receipt.accepted_by(),
        AcceptedBy::Authenticator {
            id: world.authenticators()[0]
        }
    );
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
}

#[test]
fn the_confirming_passcode_cannot_log_in() {
    let world = World::new();
    let enrollment = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let passcode = world.now(&scan(&enrollment));
    let _receipt = world.confirm(&enrollment, &passcode).unwrap();
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
}

#[test]
fn a_used_passcode_invalidates_older_passcodes() {
    let (world, phone) = World::enrolled();
    let older = world.now(&phone);
    world.clock.advance(STEP);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(rejection(world.verify(&older)), Rejection::Replayed);
}

#[test]
fn a_fast_phone_uses_up_its_own_step() {
    let (world, phone) = World::enrolled();
    let ahead = phone.passcode(world.clock.now().saturating_add(30));
    let _receipt = world.verify(&ahead).unwrap();
    world.clock.advance(STEP);
    assert_eq!(
        rejection(world.verify(&ahead)),
        Rejection::Replayed,
        "the passcode was used before its own time step"
    );
    assert_eq!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::Replayed
    );
    world.clock.advance(STEP);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn concurrent_uses_of_a_passcode_succeed_once() {
    for _ in 0..20 {
        let (world, phone) = World::enrolled();
        let passcode = world.now(&phone);
        let accepted = thread::scope(|scope| {
            let requests: Vec<_> = (0..30)
                .map(|_| scope.spawn(|| world.verify(&passcode).is_ok()))
                .collect();
            requests
                .into_iter()
                .map(|request| usize::from(request.join().unwrap()))
                .sum::<usize>()
        });
        assert_eq!(accepted, 1);
    }
}

#[test]
fn a_shared_passcode_is_used_on_both_authenticators() {
    // Search for a time at which two authenticators share a passcode within 21 time steps.
    let window = Window::around(10);
    let world = World::with_policy(policy().window(window).build().unwrap());
    let first = world.enroll();
    let receipt = world.log_in(&first);
    let proof = world.reauthenticated(&receipt);
    let enrollment = world.begin(EnrollmentRequest::new("alice"), proof).unwrap();
    let second = scan(&enrollment);
    let _receipt = world.confirm(&enrollment, &world.now(&second)).unwrap();
    // 100 steps later, no step used so far is in a window.
    world.clock.advance(STEP * 100);
    let start = world.clock.now().as_unix();
    let steps = || (0..300_000_u64).map(|n| start + n * 30);
    let mut shown_by_second = HashMap::new();
    for at in steps() {
        shown_by_second.insert(second.passcode(Timestamp::from_unix(at)), at);
    }
    let shared = steps().find_map(|at| {
        let passcode = first.passcode(Timestamp::from_unix(at));
        let other = shown_by_second.get(&passcode)?;
        (at > start + 300 && at.abs_diff(*other) <= 300)
            .then_some((Timestamp::from_unix(at), passcode))
    });
    let (at, passcode) =
        shared.expect("two windows of 21 steps share a passcode within 300,000 steps");
    world.clock.set(at);
    let _receipt = world.verify(&passcode).unwrap();
    assert_eq!(
        rejection(world.verify(&passcode)),
        Rejection::Replayed,
        "the other authenticator does not accept the passcode either"
    );
    let Status::Enabled(enabled) = world.status() else {
        panic!()
    };
    assert!(
        enabled
            .authenticators
            .iter()
            .all(|active| active.last_used_at == Some(at))
    );
}

#[test]
fn a_passcode_in_another_spelling_is_a_replay() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let (left, right) = passcode.split_at(3);
    let full_width: String = passcode
        .bytes()
        .map(|digit| char::from_u32(0xff10 + u32::from(digit - b'0')).unwrap())
        .collect();
    let _receipt = world
        .verify(&format!(" {left}\u{a0}{right}\u{200b} "))
        .unwrap();
    for spelling in [
        passcode.clone(),
        format!("{left}-{right}"),
        format!("{left} {right}"),
        full_width,
    ] {
        assert_eq!(
            rejection(world.verify(&spelling)),
            Rejection::Replayed,
            "{spelling:?}"
        );
    }
}

#[test]
fn the_window_is_one_step_on_either_side() {
    for (offset, accepted) in [
        (-60, false),
        (-30, true),
        (0, true),
        (30, true),
        (60, false),
    ] {
        let (world, phone) = World::enrolled();
        world.clock.advance(STEP * 10);
        let at = world
            .clock
            .now()
            .as_unix()
            .checked_add_signed(offset)
            .unwrap();
        let outcome = world.verify(&phone.passcode(Timestamp::from_unix(at)));
        assert_eq!(outcome.is_ok(), accepted, "{offset} s");
    }
}

#[test]
fn malformed_input_costs_no_guess() {
    let (world, phone) = World::enrolled();
    for text in [
        "",
        " ",
        "12345",
        "1234567",
        "●●●●●●",
        "123456789",
        "abcdef",
        "123456 or 1=1",
        &"1".repeat(300),
    ] {
        for _ in 0..30 {
            assert_eq!(
                rejection(world.verify(text)),
                Rejection::Malformed,
                "{text:?}"
            );
        }
    }
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn a_replay_costs_no_guess() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let _receipt = world.verify(&passcode).unwrap();
    for _ in 0..200 {
        assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    }
    let _receipt = world.log_in(&phone);
}

#[test]
fn absent_and_disabled_accounts_are_refused_differently() {
    let world = World::new();
    assert_eq!(world.status(), Status::Absent);
    assert_eq!(rejection(world.verify("123456")), Rejection::Absent);
    let _pending = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    assert_eq!(world.status(), Status::Disabled);
    assert_eq!(rejection(world.verify("123456")), Rejection::Disabled);
}

#[test]
fn clock_differences_never_allow_a_second_use() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let _receipt = world.verify(&passcode).unwrap();
    for seconds in [20, 29] {
        world.clock.set(world.clock.now().saturating_add(seconds));
        assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    }
    world
        .clock
        .set(Timestamp::from_unix(world.clock.now().as_unix() - 600));
    assert!(world.verify(&passcode).is_err());
    world.clock.advance(Duration::from_secs(660));
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn every_step_and_every_authenticator_is_compared() {
    let world = World::with_policy(policy().window(Window::around(10)).build().unwrap());
    let mut phones = vec![world.enroll()];
    for _ in 1..5 {
        world.clock.advance(STEP * 30);
        let receipt = world.verify(&world.now(&phones[0])).unwrap();
        let request = EnrollmentRequest::new("alice");
        let enrollment = world
            .begin(request, world.reauthenticated(&receipt))
            .unwrap();
        phones.push(scan(&enrollment));
        let _receipt = world
            .confirm(&enrollment, &world.now(&phones[phones.len() - 1]))
            .unwrap();
    }
    for phone in &phones {
        for offset in -10..=10 {
            world.clock.advance(STEP * 30);
            let at = world
                .clock
                .now()
                .as_unix()
                .checked_add_signed(offset * 30)
                .unwrap();
            let _receipt = world
                .verify(&phone.passcode(Timestamp::from_unix(at)))
                .unwrap();
        }
    }
}
