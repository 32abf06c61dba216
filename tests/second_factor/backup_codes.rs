//! Issuing and using backup codes (invariant 2).

use crate::world::{STEP, World, policy, rejection};
use countersign::backup::CodeFormat;
use countersign::otp::Digits;
use countersign::testing::block_on;
use countersign::{AcceptedBy, EnrollmentRequest, Proof, Rejection, Status};
use std::collections::HashSet;
use std::thread;

#[test]
fn each_backup_code_is_accepted_once() {
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
fn backup_codes_are_accepted_with_or_without_spaces() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    assert_eq!(codes[0].len(), 9, "1234 5678");
    let _receipt = world.verify(&codes[0].replace(' ', "")).unwrap();
    let _receipt = world.verify(&codes[1].replace(' ', "-")).unwrap();
    let _receipt = world.verify(&format!("  {} ", codes[2])).unwrap();
}

#[test]
fn concurrent_uses_of_a_backup_code_succeed_once() {
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
fn status_shows_when_each_code_was_used() {
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
fn disabling_ends_the_backup_codes() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let receipt = world.log_in(&phone);
    _ = block_on(
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
        "the answer does not reveal that there is no set"
    );
    let _receipt = world.log_in(&phone);
}

#[test]
fn issuing_codes_needs_an_active_authenticator() {
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
fn only_wrong_backup_codes_cost_a_guess() {
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
    // 4 of the 10 guesses are spent. The successes reset the count of consecutive failures.
    for _ in 0..2 {
        for _ in 0..3 {
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
fn an_equally_long_passcode_uses_no_backup_code() {
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
        "the code is not compared with the backup codes"
    );
}

#[test]
fn longer_formats_accept_lower_case_and_look_alikes() {
    for (format, length) in [(CodeFormat::BITS_64, 13), (CodeFormat::BITS_112, 23)] {
        let world = World::with_policy(policy().code_format(format).build().unwrap());
        let phone = world.enroll();
        let codes = world.issue(&phone);
        let plain: String = codes[0].chars().filter(|c| c.is_alphanumeric()).collect();
        assert_eq!(plain.len(), length);
        let code = codes[0].to_lowercase().replace('0', "o").replace('1', "l");
        let _receipt = world.verify(&code).unwrap();
        assert_eq!(
            rejection(world.verify(&codes[0])),
            Rejection::BackupCodeUsed
        );
    }
}

#[test]
fn a_change_uses_up_its_backup_code() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    let renewed = block_on(
        world
            .verifier
            .issue_backup_codes(&world.alice, Proof::Code(&codes[0])),
    )
    .unwrap();
    assert_eq!(world.codes_left(), 9);
    assert_eq!(
        rejection(world.verify(&codes[0])),
        Rejection::BackupCodeUsed
    );
    let first = renewed.iter().next().unwrap();
    _ = block_on(world.verifier.disable(&world.alice, Proof::Code(first))).unwrap();
    assert_eq!(world.status(), Status::Disabled);
}
