//! Consecutive passcodes: what a limit holds back, they open, and nothing else changes.

use crate::counters::{self, Token};
use crate::world::{DAY, STEP, World, policy, rejection, scan, staff};
use countersign::factor::RateLimitState;
use countersign::otp::{Digits, Period};
use countersign::testing::{ManualClock, Phone, block_on};
use countersign::{
    AccountId, Denied, EnrollmentRequest, Policy, Receipt, Rejection, Status, Timestamp,
};
use std::thread;
use std::time::Duration;

fn verify<T: AsRef<str>>(world: &World, row: &[T]) -> Result<Receipt, Denied> {
    let row: Vec<&str> = row.iter().map(AsRef::as_ref).collect();
    block_on(world.verifier.verify_consecutive(&world.alice, &row))
}

/// The passcodes of these time steps, counted from now.
fn steps(world: &World, phone: &Phone, offsets: impl IntoIterator<Item = i64>) -> Vec<String> {
    let period = world.verifier.policy().period().as_secs();
    let now = world.clock.now().as_unix();
    let at = |offset: i64| now.saturating_add_signed(offset * period.cast_signed());
    let shown = |offset| phone.passcode(Timestamp::from_unix(at(offset)));
    offsets.into_iter().map(shown).collect()
}

/// The passcodes that the owner types: the current one, and the two before it.
fn row(world: &World, phone: &Phone) -> Vec<String> {
    steps(world, phone, -2..=0)
}

/// A policy that locks after the first failure.
fn early_lock() -> countersign::PolicyBuilder {
    policy().lock_after(1)
}

fn rate_limit(world: &World) -> RateLimitState {
    match world.status() {
        Status::Enabled(enabled) => enabled.rate_limit,
        other => panic!("{other:?}"),
    }
}

fn enrolled(policy: Policy) -> (World, Phone) {
    let world = World::with_policy(policy);
    let phone = world.enroll();
    world.clock.advance(STEP * 60);
    (world, phone)
}

fn fail(world: &World, phone: &Phone, times: u32) {
    for _ in 0..times {
        let outcome = world.verify(&world.wrong(phone));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
}

#[test]
fn a_row_ends_a_wait() {
    let (world, phone) = enrolled(policy().build().unwrap());
    fail(&world, &phone, 5);
    assert!(matches!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::Waiting { .. }
    ));
    let receipt = verify(&world, &row(&world, &phone)).unwrap();
    assert_eq!(receipt.account(), &world.alice);
    assert_eq!(receipt.at(), world.clock.now());
    assert_eq!(rate_limit(&world), RateLimitState::Free);
    let _receipt = world.log_in(&phone);
}

#[test]
fn a_row_leaves_a_spent_budget_as_it_is() {
    let (world, phone) = enrolled(policy().budget(4, DAY).build().unwrap());
    fail(&world, &phone, 4);
    let spent = RateLimitState::BudgetSpent { retry_after: DAY };
    assert_eq!(rate_limit(&world), spent);
    let _receipt = verify(&world, &row(&world, &phone)).unwrap();
    assert_eq!(rate_limit(&world), spent);
    // The owner gets in again and again.
    for _ in 0..10 {
        world.clock.advance(STEP * 3);
        let _receipt = verify(&world, &row(&world, &phone)).unwrap();
    }
}

/// Invariant 3 does not hold for rows: a wrong row is not stored.
#[test]
fn a_wrong_row_writes_nothing() {
    for policy in [policy(), policy().budget(3, DAY), early_lock()] {
        let (world, phone) = enrolled(policy.build().unwrap());
        let right = steps(&world, &phone, -3..=0);
        let other = world.wrong(&phone);
        for failures in [0, 1] {
            fail(&world, &phone, failures);
            let before = world.record();
            let limit = rate_limit(&world);
            for count in [3, 4] {
                // Every row but the right one, with every combination of right passcodes.
                for mask in 1..1_u32 << count {
                    let wrong = |place: usize| mask >> place & 1 == 1;
                    let code = |place| if wrong(place) { &other } else { &right[place] };
                    let typed: Vec<_> = (0..count).map(code).collect();
                    let locked = limit == RateLimitState::Locked && count == 3;
                    let expected = if locked {
                        Rejection::Locked
                    } else {
                        Rejection::WrongCode
                    };
                    assert_eq!(rejection(verify(&world, &typed)), expected, "{mask:b}");
                }
            }
            assert_eq!(world.record(), before);
            assert_eq!(rate_limit(&world), limit);
        }
        assert!(verify(&world, &right).is_ok());
    }
}

