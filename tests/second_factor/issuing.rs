//! Issuing backup codes: the verifier uses up the proof before it computes the hashes, and an
//! account gets at most three sets per day.

use crate::slow_hashes::{SlowHashes, finished, poll};
use crate::world::{DAY, STEP, World, rejection, staff};
use countersign::testing::{Phone, block_on};
use countersign::{Denied, EnrollmentRequest, IssuedBackupCodes, Proof, Rejection};
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

fn with_pool() -> (World, Phone, SlowHashes) {
    let pool = SlowHashes::default();
    let world = World::new().server(|builder| builder.hash_executor(pool.clone()));
    let phone = world.enroll();
    (world, phone, pool)
}

type Issue<'a> = Pin<Box<dyn Future<Output = Result<IssuedBackupCodes, Denied>> + 'a>>;

fn issue<'a>(world: &'a World, proof: Proof<'a>) -> Issue<'a> {
    Box::pin(world.verifier.issue_backup_codes(&world.alice, proof))
}

#[test]
fn concurrent_issues_by_one_passcode_hash_one_set() {
    let (world, phone, pool) = with_pool();
    let passcode = world.now(&phone);
    let mut calls: Vec<_> = (0..100)
        .map(|_| issue(&world, Proof::Code(&passcode)))
        .collect();
    let mut outcomes = Vec::new();
    while !calls.is_empty() {
        calls.retain_mut(|call| match poll(call) {
            Poll::Ready(outcome) => {
                outcomes.push(outcome);
                false
            }
            Poll::Pending => true,
        });
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(pool.0.load(Ordering::SeqCst), 1);
}

#[test]
fn a_wrong_proof_starts_no_password_hash() {
    let (world, phone, pool) = with_pool();
    let wrong = world.wrong(&phone);
    let outcome = block_on(issue(&world, Proof::Code(&wrong)));
    assert_eq!(rejection(outcome), Rejection::WrongCode);
    assert_eq!(pool.0.load(Ordering::SeqCst), 0);
}

#[test]
fn at_most_three_sets_are_issued_per_day() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let begun = world.clock.now();
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(60));
        block_on(issue(&world, world.reauthenticated(&receipt))).unwrap();
    }
    world.clock.advance(Duration::from_secs(60));
    let fourth = rejection(block_on(issue(&world, world.reauthenticated(&receipt))));
    let retry_after = DAY - Duration::from_secs(180);
    assert_eq!(fourth, Rejection::TooManyIssues { retry_after });
    assert_eq!(fourth.retry_after(), Some(retry_after));

    // The refused call uses up no passcode. A new enrollment does not lift the limit.
    let passcode = world.now(&phone);
    let fifth = block_on(issue(&world, Proof::Code(&passcode)));
    assert!(matches!(rejection(fifth), Rejection::TooManyIssues { .. }));
    let _receipt = world.verify(&passcode).unwrap();
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    let phone = world.enroll();
    let sixth = block_on(issue(&world, Proof::Code(&world.now(&phone))));
    assert!(matches!(rejection(sixth), Rejection::TooManyIssues { .. }));

    world
        .clock
        .set(begun.saturating_add(60 + DAY.as_secs() - 1));
    let early = block_on(issue(&world, Proof::Code(&world.now(&phone))));
    assert_eq!(rejection(early).retry_after(), Some(Duration::from_secs(1)));
    world.clock.advance(Duration::from_secs(1));
    block_on(issue(&world, Proof::Code(&world.now(&phone)))).unwrap();
}

#[test]
fn a_set_later_than_a_minute_is_refused() {
    for (seconds, stored) in [(60, true), (61, false)] {
        let (world, phone, _) = with_pool();
        let old = world.issue(&phone);
        let receipt = world.log_in(&phone);
        let mut call = issue(&world, world.reauthenticated(&receipt));
        assert!(poll(&mut call).is_pending());
        world.clock.advance(Duration::from_secs(seconds));
        let outcome = finished(poll(&mut call));
        if stored {
            outcome.unwrap();
        } else {
            assert_eq!(rejection(outcome), Rejection::IssueExpired);
            let _receipt = world.verify(&old[0]).unwrap();
        }
    }
}

#[test]
fn a_later_issue_replaces_an_earlier_one() {
    let (world, phone, _) = with_pool();
    let receipt = world.log_in(&phone);
    let mut first = issue(&world, world.reauthenticated(&receipt));
    assert!(poll(&mut first).is_pending());
    let mut second = issue(&world, world.reauthenticated(&receipt));
    assert!(poll(&mut second).is_pending());
    assert_eq!(
        rejection(finished(poll(&mut first))),
        Rejection::IssueExpired
    );
    let codes = finished(poll(&mut second)).unwrap();
    let _receipt = world.verify(codes.iter().next().unwrap()).unwrap();
}

#[test]
fn disabling_revokes_the_right_to_issue() {
    let (world, phone, _) = with_pool();
    let receipt = world.log_in(&phone);
    let mut call = issue(&world, world.reauthenticated(&receipt));
    assert!(poll(&mut call).is_pending());
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(rejection(finished(poll(&mut call))), Rejection::Disabled);

    let (world, phone, _) = with_pool();
    let receipt = world.log_in(&phone);
    let mut call = issue(&world, world.reauthenticated(&receipt));
    assert!(poll(&mut call).is_pending());
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    let checked_at = world.clock.now();
    let begun = world
        .begin(
            EnrollmentRequest::new("alice"),
            Proof::Password { checked_at },
        )
        .unwrap();
    let passcode = world.now(&crate::world::scan(&begun));
    let _receipt = world.confirm(&begun, &passcode).unwrap();
    assert_eq!(
        rejection(finished(poll(&mut call))),
        Rejection::IssueExpired
    );
    assert_eq!(world.codes_left(), 0);
}

#[test]
fn a_crash_while_issuing_keeps_the_old_set() {
    let (world, phone, _) = with_pool();
    let old = world.issue(&phone);
    world.clock.advance(STEP);
    let passcode = world.now(&phone);
    let mut call = issue(&world, Proof::Code(&passcode));
    assert!(poll(&mut call).is_pending());
    drop(call);
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    let _receipt = world.verify(&old[0]).unwrap();
    assert_eq!(world.codes_left(), 9);
}

#[test]
fn the_record_drops_issues_after_a_day() {
    let (world, phone) = World::enrolled();
    assert_eq!(world.record()[0], 1);
    world.issue(&phone);
    assert_eq!(world.record()[0], 2);
    let _receipt = world.log_in(&phone);
    assert_eq!(world.record()[0], 2);
    world.clock.advance(DAY);
    let _receipt = world.log_in(&phone);
    assert_eq!(world.record()[0], 1);
}

#[test]
fn concurrent_issues_count_toward_the_daily_limit() {
    let (world, phone, _) = with_pool();
    let receipt = world.log_in(&phone);
    let outcomes = Mutex::new(Vec::new());
    let mut calls: Vec<_> = (0..10)
        .map(|_| issue(&world, world.reauthenticated(&receipt)))
        .collect();
    while !calls.is_empty() {
        calls.retain_mut(|call| match poll(call) {
            Poll::Ready(outcome) => {
                outcomes.lock().unwrap().push(outcome);
                false
            }
            Poll::Pending => true,
        });
    }
    let outcomes = outcomes.into_inner().unwrap();
    let refused = outcomes
        .into_iter()
        .filter_map(|outcome| outcome.err()?.rejection())
        .filter(|rejection| matches!(rejection, Rejection::TooManyIssues { .. }))
        .count();
    assert_eq!(refused, 7);
}
