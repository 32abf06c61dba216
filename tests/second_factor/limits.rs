//! The limits, each at the last accepted and at the first refused value.

use crate::world::{DAY, World, policy, rejection, scan};
use countersign::factor::RateLimitState;
use countersign::store::MemoryStore;
use countersign::testing::block_on;
use countersign::{
    BuildError, EnrollmentRequest, KeyId, Keyring, Policy, Rejection, SealingKey, Status, Verifier,
    blocking,
};
use std::time::Duration;

/// Without back-off, so that only the budget limits the guesses.
fn only_budget(burst: u32) -> Policy {
    let second = Duration::from_secs(1);
    let policy = policy().backoff(100, second, second).budget(burst, DAY);
    policy.build().unwrap()
}

/// The same service after a restart, with another policy.
fn restarted(world: &World, policy: Policy) -> World {
    world.server(|builder| builder.policy(policy))
}

fn rate_limit(world: &World) -> RateLimitState {
    match world.status() {
        Status::Enabled(enabled) => enabled.rate_limit,
        other => panic!("{other:?}"),
    }
}

/// How many wrong passcodes the verifier checks now, one directly after the other.
fn guesses(world: &World, wrong: &str) -> u32 {
    let mut guesses = 0;
    loop {
        match rejection(world.verify(wrong)) {
            Rejection::WrongCode => guesses += 1,
            Rejection::BudgetSpent { .. } => return guesses,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_lowered_burst_applies_to_existing_accounts() {
    for rest in [Duration::ZERO, DAY * 365] {
        let world = World::with_policy(only_budget(20));
        let phone = world.enroll();
        let world = restarted(&world, only_budget(3));
        world.clock.advance(rest);
        assert_eq!(guesses(&world, &world.wrong(&phone)), 3, "after {rest:?}");
        let retry_after = DAY;
        assert_eq!(
            rate_limit(&world),
            RateLimitState::BudgetSpent { retry_after }
        );
    }
}

#[test]
fn a_refund_stays_within_a_lowered_burst() {
    let world = World::with_policy(only_budget(20));
    let phone = world.enroll();
    let codes = world.issue(&phone);
    let world = restarted(&world, only_budget(3));
    let _receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(guesses(&world, &world.wrong(&phone)), 3);
}

#[test]
fn a_raised_burst_adds_no_guesses_at_once() {
    let world = World::with_policy(only_budget(2));
    let phone = world.enroll();
    assert_eq!(guesses(&world, &world.wrong(&phone)), 2);
    let world = restarted(&world, only_budget(4));
    let spent = rejection(world.verify(&world.now(&phone)));
    assert!(matches!(spent, Rejection::BudgetSpent { .. }), "{spent:?}");
    world.clock.advance(DAY);
    assert_eq!(guesses(&world, &world.wrong(&phone)), 1);
}

#[test]
fn a_new_enrollment_has_all_its_tries() {
    let world = World::new();
    let begin = || {
        let request = EnrollmentRequest::new("alice");
        world.begin(request, world.password()).unwrap()
    };
    for _ in 0..2 {
        let enrollment = begin();
        let wrong = world.wrong(&scan(&enrollment));
        for tries_left in (1..10).rev() {
            let expected = Rejection::WrongConfirmation { tries_left };
            assert_eq!(rejection(world.confirm(&enrollment, &wrong)), expected);
        }
    }
    let enrollment = begin();
    let passcode = world.now(&scan(&enrollment));
    let _receipt = world.confirm(&enrollment, &passcode).unwrap();
}

#[test]
fn a_new_replacement_has_all_its_tries() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let begin = || {
        let request = EnrollmentRequest::replacing(world.authenticators()[0], "alice");
        let proof = world.reauthenticated(&receipt);
        world.begin(request, proof).unwrap()
    };
    for _ in 0..2 {
        let enrollment = begin();
        let wrong = world.wrong(&scan(&enrollment));
        for tries_left in (1..10).rev() {
            let expected = Rejection::WrongConfirmation { tries_left };
            assert_eq!(rejection(world.confirm(&enrollment, &wrong)), expected);
        }
    }
}

#[test]
fn a_namespace_has_at_most_255_bytes() {
    let build = |namespace: &str| {
        let keyring = || Keyring::new(KeyId::new(1), SealingKey::from_bytes(&[7; 32]));
        let builder = Verifier::builder(MemoryStore::new(), keyring(), "Example");
        let built = builder.namespace(namespace).build().map(drop);
        let builder = blocking::Verifier::builder(MemoryStore::new(), keyring(), "Example");
        let blocking = builder.namespace(namespace).build_blocking().map(drop);
        assert_eq!(built, blocking);
        built
    };
    // Bytes of UTF-8 count, not characters.
    let (longest, too_long) = ("x".to_owned() + &"é".repeat(127), "é".repeat(128));
    for fits in ["", "example", &"x".repeat(255), &longest] {
        assert_eq!(build(fits), Ok(()), "{} bytes", fits.len());
    }
    for refused in ["x".repeat(256), too_long] {
        let expected = Err(BuildError::Namespace { bytes: 256 });
        assert_eq!(build(&refused), expected);
    }
    assert!(build(&"x".repeat(100_000)).is_err());
}

#[test]
fn a_record_opens_under_its_own_namespace_only() {
    let (world, namespace) = (World::new(), "n".repeat(255));
    let with = |namespace: &str| world.server(|builder| builder.namespace(namespace));
    let service = with(&namespace);
    let request = EnrollmentRequest::new("alice");
    service.begin(request, world.password()).unwrap();
    assert_eq!(service.status(), Status::Disabled);
    for other in ["", &namespace[1..]] {
        let other = with(other);
        assert!(block_on(other.verifier.status(&world.alice)).is_err());
    }
}
