//! Servers whose clocks differ: the effects on an account, and the gain of an attacker.

use crate::world::{DAY, START, STEP, World, policy, rejection, waiting};
use countersign::factor::RateLimitState;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{EnrollmentRequest, Proof, Rejection, ServerClock, Status, Timestamp};
use std::time::Duration;

/// Another server on the same store. Its clock differs by this many seconds.
fn server(world: &World, offset: i64) -> World {
    let now = world.clock.now().as_unix().saturating_add_signed(offset);
    let clock = ManualClock::at(Timestamp::from_unix(now));
    let server = world.server(|builder| builder.clock(clock.clone()));
    World { clock, ..server }
}

fn fail(world: &World, phone: &Phone, times: u32) {
    for _ in 0..times {
        let outcome = world.verify(&world.wrong(phone));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
}

#[test]
fn a_clock_fault_writes_nothing() {
    let (world, phone) = World::enrolled();
    fail(&server(&world, 7200), &phone, 5);
    let before = world.record();
    for _ in 0..3 {
        let outcome = world.verify(&world.now(&phone));
        assert_eq!(rejection(outcome), Rejection::ClockFault);
    }
    assert_eq!(world.record(), before);
    let Status::Enabled(enabled) = world.status() else {
        panic!("enabled");
    };
    assert_eq!(enabled.rate_limit, RateLimitState::ClockFault);
}

#[test]
fn a_slow_clock_gains_no_guess() {
    for seconds in [7200, 86_400, START.as_unix() as i64 - 1000] {
        let (world, phone) = World::enrolled();
        fail(&world, &phone, 5);
        let slow = server(&world, -seconds);
        let before = world.record();
        for _ in 0..20 {
            let outcome = slow.verify(&slow.wrong(&phone));
            assert_eq!(rejection(outcome), Rejection::ClockFault, "{seconds} s");
            let unlocked = slow.unlock(ServerClock::Unconfirmed);
            assert_eq!(rejection(unlocked), Rejection::ClockFault, "{seconds} s");
        }
        assert_eq!(world.record(), before);
        assert_eq!(rejection(world.verify(&world.now(&phone))), waiting(30));
    }
}

#[test]
fn unlocking_with_a_slow_clock_gains_no_guess() {
    let builder = policy().backoff(100, Duration::ZERO, Duration::ZERO);
    let world = World::with_policy(builder.budget(10, DAY).build().unwrap());
    let phone = world.enroll();
    fail(&world, &phone, 1);
    let slow = server(&world, -3000);
    slow.unlock(ServerClock::Unconfirmed).unwrap();
    fail(&world, &phone, 9);
    let retry_after = DAY;
    let spent = Rejection::BudgetSpent { retry_after };
    assert_eq!(rejection(world.verify(&world.wrong(&phone))), spent);
}

#[test]
fn unlocking_with_a_confirmed_clock_resets_future_times() {
    let (world, phone) = World::enrolled();
    let fast = server(&world, 10 * DAY.as_secs() as i64);
    fail(&fast, &phone, 5);
    let refused = world.unlock(ServerClock::Unconfirmed);
    assert_eq!(rejection(refused), Rejection::ClockFault);
    world.unlock(ServerClock::Confirmed).unwrap();
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    // The budget is unchanged. From now on it refills.
    fail(&world, &phone, 5);
    world.clock.advance(Duration::from_secs(30));
    let spent = |retry_after| Rejection::BudgetSpent { retry_after };
    let outcome = rejection(world.verify(&world.now(&phone)));
    assert_eq!(outcome, spent(3 * DAY - Duration::from_secs(30)));
    world.clock.advance(3 * DAY);
    fail(&world, &phone, 1);
}

#[test]
fn issues_and_enrollments_far_ahead_are_clock_faults() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let fast = server(&world, 7200);
    let passcode = fast.now(&phone);
    let proof = Proof::Code(&passcode);
    block_on(fast.verifier.issue_backup_codes(&fast.alice, proof)).unwrap();
    let issued = world
        .verifier
        .issue_backup_codes(&world.alice, world.reauthenticated(&receipt));
    assert_eq!(rejection(block_on(issued)), Rejection::ClockFault);
    assert_eq!(
        rejection(world.unlock(ServerClock::Unconfirmed)),
        Rejection::ClockFault
    );
    world.unlock(ServerClock::Confirmed).unwrap();
    let issued = world
        .verifier
        .issue_backup_codes(&world.alice, world.reauthenticated(&receipt));
    block_on(issued).unwrap();

    let world = World::new();
    let fast = server(&world, 7200);
    let begin = |world: &World| {
        let checked_at = world.clock.now();
        let request = EnrollmentRequest::new("alice");
        world.begin(request, Proof::Password { checked_at })
    };
    begin(&fast).unwrap();
    assert_eq!(rejection(begin(&world)), Rejection::ClockFault);
    world.unlock(ServerClock::Confirmed).unwrap();
    begin(&world).unwrap();
}

/// docs/guide/deploying.md describes two servers whose clocks differ by ten minutes.
#[test]
fn a_server_ten_minutes_fast_rejects_right_passcodes() {
    let (world, phone) = World::enrolled();
    let fast = server(&world, 600);
    for n in 0..6 {
        let outcome = rejection(fast.verify(&world.now(&phone)));
        if n < 5 {
            assert_eq!(outcome, Rejection::WrongCode);
        } else {
            assert_eq!(outcome, waiting(30));
            fast.clock.advance(STEP);
            let outcome = fast.verify(&world.now(&phone));
            assert_eq!(rejection(outcome), Rejection::WrongCode);
        }
    }
    assert_eq!(rejection(world.verify(&world.now(&phone))), waiting(690));
}
