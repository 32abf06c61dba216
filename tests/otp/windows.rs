//! Time-based passcodes (TOTP), tested as other libraries test them.

use super::*;

#[test]
fn the_window_width_counts_the_accepted_steps() {
    for (around, passes) in [(0, 1), (1, 3), (2, 5)] {
        let window = Window::around(around);
        assert_eq!(usize::from(window.width()), passes);
        let hits = (95..105)
            .filter(|step| accepted(&totp(), &code(*step), 100 * 30, window) == Some(*step));
        assert_eq!(hits.count(), passes);
    }
}

#[test]
fn a_window_can_be_asymmetric() {
    let window = Window {
        before: 3,
        after: 2,
    };
    assert_eq!(window.width(), 6);
    let minute = Period::from_secs(60).unwrap();
    let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, minute);
    let passes: Vec<u64> = (9_990..10_010)
        .filter(|step| accepted(&totp, &code(*step), 10_000 * 60, window).is_some())
        .collect();
    assert_eq!(passes, [9_997, 9_998, 9_999, 10_000, 10_001, 10_002]);
}

#[test]
fn a_passcode_is_valid_throughout_its_step() {
    let passes = |time| accepted(&totp(), &code(100), time, Window::EXACT).is_some();
    assert!(!passes(2_999));
    assert!(passes(3_000));
    assert!(passes(3_029));
    assert!(!passes(3_030));
}

#[test]
fn a_match_reports_the_clock_drift() {
    for drift in -3_i16..=3 {
        let step = 100_u64.saturating_add_signed(drift.into());
        let matched = totp().verify(&code(step), at(100 * 30), Window::around(3), None);
        let matched = matched.unwrap();
        assert_eq!(matched.step(), TimeStep::new(step));
        assert_eq!(matched.drift(), drift);
    }
    let widest = Window::around(255);
    assert_eq!(widest.width(), 511);
    for (step, drift) in [(10_000 - 255, -255), (10_000 + 255, 255)] {
        let matched = totp().verify(&code(step), at(10_000 * 30), widest, None);
        assert_eq!(matched.unwrap().drift(), drift);
    }
    assert_eq!(
        accepted(&totp(), &code(10_000 - 256), 10_000 * 30, widest),
        None
    );
    assert_eq!(
        accepted(&totp(), &code(10_000 + 256), 10_000 * 30, widest),
        None
    );
}

#[test]
fn windows_do_not_wrap_around() {
    let second = Period::from_secs(1).unwrap();
    let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, second);
    for window in [Window::EXACT, Window::default(), Window::around(255)] {
        for step in [0, u64::MAX] {
            assert_eq!(accepted(&totp, &code(step), step, window), Some(step));
        }
    }
    let around = Window::default();
    assert_eq!(accepted(&totp, &code(1), 0, around), Some(1));
    assert_eq!(
        accepted(&totp, &code(u64::MAX - 1), u64::MAX, around),
        Some(u64::MAX - 1)
    );
    assert_eq!(
        accepted(&totp, &code(u64::MAX), 0, around),
        None,
        "no wrapping"
    );
    assert_eq!(
        accepted(&totp, &code(0), u64::MAX, around),
        None,
        "no wrapping"
    );
}

#[test]
fn times_after_2038_and_2106_work() {
    for time in [1 << 31, 1 << 32, (1 << 32) + 59, 1 << 40, i64::MAX as u64] {
        let step = time / 30;
        assert_eq!(totp().step(at(time)).get(), step);
        assert_eq!(
            accepted(&totp(), &code(step), time, Window::default()),
            Some(step)
        );
    }
    let wrapped = (1_u64 << 32) / 30 - (1 << 27);
    assert_eq!(
        accepted(&totp(), &code(wrapped), 1 << 32, Window::default()),
        None
    );
}

#[test]
fn steps_count_from_a_configured_t0() {
    let shifted = totp().with_t0(at(100));
    for time in [0, 29, 30, 59, 1_111_111_109] {
        let there = shifted.generate(at(time + 100));
        assert_eq!(there.expose(), totp().generate(at(time)).expose());
        assert_eq!(
            shifted.remaining(at(time + 100)),
            totp().remaining(at(time))
        );
    }
    for before in [0, 99] {
        assert_eq!(
            shifted.step(at(before)),
            TimeStep::new(0),
            "all times before T0"
        );
    }
    let latest = totp().with_t0(at(u64::MAX));
    assert_eq!(latest.step(at(u64::MAX)), TimeStep::new(0));
}

#[test]
fn the_remaining_time_ends_with_the_step() {
    let remaining = |period, time| {
        let period = Period::from_secs(period).unwrap();
        let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, period);
        totp.remaining(at(time))
    };
    for (time, period, seconds) in [
        (0, 30, 30),
        (1, 30, 29),
        (29, 30, 1),
        (30, 30, 30),
        (59, 60, 1),
        (60, 60, 60),
        (u64::MAX, 30, 15),
        (u64::MAX, 1, 1),
        (0, u64::MAX, u64::MAX),
    ] {
        assert_eq!(
            remaining(period, time),
            Duration::from_secs(seconds),
            "{time} {period}"
        );
    }
}

#[test]
fn a_passcode_needs_exactly_its_digit_count() {
    let (step, passcode) = (0..)
        .map(|step| (step, hotp().generate(step).expose().to_owned()))
        .find(|(_, passcode)| passcode.starts_with('0') && !passcode.starts_with("00"))
        .unwrap();
    let passes = |text: &str| accepted(&totp(), &typed(text), step * 30, Window::EXACT).is_some();
    assert!(passes(&passcode));
    assert!(!passes(&passcode[1..]), "equal as a number");
    assert!(!passes(&format!("0{passcode}")), "equal as a number");
    assert!(!passes(&format!("00{passcode}")), "equal as a number");
    assert!(!passes(&format!("{passcode}0")));
    for length in 1..6 {
        assert!(!passes(&passcode[..length]), "{length} digits");
    }
}

#[test]
fn seven_and_eight_digits_keep_their_leading_zeros() {
    for digits in [Digits::SEVEN, Digits::EIGHT] {
        let hotp = Hotp::new(KEY, Algorithm::Sha256, digits);
        let counter = (0..)
            .find(|at| hotp.generate(*at).expose().starts_with('0'))
            .unwrap();
        let passcode = hotp.generate(counter);
        assert_eq!(passcode.expose().len(), usize::from(digits.get()));
        assert!(hotp.verify(&typed(passcode.expose()), counter, 0).is_some());
        assert!(
            hotp.verify(&typed(&passcode.expose()[1..]), counter, 0)
                .is_none()
        );
    }
}
