//! HOTP authenticators: enrollment, logins and the look-ahead (RFC 4226, section 7).

use crate::world::{STEP, World, policy, rejection, waiting};
use countersign::factor::AuthenticatorKind;
use countersign::otp::{Digits, Hotp};
use countersign::uri::KeyUriKind;
use countersign::{
    AcceptedBy, Denied, Enrollment, EnrollmentRequest, Rejection, Status, VerifierError,
};
use std::thread;

/// A device that shows the passcode of any counter.
pub(crate) struct Token(Hotp);

impl Token {
    fn scan(enrollment: &Enrollment) -> Self {
        let uri = enrollment.key_uri();
        let secret = uri.secret().expose();
        Self(Hotp::new(secret, uri.algorithm(), uri.digits()))
    }

    pub(crate) fn passcode(&self, counter: u64) -> String {
        self.0.generate(counter).expose().to_owned()
    }

    /// A passcode that is wrong at every counter below 1000.
    fn wrong(&self) -> String {
        let mut all = (0..).map(|n: u32| format!("{n:08}"));
        let shown: Vec<_> = (0..1000).map(|counter| self.passcode(counter)).collect();
        all.find(|passcode| !shown.contains(passcode)).unwrap()
    }
}

fn world(look_ahead: u8) -> World {
    // With eight digits, the passcodes of two counters are hardly ever equal.
    let policy = policy().hotp_enrollment(true).digits(Digits::EIGHT);
    World::with_policy(policy.look_ahead(look_ahead).build().unwrap())
}

fn begin(world: &World) -> Enrollment {
    let request = EnrollmentRequest::new("alice").hotp();
    world.begin(request, world.password()).unwrap()
}

/// An account whose only authenticator is confirmed with counter 0.
pub(crate) fn enrolled(look_ahead: u8) -> (World, Token) {
    let world = world(look_ahead);
    let enrollment = begin(&world);
    let token = Token::scan(&enrollment);
    let _receipt = world.confirm(&enrollment, &token.passcode(0)).unwrap();
    (world, token)
}

#[test]
fn each_counter_is_accepted_once() {
    let (world, token) = enrolled(2);
    for counter in 1..10 {
        let passcode = token.passcode(counter);
        let receipt = world.verify(&passcode).unwrap();
        let id = world.authenticators()[0];
        assert_eq!(receipt.accepted_by(), AcceptedBy::Authenticator { id });
        assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
        if let Some(older) = counter.checked_sub(2) {
            let older = rejection(world.verify(&token.passcode(older)));
            assert_eq!(older, Rejection::WrongCode, "before {counter}");
        }
    }
}

#[test]
fn the_confirming_counter_cannot_log_in() {
    let (world, token) = enrolled(2);
    let again = world.verify(&token.passcode(0));
    assert_eq!(rejection(again), Rejection::Replayed);
    let _receipt = world.verify(&token.passcode(1)).unwrap();
}

#[test]
fn a_replayed_counter_costs_no_guess() {
    let (world, token) = enrolled(2);
    for _ in 0..100 {
        let again = world.verify(&token.passcode(0));
        assert_eq!(rejection(again), Rejection::Replayed);
    }
    let before = world.record();
    let again = world.verify(&token.passcode(0));
    assert_eq!(rejection(again), Rejection::Replayed);
    assert_eq!(world.record(), before, "nothing is written");
    for _ in 0..5 {
        let wrong = world.verify(&token.wrong());
        assert_eq!(rejection(wrong), Rejection::WrongCode);
    }
    assert_eq!(rejection(world.verify(&token.wrong())), waiting(30));
}

#[test]
fn a_token_admits_131_guesses_a_year() {
    let (world, token) = enrolled(2);
    let (mut next, wrong) = (0, token.wrong());
    let right = || {
        next += 1;
        token.passcode(next)
    };
    let admitted = crate::rate_limit::admitted(&world, right, || wrong.clone());
    assert_eq!(admitted, 10 + 121);
    let Status::Enabled(enabled) = world.status() else {
        panic!()
    };
    let risk = world.verifier.policy().annual_risk(&enabled.authenticators);
    // 131 guesses of strangers, and ten of each stolen device.
    let expected = 231.0 * (3.0 * 22.0 / f64::from(1_u32 << 31) + 20.0 / 1e8);
    assert!((risk - expected).abs() < 1e-12);
}

#[test]
fn skipped_counters_are_lost() {
    let (world, token) = enrolled(2);
    let _receipt = world.verify(&token.passcode(3)).unwrap();
    for counter in [1, 2] {
        let skipped = world.verify(&token.passcode(counter));
        assert_eq!(rejection(skipped), Rejection::WrongCode, "{counter}");
    }
    let _receipt = world.verify(&token.passcode(4)).unwrap();
}

