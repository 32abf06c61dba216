//! What the verifier says about a phone whose clock is off. It never applies the offset.

use crate::counters;
use crate::world::{STEP, World, policy, rejection, scan};
use countersign::otp::Window;
use countersign::testing::{Phone, block_on};
use countersign::{EnrollmentRequest, Policy, Receipt, Rejection, RequestId, Timestamp};
use std::time::Duration;

/// An account that was used an hour ago, 10 s after the begin of a time step.
fn enrolled(policy: Policy) -> (World, Phone) {
    let world = World::with_policy(policy);
    let phone = world.enroll();
    world.clock.advance(STEP * 120 + Duration::from_secs(10));
    (world, phone)
}

/// What the phone shows if its clock is off by so many seconds.
fn shown(world: &World, phone: &Phone, offset: i64) -> String {
    let now = world.clock.now().as_unix();
    phone.passcode(Timestamp::from_unix(now.saturating_add_signed(offset)))
}

fn row(world: &World, phone: &Phone, offset: i64) -> Receipt {
    let row: Vec<String> = (-2..=0)
        .map(|step| shown(world, phone, offset + 30 * step))
        .collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    block_on(world.verifier.verify_consecutive(&world.alice, &row)).unwrap()
}

#[test]
fn a_receipt_has_the_offset_of_the_phone() {
    for (offset, seconds) in [(-30, -11), (-11, -11), (0, 0), (19, 0), (20, 20), (30, 20)] {
        let (world, phone) = enrolled(policy().build().unwrap());
        let receipt = world.verify(&shown(&world, &phone, offset)).unwrap();
        assert_eq!(receipt.clock_offset(), Some(seconds), "{offset} s");
        let (world, phone) = enrolled(policy().window(Window::around(10)).build().unwrap());
        let far = offset + 270 * offset.signum();
        let receipt = world.verify(&shown(&world, &phone, far)).unwrap();
        let got = i64::from(receipt.clock_offset().unwrap());
        assert!(
            (far - got).abs() < 30 && got.abs() <= far.abs(),
            "{far}: {got}"
        );
    }
}

#[test]
fn a_row_has_the_offset_of_the_phone() {
    for (offset, seconds) in [(-540, -521), (-300, -281), (0, 0), (300, 290), (600, 590)] {
        let (world, phone) = enrolled(policy().build().unwrap());
        assert_eq!(row(&world, &phone, offset).clock_offset(), Some(seconds));
    }
}

#[test]
fn a_confirmation_has_the_offset_of_the_phone() {
    let world = World::new();
    let request = EnrollmentRequest::new("alice");
    let enrollment = world.begin(request, world.password()).unwrap();
    let early = shown(&world, &scan(&enrollment), 30);
    let receipt = world.confirm(&enrollment, &early).unwrap();
    assert_eq!(receipt.clock_offset(), Some(30));
}

#[test]
fn a_repeat_says_the_same_offset() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let (code, id) = (shown(&world, &phone, 30), RequestId::generate().unwrap());
    let verify = || block_on(world.verifier.verify_request(&world.alice, &code, &id)).unwrap();
    assert_eq!(verify().clock_offset(), Some(20));
    world.clock.advance(STEP);
    let repeat = verify();
    assert!(repeat.is_repeat());
    assert_eq!(repeat.clock_offset(), Some(20));
}

#[test]
fn backup_codes_and_tokens_have_no_clock() {
    let (world, phone) = World::enrolled();
    let codes = world.issue(&phone);
    assert_eq!(world.verify(&codes[0]).unwrap().clock_offset(), None);
    let (world, token) = counters::enrolled(2);
    let receipt = world.verify(&token.passcode(1)).unwrap();
    assert_eq!(receipt.clock_offset(), None);
}

#[test]
fn an_offset_is_never_applied() {
    let (world, phone) = enrolled(policy().build().unwrap());
    for _ in 0..5 {
        assert_eq!(row(&world, &phone, 90).clock_offset(), Some(80));
        world.clock.advance(STEP * 4);
        let outcome = world.verify(&shown(&world, &phone, 90));
        assert_eq!(rejection(outcome), Rejection::WrongCode);
        let _receipt = world.log_in(&phone);
        world.clock.advance(STEP * 4);
    }
}

/// The clock of the phone was fast, and is right again.
#[test]
fn a_passcode_used_ahead_says_how_long() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let _receipt = row(&world, &phone, 600);
    let before = world.record();
    // The first unused step begins in 610 s.
    for second in 0..560 {
        let outcome = rejection(world.verify(&world.now(&phone)));
        if let Rejection::ReplayedAhead { retry_after } = outcome {
            assert_eq!(outcome.retry_after(), Some(retry_after));
            assert_eq!(retry_after.as_secs(), 620 - second);
        } else {
            panic!("{outcome:?} after {second} s");
        }
        world.clock.advance(Duration::from_secs(1));
    }
    // From now on, the latest passcode of the window is the last one that was accepted.
    for _ in 560..620 {
        let outcome = rejection(world.verify(&world.now(&phone)));
        assert_eq!(outcome, Rejection::Replayed);
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(world.record(), before);
    let _receipt = world.verify(&world.now(&phone)).unwrap();
}

#[test]
fn a_row_used_ahead_says_how_long() {
    let (world, phone) = enrolled(policy().build().unwrap());
    let _receipt = row(&world, &phone, 600);
    let row: Vec<String> = (-2..=0)
        .map(|step| shown(&world, &phone, 30 * step))
        .collect();
    let row: Vec<&str> = row.iter().map(String::as_str).collect();
    let outcome = block_on(world.verifier.verify_consecutive(&world.alice, &row));
    let retry_after = Duration::from_secs(620);
    assert_eq!(rejection(outcome), Rejection::ReplayedAhead { retry_after });
}
