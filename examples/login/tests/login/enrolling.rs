//! Enrolling again in a session whose second factor was turned off.

use std::path::Path;

use countersign::runtime::{Clock, SystemClock};
use countersign::testing::Phone;

use crate::program::{PASSCODE, PASSWORD, SIGN_UP, Talk, phone, program, run};

/// Signs Alice up with a phone. She is still signed in.
fn enrolled(directory: &Path) -> (Talk, Phone) {
    let mut alice = Talk::start(&mut program(directory));
    alice.type_lines(&[&SIGN_UP[..], &["enroll", ""]].concat());
    let phone = phone(&alice.until(PASSCODE));
    alice.type_lines(&[&phone.passcode(SystemClock.now())]);
    alice.until("Confirmed.");
    (alice, phone)
}

/// Alice enrolls, after the second factor was turned off.
fn enrolls_again(mut alice: Talk) {
    alice.type_lines(&["enroll", "new phone", "", "quit"]);
    let shown = alice.end();
    assert!(shown.contains("otpauth://"), "{shown}");
}

#[test]
fn a_user_enrolls_again_after_disabling() {
    let directory = tempfile::tempdir().unwrap();
    let (mut alice, _) = enrolled(directory.path());
    alice.type_lines(&["disable", "y"]);
    alice.until("Your second factor is off");
    enrolls_again(alice);
}

#[test]
fn a_user_enrolls_again_after_the_last_removal() {
    let directory = tempfile::tempdir().unwrap();
    let (mut alice, _) = enrolled(directory.path());
    alice.type_lines(&["remove", "y"]);
    alice.until("Second factor: off");
    enrolls_again(alice);
}

#[test]
fn a_user_enrolls_again_after_another_session_disables() {
    let directory = tempfile::tempdir().unwrap();
    let (alice, phone) = enrolled(directory.path());
    // The passcode of this step confirmed the enrollment.
    let code = phone.passcode(SystemClock.now().saturating_add(30));
    let other = run(
        &mut program(directory.path()),
        &["in", "alice", PASSWORD, &code, "disable", "y", "quit"],
    );
    assert!(other.contains("Your second factor is off"), "{other}");
    enrolls_again(alice);
}
