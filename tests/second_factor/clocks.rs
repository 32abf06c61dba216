//! Servers whose clocks differ: what they do to an account, and what an attacker gains.

use crate::world::{DAY, START, STEP, World, policy, rejection, waiting};
use countersign::factor::RateLimitState;
use countersign::store::Store;
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    EnrollmentRequest, KeyId, Keyring, Policy, Proof, Rejection, ServerClock, Status, Timestamp,
    Verifier,
};
use std::time::Duration;

/// Another server on the same store, so many seconds from the world's clock.
fn server(world: &World, offset: i64) -> World {
    server_with(world, offset, policy().build().unwrap())
}

fn server_with(world: &World, offset: i64, policy: Policy) -> World {
    let clock = ManualClock::at(Timestamp::from_unix(
        world.clock.now().as_unix().saturating_add_signed(offset),
    ));
    let keyring = Keyring::new(KeyId::new(1), world.key.clone());
    let verifier = Verifier::builder(world.verifier.store().clone(), keyring, "Example")
        .policy(policy)
        .clock(clock.clone())
        .build()
        .unwrap();
    World {
        verifier,
        clock,
        key: world.key.clone(),
        alice: world.alice.clone(),
    }
}

fn fail(world: &World, phone: &Phone, times: u32) {
    for _ in 0..times {
        let outcome = world.verify(&world.wrong(phone));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
}

fn stored(world: &World) -> Vec<u8> {
    let Ok(stored) = block_on(Store::load(world.verifier.store(), &world.alice));
    stored.unwrap().record.to_vec()
}

#[test]
fn a_clock_fault_writes_nothing() {
    let (world, phone) = World::enrolled();
    fail(&server(&world, 7200), &phone, 5);
    let before = stored(&world);
    for _ in 0..3 {
        let outcome = world.verify(&world.now(&phone));
        assert_eq!(rejection(outcome), Rejection::ClockFault);
    }
    assert_eq!(stored(&world), before);
    let Status::Enabled(enabled) = world.status() else {
        panic!("enabled");
    };
    assert_eq!(enabled.rate_limit, RateLimitState::ClockFault);
}

#[test]
fn a_server_that_is_behind_gains_no_guess() {
    for behind in [7200, 86_400, START.as_unix() as i64 - 1000] {
        let (world, phone) = World::enrolled();
        fail(&world, &phone, 5);
        let late = server(&world, -behind);
        let before = stored(&world);
        for _ in 0..20 {
            let outcome = late.verify(&late.wrong(&phone));
            assert_eq!(rejection(outcome), Rejection::ClockFault, "{behind} s");
            let unlocked = late.unlock(ServerClock::Unconfirmed);
            assert_eq!(rejection(unlocked), Rejection::ClockFault, "{behind} s");
        }
        assert_eq!(stored(&world), before);
        assert_eq!(rejection(world.verify(&world.now(&phone))), waiting(30));
    }
}

#[test]
fn unlocking_on_a_server_that_is_a_little_behind_gains_nothing_later() {
    let small = || {
        let waits = policy().backoff(100, Duration::ZERO, Duration::ZERO);
        waits.budget(10, DAY).build().unwrap()
    };
    let world = World::with_policy(small());
    let phone = world.enroll();
    fail(&world, &phone, 1);
    let late = server_with(&world, -3000, small());
    late.unlock(ServerClock::Unconfirmed).unwrap();
    fail(&world, &phone, 9);
    let retry_after = DAY;
    let spent = Rejection::BudgetSpent { retry_after };
    assert_eq!(rejection(world.verify(&world.wrong(&phone))), spent);
}

#[test]
fn a_confirmed_clock_sets_the_times_to_now() {
    let (world, phone) = World::enrolled();
    let ahead = server(&world, 10 * DAY.as_secs() as i64);
    fail(&ahead, &phone, 5);
    let refused = world.unlock(ServerClock::Unconfirmed);
    assert_eq!(rejection(refused), Rejection::ClockFault);
    world.unlock(ServerClock::Confirmed).unwrap();
    let _receipt = world.verify(&world.now(&phone)).unwrap();
    // The budget is what it was, and gains from now on.
    fail(&world, &phone, 5);
    world.clock.advance(Duration::from_secs(30));
    fail(&world, &phone, 1);
}

#[test]
fn times_of_issues_and_beginnings_that_lie_far_ahead_are_clock_faults() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let ahead = server(&world, 7200);
    let passcode = ahead.now(&phone);
    let proof = Proof::Code(&passcode);
    block_on(ahead.verifier.issue_backup_codes(&ahead.alice, proof)).unwrap();
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
    let ahead = server(&world, 7200);
    let begin = |world: &World| {
        let checked_at = world.clock.now();
        let request = EnrollmentRequest::new("alice");
        world.begin(request, Proof::Password { checked_at })
    };
    begin(&ahead).unwrap();
    assert_eq!(rejection(begin(&world)), Rejection::ClockFault);
    world.unlock(ServerClock::Confirmed).unwrap();
    begin(&world).unwrap();
}

/// What docs/guide/deploying.md says of two servers ten minutes apart.
#[test]
fn a_server_that_is_ten_minutes_ahead_counts_right_passcodes_as_wrong() {
    let (world, phone) = World::enrolled();
    let ahead = server(&world, 600);
    for n in 0..6 {
        let outcome = rejection(ahead.verify(&world.now(&phone)));
        if n < 5 {
            assert_eq!(outcome, Rejection::WrongCode);
        } else {
            assert_eq!(outcome, waiting(30));
            ahead.clock.advance(STEP);
            let outcome = ahead.verify(&world.now(&phone));
            assert_eq!(rejection(outcome), Rejection::WrongCode);
        }
    }
    assert_eq!(rejection(world.verify(&world.now(&phone))), waiting(690));
}