#[test]
fn only_successive_steps_in_order_are_a_row() {
    let (world, phone) = enrolled(policy().build().unwrap());
    for offsets in [
        [0, -1, -2],
        [-2, 0, -1],
        [-3, -1, 0],
        [-2, -2, -1],
        [0, 0, 0],
        [-4, -2, 0],
    ] {
        let typed = steps(&world, &phone, offsets);
        assert_eq!(
            rejection(verify(&world, &typed)),
            Rejection::WrongCode,
            "{offsets:?}"
        );
    }
    let receipt = world.log_in(&phone);
    let second = world
        .begin(
            EnrollmentRequest::new("alice"),
            world.reauthenticated(&receipt),
        )
        .unwrap();
    let other = scan(&second);
    let _receipt = world.confirm(&second, &world.now(&other)).unwrap();
    world.clock.advance(STEP * 9);
    let mixed = [
        steps(&world, &phone, [-2]),
        steps(&world, &other, [-1]),
        steps(&world, &phone, [0]),
    ];
    assert_eq!(
        rejection(verify(&world, &mixed.concat())),
        Rejection::WrongCode
    );
    for phone in [&phone, &other] {
        let receipt = verify(&world, &row(&world, phone)).unwrap();
        let ids = world.authenticators();
        let place = ids.iter().position(|id| {
            receipt.accepted_by() == countersign::AcceptedBy::Authenticator { id: *id }
        });
        assert!(place.is_some());
    }
}

#[test]
fn a_row_lies_within_20_steps_and_10_minutes() {
    for (period, limit, reach) in [
        (30, 20, 20),
        (30, 7, 7),
        (60, 20, 10),
        (120, 20, 5),
        (10, 20, 20),
    ] {
        let period = Period::from_secs(period).unwrap();
        let policy = policy().period(period).consecutive_codes(3, limit);
        let fresh = || enrolled(policy.clone().build().unwrap());
        for (first, accepted) in [
            (-reach, true),
            (reach - 2, true),
            (-reach - 1, false),
            (reach - 1, false),
        ] {
            let (world, phone) = fresh();
            world.clock.advance(Duration::from_secs(3600));
            let outcome = verify(&world, &steps(&world, &phone, first..first + 3));
            assert_eq!(outcome.is_ok(), accepted, "{period} {first}");
            if !accepted {
                assert_eq!(rejection(outcome), Rejection::WrongCode);
            }
        }
    }
}

/// Invariant 1.
#[test]
fn a_row_is_accepted_once() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let _receipt = world.log_in(&phone);
    let before = world.record();
    // The last login used the current step.
    for offsets in [-3..=0, -2..=1, -1..=2, 0..=3] {
        let typed = steps(&world, &phone, offsets.clone());
        let outcome = verify(&world, &typed[..3]);
        assert_eq!(rejection(outcome), Rejection::Replayed, "{offsets:?}");
        let outcome = verify(&world, &typed);
        assert_eq!(rejection(outcome), Rejection::Replayed, "{offsets:?}");
    }
    assert_eq!(world.record(), before);
    let next = steps(&world, &phone, 1..=3);
    let _receipt = verify(&world, &next).unwrap();
    let ahead = |steps| Rejection::ReplayedAhead {
        retry_after: STEP * steps,
    };
    assert_eq!(rejection(verify(&world, &next)), ahead(4));
    for expected in [ahead(4), ahead(3), Rejection::Replayed, Rejection::Replayed] {
        let outcome = world.verify(&world.now(&phone));
        assert_eq!(rejection(outcome), expected);
        world.clock.advance(STEP);
    }
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn parallel_rows_are_accepted_once() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let typed = row(&world, &phone);
    let outcomes = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| verify(&world, &typed)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    let (accepted, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    for outcome in refused {
        assert_eq!(rejection(outcome), Rejection::Replayed);
    }
}

#[test]
fn only_four_passcodes_end_a_lock() {
    for (allowed, count, expected) in [
        (true, 3, Some(Rejection::Locked)),
        (true, 4, None),
        (false, 3, Some(Rejection::Locked)),
        (false, 4, Some(Rejection::Locked)),
    ] {
        let policy = early_lock()
            .consecutive_codes_unlock(allowed)
            .build()
            .unwrap();
        let (world, phone) = enrolled(policy);
        fail(&world, &phone, 1);
        let outcome = verify(&world, &steps(&world, &phone, 1 - count..=0));
        match expected {
            Some(expected) => {
                assert_eq!(rejection(outcome), expected);
                assert_eq!(rate_limit(&world), RateLimitState::Locked);
            }
            None => {
                assert!(outcome.is_ok());
                assert_eq!(rate_limit(&world), RateLimitState::Free);
                let _receipt = world.log_in(&phone);
            }
        }
    }
}

