//! Which proof each change needs (invariant 9).

use crate::world::{STEP, World, rejection, scan, staff};
use countersign::testing::block_on;
use countersign::{
    AccountId, Denied, EnrollmentRequest, Proof, Receipt, Rejection, Removed, ServerClock, Status,
};
use std::time::Duration;

fn changes(world: &World, proof: &Proof<'_>) -> Vec<(&'static str, Result<(), Denied>)> {
    let id = world.authenticators().first().copied();
    let request = EnrollmentRequest::new("alice");
    let mut outcomes = vec![
        ("begin", world.begin(request, proof.clone()).map(|_| ())),
        (
            "issue",
            block_on(
                world
                    .verifier
                    .issue_backup_codes(&world.alice, proof.clone()),
            )
            .map(|_| ()),
        ),
    ];
    if let Some(id) = id {
        let removed = block_on(world.verifier.remove_authenticator(
            &world.alice,
            id,
            proof.clone(),
        ));
        outcomes.push(("remove", removed.map(|_| ())));
    }
    outcomes.push((
        "disable",
        block_on(world.verifier.disable(&world.alice, proof.clone())).map(drop),
    ));
    outcomes
}

fn all_rejected(world: &World, proof: &Proof<'_>, expected: Rejection) {
    let before = world.status();
    for (change, outcome) in changes(world, proof) {
        assert_eq!(rejection(outcome), expected, "{change}");
    }
    assert_eq!(world.status(), before);
}

#[test]
fn a_password_alone_changes_no_active_factor() {
    let (world, _) = World::enrolled();
    all_rejected(&world, &world.password(), Rejection::ProofTooWeak);
}

#[test]
fn a_fresh_password_and_receipt_allow_every_change() {
    for change in ["issue", "begin", "remove", "disable"] {
        let (world, phone) = World::enrolled();
        let receipt = world.log_in(&phone);
        let proof = world.reauthenticated(&receipt);
        match change {
            "issue" => {
                drop(block_on(world.verifier.issue_backup_codes(&world.alice, proof)).unwrap());
            }
            "begin" => drop(world.begin(EnrollmentRequest::new("alice"), proof).unwrap()),
            "remove" => {
                let id = world.authenticators()[0];
                let removed = world.verifier.remove_authenticator(&world.alice, id, proof);
                assert_eq!(block_on(removed).unwrap(), Removed::Disabled);
                assert_eq!(
                    world.status(),
                    Status::Disabled,
                    "the last authenticator is removed"
                );
            }
            _ => {
                let disabled = block_on(world.verifier.disable(&world.alice, proof));
                assert_eq!(disabled.unwrap(), Removed::Disabled);
            }
        }
    }
}

#[test]
fn an_enrollment_receipt_is_a_valid_proof() {
    let world = World::new();
    let enrollment = world
        .begin(EnrollmentRequest::new("alice"), world.password())
        .unwrap();
    let receipt = world
        .confirm(&enrollment, &world.now(&scan(&enrollment)))
        .unwrap();
    block_on(
        world
            .verifier
            .issue_backup_codes(&world.alice, world.reauthenticated(&receipt)),
    )
    .unwrap();
}

#[test]
fn stale_and_future_proofs_change_nothing() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let then = world.clock.now();
    world.clock.advance(Duration::from_secs(601));
    let stale_receipt = world.reauthenticated_at(world.clock.now(), &receipt);
    all_rejected(&world, &stale_receipt, Rejection::ProofExpired);
    let receipt = world.log_in(&phone);
    let stale_password = world.reauthenticated_at(then, &receipt);
    all_rejected(&world, &stale_password, Rejection::ProofExpired);
    let ahead = world.clock.now().saturating_add(11);
    let future_password = world.reauthenticated_at(ahead, &receipt);
    all_rejected(&world, &future_password, Rejection::ProofExpired);
    world.clock.set(then);
    let future_receipt = world.reauthenticated_at(then, &receipt);
    all_rejected(&world, &future_receipt, Rejection::ProofExpired);
}