#[test]
fn the_look_ahead_is_a_limit() {
    for look_ahead in [0, 1, 2, 10] {
        let (world, token) = enrolled(look_ahead);
        let last = 1 + u64::from(look_ahead);
        let too_far = world.verify(&token.passcode(last + 1));
        assert_eq!(rejection(too_far), Rejection::WrongCode, "{look_ahead}");
        let _receipt = world.verify(&token.passcode(last)).unwrap();
        let _receipt = world.verify(&token.passcode(last + 1)).unwrap();
    }
}

#[test]
fn concurrent_uses_of_a_counter_succeed_once() {
    for _ in 0..20 {
        let (world, token) = enrolled(2);
        let passcode = token.passcode(1);
        let accepted = thread::scope(|scope| {
            let requests: Vec<_> = (0..30)
                .map(|_| scope.spawn(|| world.verify(&passcode).is_ok()))
                .collect();
            let results = requests.into_iter().map(|request| request.join().unwrap());
            results.filter(|accepted| *accepted).count()
        });
        assert_eq!(accepted, 1);
    }
}

#[test]
fn an_enrollment_begins_with_counter_0() {
    let world = world(2);
    let enrollment = begin(&world);
    let uri = enrollment.key_uri();
    assert_eq!(uri.kind(), KeyUriKind::Hotp { counter: 0 });
    let text = uri.to_secret_text();
    assert!(text.expose().starts_with("otpauth://hotp/Example:alice?"));
    assert!(text.expose().ends_with("&counter=0"));
}

#[test]
fn an_app_may_begin_with_counter_1() {
    for first in 0..=2 {
        let world = world(2);
        let enrollment = begin(&world);
        let token = Token::scan(&enrollment);
        let _receipt = world.confirm(&enrollment, &token.passcode(first)).unwrap();
        let again = world.verify(&token.passcode(first));
        assert_eq!(rejection(again), Rejection::Replayed);
        let _receipt = world.verify(&token.passcode(first + 1)).unwrap();
    }
    let world = world(2);
    let enrollment = begin(&world);
    let token = Token::scan(&enrollment);
    let too_far = world.confirm(&enrollment, &token.passcode(3));
    let wrong = Rejection::WrongConfirmation { tries_left: 9 };
    assert_eq!(rejection(too_far), wrong);
}

#[test]
fn a_policy_must_allow_hotp() {
    let world = World::new();
    let request = EnrollmentRequest::new("alice").hotp();
    let refused = world.begin(request, world.password());
    assert!(matches!(
        refused,
        Err(Denied::Failed(VerifierError::HotpEnrollment))
    ));
    assert_eq!(world.status(), Status::Absent);
}

#[test]
fn a_pending_counter_is_read_again() {
    let world = world(2);
    let enrollment = begin(&world);
    let pending = world
        .verifier
        .pending_enrollment(&world.alice, enrollment.id());
    let pending = countersign::testing::block_on(pending).unwrap();
    assert_eq!(
        pending.key_uri().to_secret_text().expose(),
        enrollment.key_uri().to_secret_text().expose()
    );
}

#[test]
fn status_shows_types_and_lengths() {
    let (world, token) = enrolled(2);
    let receipt = world.verify(&token.passcode(1)).unwrap();
    let proof = world.reauthenticated(&receipt);
    let second = world.begin(EnrollmentRequest::new("alice"), proof).unwrap();
    let phone = crate::world::scan(&second);
    let _receipt = world.confirm(&second, &world.now(&phone)).unwrap();
    let Status::Enabled(enabled) = world.status() else {
        panic!()
    };
    let kinds: Vec<_> = enabled.authenticators.iter().map(|one| one.kind).collect();
    let totp = AuthenticatorKind::Totp { period: 30 };
    assert_eq!(kinds, [AuthenticatorKind::Hotp, totp]);
    for one in &enabled.authenticators {
        assert_eq!((one.secret_bits, one.imported), (160, false));
        assert!(!one.is_due_for_renewal());
    }
}

#[test]
fn a_phone_and_a_token_work_together() {
    let (world, token) = enrolled(2);
    let receipt = world.verify(&token.passcode(1)).unwrap();
    let proof = world.reauthenticated(&receipt);
    let second = world.begin(EnrollmentRequest::new("alice"), proof).unwrap();
    let phone = crate::world::scan(&second);
    let _receipt = world.confirm(&second, &world.now(&phone)).unwrap();
    for counter in 2..10 {
        world.clock.advance(STEP);
        for passcode in [token.passcode(counter), world.now(&phone)] {
            let _receipt = world.verify(&passcode).unwrap();
            assert_eq!(rejection(world.verify(&passcode)), Rejection::Replayed);
        }
    }
}