#[test]
fn a_policy_can_require_four_passcodes() {
    let (world, phone) = enrolled(policy().consecutive_codes(4, 20).build().unwrap());
    assert_eq!(
        rejection(verify(&world, &row(&world, &phone))),
        Rejection::Malformed
    );
    let _receipt = verify(&world, &steps(&world, &phone, -3..=0)).unwrap();
}

fn counters(token: &Token, first: u64, count: u64) -> Vec<String> {
    (first..first + count)
        .map(|counter| token.passcode(counter))
        .collect()
}

#[test]
fn four_passcodes_resynchronize_a_token() {
    // Counter 0 confirmed the enrollment.
    for (first, expected) in [
        (1, None),
        (40, None),
        (101, None),
        (102, Some(Rejection::WrongCode)),
        (0, Some(Rejection::Replayed)),
    ] {
        let (world, token) = counters::enrolled(2);
        let three = verify(&world, &counters(&token, first, 3));
        assert_eq!(rejection(three), Rejection::WrongCode, "{first}");
        let outcome = verify(&world, &counters(&token, first, 4));
        let Some(expected) = expected else {
            assert!(outcome.is_ok(), "{first}");
            let again = verify(&world, &counters(&token, first, 4));
            assert_eq!(rejection(again), Rejection::Replayed);
            let last = world.verify(&token.passcode(first + 3));
            assert_eq!(rejection(last), Rejection::Replayed);
            let _receipt = world.verify(&token.passcode(first + 4)).unwrap();
            continue;
        };
        assert_eq!(rejection(outcome), expected, "{first}");
        let _receipt = world.verify(&token.passcode(1)).unwrap();
    }
}

#[test]
fn a_row_corrects_a_failure_ahead_of_now() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let fast = {
        let clock = ManualClock::at(world.clock.now().saturating_add(10 * 86_400));
        let server = world.server(|builder| builder.clock(clock.clone()));
        World { clock, ..server }
    };
    fail(&fast, &phone, 5);
    let before = world.record();
    assert_eq!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::ClockFault
    );
    // The fast server does not accept the row.
    let typed = row(&world, &phone);
    assert_eq!(rejection(verify(&fast, &typed)), Rejection::WrongCode);
    assert_eq!(world.record(), before);
    let _receipt = verify(&world, &typed).unwrap();
    fail(&world, &phone, 5);
    // The failures of the fast server would be a clock fault.
    let wait = rejection(world.verify(&world.now(&phone)));
    assert_eq!(wait.retry_after(), Some(Duration::from_secs(30)));
}

#[test]
fn a_row_of_another_shape_is_malformed() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let right = steps(&world, &phone, -4..=0);
    for count in [0, 1, 2, 5] {
        assert_eq!(
            rejection(verify(&world, &right[..count])),
            Rejection::Malformed
        );
    }
    for typed in ["", "\u{25cf}", "1234567", "12345678", "abcdef"] {
        let row = [right[2].as_str(), typed, right[4].as_str()];
        assert_eq!(
            rejection(verify(&world, &row)),
            Rejection::Malformed,
            "{typed:?}"
        );
    }
    let spaced: Vec<_> = row(&world, &phone)
        .iter()
        .map(|code| format!(" {}-{}", &code[..3], &code[3..]))
        .collect();
    let _receipt = verify(&world, &spaced).unwrap();
}

#[test]
fn a_row_needs_an_active_authenticator() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let typed = row(&world, &phone);
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(rejection(verify(&world, &typed)), Rejection::Disabled);
    let bob = AccountId::new("bob").unwrap();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    let outcome = block_on(world.verifier.verify_consecutive(&bob, &typed));
    assert_eq!(rejection(outcome), Rejection::Absent);
}

#[test]
fn a_row_may_have_the_digits_of_any_authenticator() {
    let (world, phone) = enrolled(policy().digits(Digits::EIGHT).build().unwrap());
    let six = world.server(|builder| builder.policy(policy().build().unwrap()));
    let typed = row(&world, &phone);
    let wrong = ["12345678", &typed[1], &typed[2]];
    assert_eq!(rejection(verify(&six, &wrong)), Rejection::WrongCode);
    assert_eq!(
        rejection(verify(&six, &["123456"; 3])),
        Rejection::WrongCode
    );
    assert_eq!(
        rejection(verify(&six, &["1234567"; 3])),
        Rejection::Malformed
    );
    let _receipt = verify(&six, &typed).unwrap();
}
