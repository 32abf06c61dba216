//! Invariant 1: a time step is accepted at most once, and accepted steps only increase.

use super::*;

/// Verifies at a time step, and keeps the last accepted step as an application must.
fn verify(last: &mut Option<TimeStep>, code: &Code, step: u64) -> bool {
    let matched = totp().verify(code, at(step * 30), Window::default(), *last);
    if let Some(matched) = matched {
        *last = Some(matched.step());
    }
    matched.is_some()
}

#[test]
fn a_passcode_is_refused_the_second_time() {
    let mut last = None;
    assert!(verify(&mut last, &code(100), 100));
    assert!(!verify(&mut last, &code(100), 100));
    assert!(
        !verify(&mut last, &code(100), 101),
        "the used step is in the window"
    );
    assert!(!verify(&mut last, &code(100), 102));
    assert!(
        verify(&mut last, &code(101), 102),
        "the next passcode passes"
    );
}

#[test]
fn verification_uses_up_the_matched_step() {
    let mut last = None;
    assert!(verify(&mut last, &code(101), 100), "the phone is ahead");
    assert_eq!(last, Some(TimeStep::new(101)));
    assert!(!verify(&mut last, &code(101), 101));
    assert!(!verify(&mut last, &code(101), 102));
}

#[test]
fn an_older_passcode_fails_after_a_newer_one() {
    let mut last = None;
    assert!(verify(&mut last, &code(100), 100));
    assert!(!verify(&mut last, &code(99), 100));
    let mut last = None;
    assert!(verify(&mut last, &code(99), 100));
    assert!(verify(&mut last, &code(100), 100));
    assert!(verify(&mut last, &code(101), 100));
    assert!(!verify(&mut last, &code(100), 100));
}

#[test]
fn each_of_a_thousand_steps_is_accepted_once() {
    let mut last = None;
    let mut steps = Vec::new();
    for now in 1..1_000 {
        for step in [now, now - 1, now + 1, now, now + 1] {
            if verify(&mut last, &code(step), now) {
                steps.push(last.unwrap().get());
            }
        }
    }
    assert!(
        steps.is_sorted_by(|one, next| one < next),
        "accepted steps only increase"
    );
    assert_eq!(steps.len(), 1_000);
}

// Found by trying all time steps of this key. Both pairs are the first of their kind with the same
// passcode: two consecutive steps, and two steps with one step between them.
const CONSECUTIVE: (u64, u64, &str) = (910_737, 910_738, "911617");
const ONE_BETWEEN: (u64, u64, &str) = (153_567, 153_569, "468457");

#[test]
fn the_highest_matching_step_is_accepted() {
    for (earlier, later, passcode) in [CONSECUTIVE, ONE_BETWEEN] {
        assert_eq!(hotp().generate(earlier).expose(), passcode);
        assert_eq!(hotp().generate(later).expose(), passcode);
        for now in earlier..=later {
            let window = Window::around(2);
            let step = accepted(&totp(), &typed(passcode), now * 30, window);
            assert_eq!(step, Some(later), "at {now}");
        }
        // Otherwise the passcode would be accepted again at the later step.
        let verify = |last| {
            totp()
                .verify(
                    &typed(passcode),
                    at(later * 30),
                    Window::around(2),
                    Some(TimeStep::new(last)),
                )
                .map(|matched| matched.step().get())
        };
        assert_eq!(verify(earlier - 1), Some(later));
        assert_eq!(verify(earlier), Some(later));
        assert_eq!(verify(later), None);
    }
}

#[test]
fn the_later_of_two_matching_counters_is_accepted() {
    for (earlier, later, passcode) in [CONSECUTIVE, ONE_BETWEEN] {
        let matched = hotp().verify(&typed(passcode), earlier, 5).unwrap();
        assert_eq!(matched.counter(), later);
        assert_eq!(
            hotp().verify(&typed(passcode), matched.next().unwrap(), 5),
            None
        );
    }
}

#[test]
fn nothing_is_accepted_after_the_highest_step() {
    let second = Period::from_secs(1).unwrap();
    let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, second);
    let last = Some(TimeStep::new(u64::MAX));
    let last_code = code(u64::MAX);
    let end = at(u64::MAX);
    assert_eq!(
        totp.verify(&last_code, end, Window::around(255), last),
        None
    );
    let before = Some(TimeStep::new(u64::MAX - 1));
    assert!(
        totp.verify(&last_code, end, Window::EXACT, before)
            .is_some()
    );
}