#[test]
fn a_ten_minute_old_proof_is_still_accepted() {
    let (world, phone) = World::enrolled();
    let receipt = world.log_in(&phone);
    let proof = world.reauthenticated(&receipt);
    world.clock.advance(Duration::from_secs(600));
    block_on(world.verifier.issue_backup_codes(&world.alice, proof)).unwrap();
}

#[test]
fn the_receipt_of_another_account_changes_nothing() {
    let (world, _) = World::enrolled();
    let mallory = World {
        alice: AccountId::new("mallory").unwrap(),
        ..World::new()
    };
    let phone = mallory.enroll();
    mallory.clock.set(world.clock.now());
    let receipt: Receipt = mallory.verify(&mallory.now(&phone)).unwrap();
    all_rejected(
        &world,
        &world.reauthenticated(&receipt),
        Rejection::ForeignReceipt,
    );
}

#[test]
fn a_change_uses_up_its_passcode() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    block_on(
        world
            .verifier
            .issue_backup_codes(&world.alice, Proof::Code(&passcode)),
    )
    .unwrap();
    assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
    all_rejected(&world, &Proof::Code(&passcode), Rejection::Replayed);
}

#[test]
fn a_wrong_proof_counts_like_a_wrong_login() {
    let (world, phone) = World::enrolled();
    let wrong = world.wrong(&phone);
    for _ in 0..5 {
        let outcome = block_on(world.verifier.disable(&world.alice, Proof::Code(&wrong)));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
    }
    let outcome = block_on(
        world
            .verifier
            .disable(&world.alice, Proof::Code(&world.now(&phone))),
    );
    assert!(matches!(rejection(outcome), Rejection::Waiting { .. }));
    assert!(matches!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::Waiting { .. }
    ));
}

#[test]
fn an_impossible_change_uses_up_no_passcode() {
    let (world, phone) = World::enrolled();
    let passcode = world.now(&phone);
    let unknown = "0123456789abcdef".parse().unwrap();
    let outcome = block_on(world.verifier.remove_authenticator(
        &world.alice,
        unknown,
        Proof::Code(&passcode),
    ));
    assert_eq!(rejection(outcome), Rejection::UnknownAuthenticator);
    let _receipt = world.verify(&passcode).unwrap();
}

#[test]
fn the_first_enrollment_needs_a_fresh_password_check() {
    let world = World::new();
    let stale = world.password();
    world.clock.advance(Duration::from_secs(601));
    let outcome = world.begin(EnrollmentRequest::new("alice"), stale);
    assert_eq!(rejection(outcome), Rejection::ProofExpired);
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn force_disable_keeps_the_guess_budget() {
    let (world, phone) = World::enrolled();
    for _ in 0..20 {
        while let Rejection::Waiting { retry_after } = rejection(world.verify(&world.wrong(&phone)))
        {
            world.clock.advance(retry_after);
        }
    }
    block_on(world.verifier.force_disable(&world.alice, &staff())).unwrap();
    assert_eq!(world.status(), Status::Disabled);
    let phone = world.enroll();
    assert!(matches!(
        rejection(world.verify(&world.now(&phone))),
        Rejection::BudgetSpent { .. }
    ));
    world.unlock(ServerClock::Unconfirmed).unwrap();
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn an_erased_account_is_absent() {
    let (world, _) = World::enrolled();
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    assert_eq!(world.status(), Status::Absent);
    block_on(world.verifier.erase(&world.alice, &staff())).unwrap();
    let forced = block_on(world.verifier.force_disable(&world.alice, &staff()));
    assert_eq!(rejection(forced), Rejection::Absent);
    assert_eq!(
        rejection(world.unlock(ServerClock::Unconfirmed)),
        Rejection::Absent
    );
    world.clock.advance(STEP);
}

#[test]
fn a_password_alone_issues_no_backup_codes() {
    let (world, _) = World::enrolled();
    let checked_at = world.clock.now();
    let proof = Proof::Password { checked_at };
    let outcome = block_on(world.verifier.issue_backup_codes(&world.alice, proof));
    assert_eq!(rejection(outcome), Rejection::ProofTooWeak);
}
