//! Logging in with passcodes.

use crate::world::{STEP, World, policy, rejection, scan};
use countersign::otp::Window;
use countersign::{AcceptedBy, EnrollmentRequest, Rejection, Status, Timestamp};
use std::collections::HashMap;
use std::thread;
use std::time::Duration;

#[test]
fn invariant_1_a_passcode_is_accepted_once() {
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
fn invariant_1_the_passcode_that_confirmed_the_enrollment_cannot_log_in() {
    let world = World::new();
    let enrollment = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let passcode = world.now(&scan(&enrollment));
    let _receipt = world.confirm(&enrollment, &passcode).unwrap();
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
}

#[test]
fn invariant_1_an_older_passcode_is_refused_once_a_newer_one_was_used() {
    let (world, phone) = World::enrolled();
    let older = world.now(&phone);
    world.clock.advance(STEP);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    assert_eq!(rejection(world.verify(&older)), Rejection::Replayed);
}

#[test]
fn invariant_1_a_passcode_of_the_phone_that_is_ahead_uses_up_its_own_step() {
    let (world, phone) = World::enrolled();
    let ahead = phone.passcode(world.clock.now().saturating_add(30));
    let _receipt = world.verify(&ahead).unwrap();
    world.clock.advance(STEP);
    assert_eq!(
        rejection(world.verify(&ahead)),
        Rejection::Replayed,
        "its own step has come"
    );
    assert_eq!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::Replayed
    );
    world.clock.advance(STEP);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn invariant_1_thirty_requests_at_once_with_one_passcode_give_one_login() {
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
fn invariant_1_two_authenticators_that_show_the_same_are_both_moved() {
    // A window of 21 steps, two authenticators, and a search: some passcode is in both windows.
    let window = Window::around(10);
    let world = World::with_policy(policy().window(window).build().unwrap());
    let first = world.enroll();
    let receipt = world.log_in(&first);
    let proof = world.reauthenticated(&receipt);
    let enrollment = world.begin(EnrollmentRequest::new("alice"), proof).unwrap();
    let second = scan(&enrollment);
    let _receipt = world.confirm(&enrollment, &world.now(&second)).unwrap();
    // Far enough on that the steps used so far are out of every window; then on to a coincidence.
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
        "not through the other authenticator either"
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
fn invariant_4_the_same_passcode_written_otherwise_is_a_replay() {
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
    for again in [
        passcode.clone(),
        format!("{left}-{right}"),
        format!("{left} {right}"),
        full_width,
    ] {
        assert_eq!(
            rejection(world.verify(&again)),
            Rejection::Replayed,
            "{again:?}"
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
fn what_cannot_be_a_code_is_malformed_and_free() {
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
fn a_replay_is_free() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let _receipt = world.verify(&passcode).unwrap();
    for _ in 0..200 {
        assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    }
    let _receipt = world.log_in(&phone);
}

#[test]
fn an_account_that_is_absent_or_disabled_is_told_apart_and_refused() {
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
fn two_clients_with_clocks_some_minutes_apart_do_not_accept_twice() {
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
fn invariant_10_every_step_of_the_window_of_every_authenticator_is_compared() {
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
