//! Issuing and using backup codes.

use crate::world::{STEP, World, policy, rejection};
use countersign::backup::CodeFormat;
use countersign::otp::Digits;
use countersign::testing::block_on;
use countersign::{AcceptedBy, EnrollmentRequest, Proof, Rejection, Status};
use std::collections::HashSet;
use std::thread;

#[test]
fn invariant_2_each_code_works_once_and_the_others_still_do() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    assert_eq!(codes.len(), 10);
    let mut sets = HashSet::new();
    for (index, code) in codes.iter().enumerate() {
        let receipt = world.verify(code).unwrap();
        let (expected, remaining) = (index as u8 + 1, 9 - index as u8);
        let AcceptedBy::BackupCode {
            set,
            number,
            remaining: left,
        } = receipt.accepted_by()
        else {
            panic!("{receipt:?}");
        };
        assert_eq!((number, left), (expected, remaining));
        sets.insert(set);
        assert_eq!(rejection(world.verify(code)), Rejection::BackupCodeUsed);
        assert_eq!(world.codes_left(), usize::from(remaining));
    }
    assert_eq!(sets.len(), 1);
}

#[test]
fn a_code_is_taken_with_and_without_its_space() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    assert_eq!(codes[0].len(), 9, "1234 5678");
    let _receipt = world.verify(&codes[0].replace(' ', "")).unwrap();
    let _receipt = world.verify(&codes[1].replace(' ', "-")).unwrap();
    let _receipt = world.verify(&format!("  {} ", codes[2])).unwrap();
}

#[test]
fn invariant_2_thirty_requests_at_once_with_one_code_give_one_login() {
    for _ in 0..20 {
        let (world, phone) = World::enrolled();
        let codes = world.issue(&phone);
        let accepted = thread::scope(|scope| {
            let requests: Vec<_> = (0..30)
                .map(|_| scope.spawn(|| world.verify(&codes[3]).is_ok()))
                .collect();
            requests
                .into_iter()
                .map(|request| usize::from(request.join().unwrap()))
                .sum::<usize>()
        });
        assert_eq!(accepted, 1);
        assert_eq!(world.codes_left(), 9);
    }
}

#[test]
fn the_status_tells_when_each_code_was_used() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let issued = world.clock.now();
    world.clock.advance(STEP);
    let _receipt = world.verify(&codes[2]).unwrap();
    let Status::Enabled(enabled) = world.status() else {
        panic!()
    };
    let status = enabled.backup_codes.unwrap();
    assert_eq!(status.issued_at, issued);
    assert_eq!(status.remaining, 9);
    let used: Vec<_> = status.used_at.iter().map(Option::is_some).collect();
    assert_eq!(
        used,
        [
            false, false, true, false, false, false, false, false, false, false
        ]
    );
    assert_eq!(status.used_at[2], Some(world.clock.now()));
}

#[test]
fn a_new_set_ends_the_old_one() {
    let (world, phone) = World::enrolled();
    let old = world.issue(&phone);
    let new = world.issue(&phone);
    assert_eq!(rejection(world.verify(&old[0])), Rejection::WrongCode);
    let _receipt = world.verify(&new[0]).unwrap();
}

#[test]
fn codes_end_with_the_second_factor() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let receipt = world.log_in(&phone);
    block_on(
        world
            .verifier
            .disable(&world.alice, world.reauthenticated(&receipt)),
    )
    .unwrap();
    assert_eq!(rejection(world.verify(&codes[0])), Rejection::Disabled);
    let phone = world.enroll();
    assert_eq!(
        rejection(world.verify(&codes[0])),
        Rejection::WrongCode,
        "there is no set, and the answer does not tell"
    );
    let _receipt = world.log_in(&phone);
}

#[test]
fn there_are_no_codes_without_an_active_authenticator() {
    let world = World::new();
    let issue = || {
        block_on(
            world
                .verifier
                .issue_backup_codes(&world.alice, world.password()),
        )
    };
    assert_eq!(rejection(issue()), Rejection::Absent);
    let _pending = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    assert_eq!(rejection(issue()), Rejection::Disabled);
}

#[test]
fn a_wrong_code_is_counted_once_and_a_right_one_costs_nothing() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let wrong = (0..)
        .map(|n: u32| format!("{n:08}"))
        .find(|code| !codes.contains(code))
        .unwrap();
    for _ in 0..4 {
        assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
    }
    for code in &codes {
        let _receipt = world.verify(code).unwrap();
    }
    // 4 of the budget's 20 are spent, and the successes have ended the row of failures.
    for _ in 0..4 {
        for _ in 0..4 {
            assert_eq!(rejection(world.verify(&wrong)), Rejection::WrongCode);
        }
        world.clock.advance(STEP);
        let outcome = world.verify(&world.now(&phone));
        assert!(outcome.is_ok() || matches!(rejection(outcome), Rejection::BudgetSpent { .. }));
    }
    assert!(matches!(
        rejection(world.verify(&wrong)),
        Rejection::BudgetSpent { .. }
    ));
}

#[test]
fn with_equal_lengths_the_passcode_wins_and_burns_no_code() {
    let world = World::with_policy(policy().digits(Digits::EIGHT).build().unwrap());
    let phone = world.enroll();
    let codes = world.issue(&phone);
    let _receipt = world.log_in(&phone);
    assert_eq!(world.codes_left(), 10);
    let _receipt = world.verify(&codes[0]).unwrap();
    assert_eq!(world.codes_left(), 9);
    let passcode = world.now(&phone);
    assert_eq!(
        rejection(world.verify(&passcode)),
        Rejection::Replayed,
        "never falls through to the digest"
    );
}

#[test]
fn longer_formats_take_lower_case_and_look_alikes() {
    for (format, length) in [(CodeFormat::BITS_64, 13), (CodeFormat::BITS_112, 23)] {
        let world = World::with_policy(policy().code_format(format).build().unwrap());
        let phone = world.enroll();
        let codes = world.issue(&phone);
        let plain: String = codes[0].chars().filter(|c| c.is_alphanumeric()).collect();
        assert_eq!(plain.len(), length);
        let typed = codes[0].to_lowercase().replace('0', "o").replace('1', "l");
        let _receipt = world.verify(&typed).unwrap();
        assert_eq!(
            rejection(world.verify(&codes[0])),
            Rejection::BackupCodeUsed
        );
    }
}

#[test]
fn a_backup_code_proves_a_change_and_is_used_up_by_it() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let renewed = block_on(
        world
            .verifier
            .issue_backup_codes(&world.alice, Proof::Code(&codes[0])),
    )
    .unwrap();
    assert_eq!(world.codes_left(), 10);
    assert_eq!(rejection(world.verify(&codes[0])), Rejection::WrongCode);
    let first = renewed.iter().next().unwrap();
    block_on(world.verifier.disable(&world.alice, Proof::Code(first))).unwrap();
    assert_eq!(world.status(), Status::Disabled);
}
