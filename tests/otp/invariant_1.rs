//! A time step is accepted at most once, and steps only rise.

use super::*;

/// Verifies at a step, with the last accepted step kept as a host has to.
fn verify(last: &mut Option<TimeStep>, passcode: &Code, step: u64) -> bool {
    let matched = totp().verify(passcode, at(step * 30), Window::default(), *last);
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
        "while it is in the window"
    );
    assert!(!verify(&mut last, &code(100), 102));
    assert!(verify(&mut last, &code(101), 102), "the next one passes");
}

#[test]
fn the_step_that_matched_is_used_up_and_not_the_current_one() {
    let mut last = None;
    assert!(verify(&mut last, &code(101), 100), "the phone is ahead");
    assert_eq!(last, Some(TimeStep::new(101)));
    assert!(!verify(&mut last, &code(101), 101));
    assert!(!verify(&mut last, &code(101), 102));
}

#[test]
fn an_older_passcode_in_the_window_is_refused_after_a_newer_one() {
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
fn each_step_is_accepted_once_in_a_thousand_steps() {
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
        "steps only rise"
    );
    assert_eq!(steps.len(), 1_000);
}

// Found by trying all steps of this key: the first two neighbours, and the first two with one step
// between them, that have the same passcode.
const NEIGHBOURS: (u64, u64, &str) = (910_737, 910_738, "911617");
const ONE_BETWEEN: (u64, u64, &str) = (153_567, 153_569, "468457");

#[test]
fn the_highest_later_match_wins() {
    for (earlier, later, passcode) in [NEIGHBOURS, ONE_BETWEEN] {
        assert_eq!(hotp().generate(earlier).expose(), passcode);
        assert_eq!(hotp().generate(later).expose(), passcode);
        for now in earlier..=later {
            let window = Window::around(2);
            let step = accepted(&totp(), &typed(passcode), now * 30, window);
            assert_eq!(step, Some(later), "at {now}");
        }
        // Else it would be accepted a second time, at the later step.
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
fn of_two_counters_with_one_passcode_the_later_is_taken() {
    for (earlier, later, passcode) in [NEIGHBOURS, ONE_BETWEEN] {
        let matched = hotp().verify(&typed(passcode), earlier, 5).unwrap();
        assert_eq!(matched.counter(), later);
        assert_eq!(
            hotp().verify(&typed(passcode), matched.next().unwrap(), 5),
            None
        );
    }
}

#[test]
fn after_the_last_step_of_all_nothing_is_accepted() {
    let second = Period::from_secs(1).unwrap();
    let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, second);
    let last = Some(TimeStep::new(u64::MAX));
    let passcode = code(u64::MAX);
    let end = at(u64::MAX);
    assert_eq!(totp.verify(&passcode, end, Window::around(255), last), None);
    let before = Some(TimeStep::new(u64::MAX - 1));
    assert!(totp.verify(&passcode, end, Window::EXACT, before).is_some());
}
