//! HOTP, TOTP, passcodes and secrets.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

#[cfg(feature = "alloc")]
mod support;

use countersign::{
    Algorithm, Digits, Hotp, Passcode, PasscodeError, Period, TimeStep, Timestamp, Totp, Window,
};
use std::time::Duration;

const KEY: &[u8] = b"12345678901234567890";

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];

fn hotp() -> Hotp {
    Hotp::new(KEY, Algorithm::Sha1, Digits::SIX)
}

fn totp() -> Totp {
    Totp::new(KEY, Algorithm::Sha1, Digits::SIX, Period::default())
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn typed(text: &str) -> Passcode {
    Passcode::parse(text).unwrap()
}

/// The passcode of a step, typed.
fn code(step: u64) -> Passcode {
    typed(hotp().generate(step).expose())
}

/// The step that `verify` accepts, with no step accepted before.
fn accepted(totp: &Totp, passcode: &Passcode, time: u64, window: Window) -> Option<u64> {
    totp.verify(passcode, at(time), window, None)
        .map(|matched| matched.step().get())
}

mod standards {
    use super::*;

    fn lines(file: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
        file.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(' ').collect())
    }

    #[test]
    fn rfc_4226_appendix_d() {
        let mut count = 0;
        for line in lines(include_str!("data/rfc4226.txt")) {
            let counter: u64 = line[0].parse().unwrap();
            assert_eq!(hotp().generate(counter).expose(), line[2]);
            // Eight digits show two more of the truncated HMAC.
            let eight = Hotp::new(KEY, Algorithm::Sha1, Digits::EIGHT);
            let truncated: u32 = line[1].parse().unwrap();
            let expected = format!("{:08}", truncated % 100_000_000);
            assert_eq!(eight.generate(counter).expose(), expected);
            count += 1;
        }
        assert_eq!(count, 10);
    }

    #[test]
    fn rfc_6238_appendix_b() {
        let mut count = 0;
        for line in lines(include_str!("data/rfc6238.txt")) {
            let time = at(line[0].parse().unwrap());
            let algorithm: Algorithm = line[3].parse().unwrap();
            let key: Vec<u8> = b"1234567890"
                .iter()
                .copied()
                .cycle()
                .take(algorithm.output_len())
                .collect();
            let totp = Totp::new(&key, algorithm, Digits::EIGHT, Period::default());
            let step = TimeStep::new(u64::from_str_radix(line[1], 16).unwrap());
            assert_eq!(totp.step(time), step);
            assert_eq!(totp.generate(time).expose(), line[2]);
            let matched = totp
                .verify(&typed(line[2]), time, Window::EXACT, None)
                .unwrap();
            assert_eq!(matched.step(), step);
            count += 1;
        }
        assert_eq!(count, 18);
    }
}

/// The same as another implementation, on 10,000 random cases.
mod oracle {
    use super::*;
    use proptest::prelude::*;

    fn independent(algorithm: Algorithm, digits: u8, period: u64, key: &[u8]) -> totp_rs::Totp {
        let algorithm = match algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            _ => totp_rs::Algorithm::SHA512,
        };
        totp_rs::Builder::new()
            .with_algorithm(algorithm)
            .with_digits(digits)
            .with_step_duration(period)
            .with_secret(key.to_vec())
            .build_noncompliant()
    }

    fn numbers() -> impl Strategy<Value = u64> {
        prop_oneof![
            any::<u64>(),
            0..4_000_000_000_u64,
            Just(u64::MAX),
            Just(0),
            (0..64_u32).prop_map(|bit| 1 << bit),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 10_000,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn totp_rs_generates_the_same_passcodes(
            key in prop::collection::vec(any::<u8>(), 1..200),
            algorithm in prop::sample::select(ALGORITHMS.to_vec()),
            digits in 6..=8_u8,
            period in prop_oneof![Just(30_u64), 1..=120_u64, 1..=u64::MAX],
            time in numbers(),
        ) {
            let independent = independent(algorithm, digits, period, &key).generate(time).to_string();
            let digits = Digits::new(digits).unwrap();
            let totp = Totp::new(&key, algorithm, digits, Period::from_secs(period).unwrap());
            let otp = totp.generate(at(time));
            prop_assert_eq!(otp.expose(), &independent);
            let hotp = Hotp::new(&key, algorithm, digits).generate(time / period);
            prop_assert_eq!(hotp.expose(), &independent);
            prop_assert_eq!(accepted(&totp, &typed(&independent), time, Window::EXACT), Some(time / period));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// The obvious way: all steps in turn, as text.
        #[test]
        fn a_window_accepts_what_a_plain_search_finds(
            time in numbers(),
            period in prop_oneof![Just(1_u64), Just(30_u64)],
            (before, after) in (0..12_u8, 0..12_u8),
            offset in -14..=14_i64,
            last in prop::option::of(-14..=14_i64),
        ) {
            let totp = Totp::new(KEY, Algorithm::Sha1, Digits::SIX, Period::from_secs(period).unwrap());
            let current = time / period;
            let entered = hotp().generate(current.saturating_add_signed(offset));
            let last = last.map(|last| current.saturating_add_signed(last));

            let first = current.saturating_sub(before.into());
            let end = current.saturating_add(after.into());
            let found = (first..=end)
                .rev()
                .filter(|step| last.is_none_or(|last| *step > last))
                .find(|step| hotp().generate(*step).expose() == entered.expose());

            let window = Window { before, after };
            let passcode = typed(entered.expose());
            let matched = totp.verify(&passcode, at(time), window, last.map(TimeStep::new));
            prop_assert_eq!(matched.map(|matched| matched.step().get()), found);
            if let Some(matched) = matched {
                let drift = i128::from(matched.step().get()) - i128::from(current);
                prop_assert_eq!(i128::from(matched.drift()), drift);
            }
        }
    }
}

/// A time step is accepted at most once, and steps only rise.
mod invariant_1 {
    use super::*;

    /// Verifies at a step, with the last accepted step kept as a host has to.
    fn verify(last: &mut Option<TimeStep>, passcode: &Passcode, step: u64) -> bool {
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
}

/// What other libraries test of time-based passcodes.
mod windows {
    use super::*;

    #[test]
    fn of_ten_neighbouring_steps_one_passes_exactly_three_with_one_around_five_with_two() {
        for (around, passes) in [(0, 1), (1, 3), (2, 5)] {
            let window = Window::around(around);
            assert_eq!(usize::from(window.width()), passes);
            let hits = (95..105)
                .filter(|step| accepted(&totp(), &code(*step), 100 * 30, window) == Some(*step));
            assert_eq!(hits.count(), passes);
        }
    }

    #[test]
    fn a_window_can_be_wider_on_one_side() {
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
    fn a_passcode_is_right_from_the_first_to_the_last_second_of_its_step() {
        let passes = |time| accepted(&totp(), &code(100), time, Window::EXACT).is_some();
        assert!(!passes(2_999));
        assert!(passes(3_000));
        assert!(passes(3_029));
        assert!(!passes(3_030));
    }

    #[test]
    fn the_match_tells_how_far_the_phone_is_off() {
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
    fn windows_end_at_both_ends_of_the_number_line() {
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
    fn time_goes_on_after_2038_and_2106() {
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
    fn steps_can_be_counted_from_another_time() {
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
                "all time before"
            );
        }
        let latest = totp().with_t0(at(u64::MAX));
        assert_eq!(latest.step(at(u64::MAX)), TimeStep::new(0));
    }

    #[test]
    fn a_passcode_remains_until_its_step_ends() {
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
    fn a_passcode_must_have_all_its_digits_and_no_more() {
        let (step, passcode) = (0..)
            .map(|step| (step, hotp().generate(step).expose().to_owned()))
            .find(|(_, passcode)| passcode.starts_with('0') && !passcode.starts_with("00"))
            .unwrap();
        let passes =
            |text: &str| accepted(&totp(), &typed(text), step * 30, Window::EXACT).is_some();
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
            let otp = hotp.generate(counter);
            assert_eq!(otp.expose().len(), usize::from(digits.get()));
            assert!(hotp.verify(&typed(otp.expose()), counter, 0).is_some());
            assert!(
                hotp.verify(&typed(&otp.expose()[1..]), counter, 0)
                    .is_none()
            );
        }
    }
}

/// What other libraries test of counter-based passcodes.
mod counters {
    use super::*;

    /// Verifies with the counter kept as a host has to.
    fn verify(counter: &mut u64, passcode: u64, look_ahead: u8) -> bool {
        match hotp().verify(&code(passcode), *counter, look_ahead) {
            Some(matched) => {
                *counter = matched.next().unwrap();
                true
            }
            None => false,
        }
    }

    #[test]
    fn the_counter_moves_to_the_one_after_the_match_and_stays_after_a_failure() {
        let mut counter = 5;
        assert!(verify(&mut counter, 5, 1));
        assert_eq!(counter, 6);
        assert!(verify(&mut counter, 7, 1), "one skipped");
        assert_eq!(counter, 8);
        assert!(!verify(&mut counter, 10, 1), "two skipped");
        assert_eq!(counter, 8);
    }

    #[test]
    fn a_passcode_behind_the_counter_is_refused() {
        let mut counter = 8;
        for used in 0..8 {
            assert!(!verify(&mut counter, used, 10), "{used}");
        }
    }

    #[test]
    fn looking_ahead_finds_the_last_and_not_the_one_after() {
        let mut counter = 100;
        assert!(!verify(&mut counter, 111, 10));
        assert!(verify(&mut counter, 110, 10));
        assert_eq!(counter, 111);
    }

    #[test]
    fn the_last_counter_can_be_used_and_has_none_after_it() {
        let end = u64::MAX;
        for look_ahead in [0, 1, 255] {
            let matched = hotp().verify(&code(end), end, look_ahead).unwrap();
            assert_eq!(matched.counter(), end);
            assert_eq!(matched.next(), None);
        }
        assert!(hotp().verify(&code(end), end - 3, 3).is_some());
        assert_eq!(hotp().verify(&code(0), end, 255), None, "no wrapping");
    }

    #[test]
    fn two_consecutive_passcodes_find_the_counter_again() {
        let resynchronize = |first, second, counter, look_ahead| {
            hotp()
                .resynchronize(&code(first), &code(second), counter, look_ahead)
                .and_then(|matched| matched.next())
        };
        assert_eq!(resynchronize(8, 9, 0, 10), Some(10));
        assert_eq!(resynchronize(10, 11, 0, 10), Some(12), "the last looked at");
        assert_eq!(resynchronize(0, 1, 0, 10), Some(2), "the first looked at");
        assert_eq!(resynchronize(5_000, 5_001, 1, u16::MAX), Some(5_002));
        assert_eq!(resynchronize(8, 10, 0, 10), None, "a gap");
        assert_eq!(resynchronize(9, 8, 0, 10), None, "the wrong way round");
        assert_eq!(resynchronize(8, 8, 0, 10), None, "the same twice");
        assert_eq!(resynchronize(11, 12, 0, 10), None, "too far ahead");
        assert_eq!(resynchronize(7, 8, 8, 10), None, "the first is behind");
    }

    #[test]
    fn the_counter_can_be_found_again_up_to_the_end() {
        let end = u64::MAX;
        let resynchronize = |first: u64, counter| {
            hotp().resynchronize(&code(first), &code(first.wrapping_add(1)), counter, 100)
        };
        let matched = resynchronize(end - 1, end - 5).unwrap();
        assert_eq!((matched.counter(), matched.next()), (end, None));
        assert_eq!(resynchronize(end, end - 5), None, "no wrapping");
        assert_eq!(resynchronize(end, end), None);
    }

    #[test]
    fn a_passcode_of_another_length_matches_nothing() {
        let eight = Hotp::new(KEY, Algorithm::Sha1, Digits::EIGHT);
        let long = typed(eight.generate(0).expose());
        assert_eq!(hotp().verify(&long, 0, 5), None);
        assert_eq!(eight.verify(&code(0), 0, 5), None);
        assert_eq!(hotp().resynchronize(&code(0), &long, 0, 5), None);
        assert_eq!(hotp().resynchronize(&long, &code(0), 0, 5), None);
    }
}

/// Input is parsed once; spaces and scripts make no second passcode of it.
mod invariant_4 {
    use super::*;
    use proptest::prelude::*;

    /// The passcode of step 0 is 755224.
    fn passes(text: &str) -> bool {
        accepted(&totp(), &typed(text), 0, Window::EXACT).is_some()
    }

    #[test]
    fn people_type_spaces_and_hyphens() {
        for text in [
            "755224",
            "755 224",
            " 755 224 ",
            "75 52 24",
            "755-224",
            "7-5-5-2-2-4",
            "\t755224\r\n",
            "755\u{a0}224",
            "755\u{3000}224",
            "755\u{2009}224",
            "755\u{202f}224",
        ] {
            assert!(passes(text), "{text:?}");
        }
        for hyphen in
            "-\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\u{2212}\u{fe63}\u{ff0d}".chars()
        {
            assert!(passes(&format!("755{hyphen}224")), "{hyphen:?}");
        }
    }

    #[test]
    fn invisible_characters_come_along_when_text_is_copied() {
        let invisible = ('\u{200b}'..='\u{200f}')
            .chain('\u{202a}'..='\u{202e}')
            .chain(['\u{2060}'])
            .chain('\u{2066}'..='\u{2069}')
            .chain(['\u{feff}']);
        for character in invisible {
            assert!(
                passes(&format!("{character}755{character}224{character}")),
                "{character:?}"
            );
        }
    }

    #[test]
    fn every_script_has_its_digits() {
        for (script, zero) in [
            ("full width", '０'),
            ("Arabic-Indic", '٠'),
            ("Persian", '۰'),
            ("Devanagari", '०'),
            ("Bengali", '০'),
            ("Thai", '๐'),
            ("Khmer", '០'),
            ("bold mathematical", '\u{1d7ce}'),
        ] {
            let text: String = "755224"
                .bytes()
                .map(|digit| char::from_u32(u32::from(zero) + u32::from(digit - b'0')).unwrap())
                .collect();
            assert!(passes(&text), "{script}: {text}");
        }
        assert!(passes("７5٥२2๔"), "even mixed");
    }

    #[test]
    fn what_only_looks_like_a_digit_or_a_letter_is_refused() {
        for text in [
            "●●●●●●",
            "75522²",
            "①55224",
            "Ⅶ55224",
            "七五五二二四",
            "755.224",
            "755,224",
            "755_224",
            "+755224",
            "755224;",
            "é",
            "ſ",
            "\u{212a}",
            "\u{0}",
            "75522\u{7}",
            "755\u{301}224",
            "😀",
            "\u{ad}755224",
        ] {
            assert_eq!(
                Passcode::parse(text).unwrap_err(),
                PasscodeError::Character,
                "{text:?}"
            );
        }
    }

    #[test]
    fn letters_are_taken_for_backup_codes_and_match_no_passcode() {
        for text in ["75522A", "ABCDEF", "abcdef", "O55224"] {
            assert_eq!(typed(text).symbol_count(), 6);
            assert!(!passes(text), "{text}");
        }
    }

    #[test]
    fn nothing_is_not_a_passcode() {
        for text in ["", " ", "---", "\u{200b}\n"] {
            assert_eq!(
                Passcode::parse(text).unwrap_err(),
                PasscodeError::Empty,
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_length_is_bounded() {
        assert!(passes(&format!("755224{}", " ".repeat(250))));
        let long = format!("755224{}", " ".repeat(251));
        assert_eq!(Passcode::parse(&long).unwrap_err(), PasscodeError::TooLong);
        assert_eq!(typed(&"7".repeat(64)).symbol_count(), 64);
        assert_eq!(
            Passcode::parse(&"7".repeat(65)).unwrap_err(),
            PasscodeError::TooLong
        );
        let huge = "7".repeat(1 << 20);
        assert_eq!(Passcode::parse(&huge).unwrap_err(), PasscodeError::TooLong);
    }

    #[test]
    fn a_passcode_used_once_is_refused_in_every_other_writing() {
        let last = totp()
            .verify(&typed("755224"), at(0), Window::default(), None)
            .map(|matched| matched.step());
        assert_eq!(last, Some(TimeStep::new(0)));
        for text in ["755 224", "７５５２２４", "755224\u{200b}", "-755224"] {
            assert_eq!(
                totp().verify(&typed(text), at(0), Window::default(), last),
                None
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Invariant 8, too: nothing that is typed causes a panic.
        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,300}") {
            if let Ok(passcode) = Passcode::parse(&text) {
                prop_assert!((1..=64).contains(&passcode.symbol_count()));
                prop_assert!(passcode.symbol_count() <= text.chars().count());
            }
        }

        #[test]
        fn spaces_anywhere_change_nothing(places in prop::collection::vec((0..=6_usize, "[ \u{200b}\\-\u{a0}]"), 0..20)) {
            let mut text = String::from("755224");
            for (place, ignored) in places {
                let at = text.char_indices().map(|(at, _)| at).nth(place).unwrap_or(text.len());
                text.insert_str(at, &ignored);
            }
            prop_assert!(passes(&text));
        }
    }
}

#[cfg(feature = "alloc")]
mod secrets {
    use super::*;
    use countersign::{Secret, SecretError};
    use proptest::prelude::*;

    const TEXT: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn base32_is_read_as_it_stands_in_a_key_uri() {
        assert_eq!(Secret::from_base32(TEXT).unwrap().expose(), KEY);
        let symbol = |text: &str, position| {
            let error = Secret::from_base32(text).unwrap_err();
            assert_eq!(error, SecretError::Base32Symbol { position }, "{text}");
        };
        symbol(&TEXT.to_lowercase(), 0);
        symbol(&format!("{TEXT}="), 32);
        symbol("GEZD GNBV", 4);
        symbol("GEZD-GNBV", 4);
        symbol("GEZDGNB0", 7);
        symbol("GEZDGN8V", 6);
        symbol("GEZDGN\u{e9}", 6);
        symbol("ＧEZDGN", 0);
    }

    #[test]
    fn base32_is_read_as_people_type_it() {
        for text in [
            TEXT.to_owned(),
            TEXT.to_lowercase(),
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq".to_owned(),
            "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ".to_owned(),
            format!(" {TEXT}\r\n"),
            format!("{TEXT}======"),
            TEXT.replace("QOJQ", "QOJQ\u{a0}\u{200b}"),
        ] {
            assert_eq!(
                Secret::from_typed_base32(&text).unwrap().expose(),
                KEY,
                "{text:?}"
            );
        }
        for (text, position) in [("GEZD=GNBV", 4), ("gezd 0nbv", 4), ("1", 0), ("é", 0)] {
            let error = Secret::from_typed_base32(text).unwrap_err();
            assert_eq!(error, SecretError::Base32Symbol { position }, "{text}");
        }
    }

    #[test]
    fn a_key_that_is_no_whole_number_of_bytes_is_refused() {
        for length in [1, 3, 6, 9, 11, 14, 17] {
            let text = &TEXT[..length];
            let strict = Secret::from_base32_with_minimum(text, 8).unwrap_err();
            assert_eq!(strict, SecretError::Base32Length, "{length}");
            let typed = Secret::from_typed_base32_with_minimum(text, 8).unwrap_err();
            assert_eq!(typed, SecretError::Base32Length, "{length}");
        }
    }

    #[test]
    fn spare_bits_that_are_not_zero_are_refused_or_dropped_as_apps_do() {
        // 23 characters: 14 bytes and 3 bits to spare.
        let text = "GEZDGNBVGY3TQOJQGEZDGND";
        let strict = Secret::from_base32_with_minimum(text, 112).unwrap_err();
        assert_eq!(strict, SecretError::Base32SpareBits);
        let typed = Secret::from_typed_base32_with_minimum(text, 112).unwrap();
        assert_eq!(typed.expose(), &KEY[..14]);
        assert_eq!(typed.to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNA");
    }

    #[test]
    fn a_secret_has_128_bits_unless_less_is_asked_for() {
        let short = SecretError::TooShort {
            bits: 120,
            minimum: 128,
        };
        assert_eq!(Secret::from_bytes(&KEY[..15]).unwrap_err(), short);
        assert_eq!(Secret::from_bytes(&KEY[..16]).unwrap().bits(), 128);
        assert_eq!(Secret::from_base32(&TEXT[..24]).unwrap_err(), short);
        assert_eq!(Secret::from_typed_base32(&TEXT[..24]).unwrap_err(), short);

        let imported = Secret::from_base32_with_minimum(&TEXT[..16], 80).unwrap();
        assert_eq!(imported.expose(), &KEY[..10]);
        assert!(Secret::from_base32_with_minimum(&TEXT[..16], 81).is_err());
        assert!(Secret::from_bytes_with_minimum(&[1], 8).is_ok());
        let empty = SecretError::TooShort {
            bits: 0,
            minimum: 8,
        };
        assert_eq!(Secret::from_bytes_with_minimum(&[], 0).unwrap_err(), empty);
        assert_eq!(
            Secret::from_typed_base32_with_minimum("==", 0).unwrap_err(),
            empty
        );
    }

    #[test]
    fn a_secret_has_at_most_1024_bytes() {
        assert!(Secret::from_bytes(&[0; 1_024]).is_ok());
        let long = SecretError::TooLong { bytes: 1_025 };
        assert_eq!(Secret::from_bytes(&[0; 1_025]).unwrap_err(), long);
        assert_eq!(Secret::from_base32(&"A".repeat(1_640)).unwrap_err(), long);
        assert!(Secret::from_base32(&"A".repeat(1 << 20)).is_err());
    }

    #[test]
    fn a_key_is_shown_in_groups_of_four() {
        let secret = Secret::from_bytes(KEY).unwrap();
        let grouped = secret.to_base32_grouped();
        assert_eq!(grouped.expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let odd = Secret::from_bytes(&KEY[..16]).unwrap();
        assert_eq!(
            odd.to_base32_grouped().expose(),
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY"
        );
    }

    /// Secrets come from a CSPRNG, sized in bytes.
    mod invariant_6 {
        use super::*;
        use crate::support::SeededRng;

        #[test]
        fn a_secret_is_as_long_as_the_hash_and_encodes_whole_bytes() {
            let rng = &mut SeededRng(1);
            for (algorithm, bits) in ALGORITHMS.into_iter().zip([160, 256, 512]) {
                assert_eq!(Secret::generate_for(algorithm, rng).bits(), bits);
            }
            let secret = Secret::generate_with(rng);
            assert_eq!(secret.bits(), 160);
            assert_eq!(
                secret.to_base32().expose().len(),
                32,
                "no spare bits, no padding"
            );
        }

        #[test]
        fn a_secret_is_what_the_generator_gave() {
            let mut bytes = [0; 20];
            rand_core::TryRng::try_fill_bytes(&mut SeededRng(2), &mut bytes).unwrap();
            assert_eq!(Secret::generate_with(&mut SeededRng(2)).expose(), bytes);
        }

        #[cfg(feature = "getrandom")]
        #[test]
        fn the_system_makes_a_new_secret_each_time() {
            let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
            assert_eq!(one.bits(), 160);
            assert_ne!(one.expose(), two.expose());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn base32_is_that_of_another_implementation(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
            let secret = Secret::from_bytes_with_minimum(&bytes, 8).unwrap();
            let text = secret.to_base32();
            prop_assert_eq!(text.expose(), totp_rs::Secret::from(bytes.clone()).to_base32());
            for read in [
                Secret::from_base32_with_minimum(text.expose(), 8),
                Secret::from_typed_base32_with_minimum(secret.to_base32_grouped().expose(), 8),
            ] {
                let read = read.unwrap();
                prop_assert_eq!(read.expose(), &bytes);
            }
        }

        /// Invariant 8: nothing that is typed causes a panic.
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,100}") {
            let _ = Secret::from_typed_base32_with_minimum(&text, 8);
            if let Ok(secret) = Secret::from_base32_with_minimum(&text, 8) {
                let back = secret.to_base32();
                prop_assert_eq!(back.expose(), text);
            }
        }
    }
}

/// No secret and no code appears in `Debug`.
mod invariant_7 {
    use super::*;

    #[test]
    fn debug_shows_parameters_and_nothing_that_is_secret() {
        assert_eq!(format!("{:?}", typed("755224")), "Passcode { .. }");
        let otp = hotp().generate(0);
        assert_eq!(format!("{otp:?}"), "Otp { digits: Digits(6), .. }");
        let shown = format!("{:?}", hotp());
        assert_eq!(shown, "Hotp { algorithm: Sha1, digits: Digits(6), .. }");
        let shown = format!("{:?}", totp());
        assert_eq!(
            shown,
            "Totp { algorithm: Sha1, digits: Digits(6), period: Period(30), t0: Timestamp(0), .. }"
        );
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn debug_of_a_secret_tells_its_length() {
        let secret = countersign::Secret::from_bytes(KEY).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret { bits: 160, .. }");
        assert_eq!(format!("{:?}", secret.to_base32()), "SecretText { .. }");
        assert_eq!(
            format!("{:?}", secret.to_base32_grouped()),
            "SecretText { .. }"
        );
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn an_error_does_not_repeat_what_was_typed() {
        let typed = "GEZD GNBV GY3T Q0JQ";
        let error = countersign::Secret::from_typed_base32(typed).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("GEZD") && !shown.contains('Q'), "{shown}");
    }
}

/// Values are valid by construction.
mod invariant_8 {
    use super::*;
    use countersign::{AlgorithmError, DigitsError, PeriodError};

    #[test]
    fn digits_are_6_to_8() {
        for digits in 0..=255 {
            let checked = Digits::new(digits);
            assert_eq!(checked, Digits::try_from(digits));
            match digits {
                6..=8 => assert_eq!(checked.unwrap().get(), digits),
                _ => assert_eq!(checked, Err(DigitsError)),
            }
        }
    }

    #[test]
    fn a_period_is_at_least_a_second() {
        assert_eq!(Period::from_secs(0), Err(PeriodError));
        assert_eq!(Period::from_secs(1).unwrap().as_secs(), 1);
        assert_eq!(Period::from_secs(u64::MAX).unwrap().as_secs(), u64::MAX);
        assert_eq!(Period::default(), Period::THIRTY_SECONDS);
    }

    #[test]
    fn an_unknown_algorithm_is_an_error_and_never_the_default() {
        for algorithm in ALGORITHMS {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
        for name in ["", "sha1", "SHA-1", "HMAC-SHA-1", "MD5", "SHA224", "SHA1 "] {
            assert_eq!(name.parse::<Algorithm>(), Err(AlgorithmError), "{name:?}");
        }
    }

    #[test]
    fn a_key_of_any_length_is_set_up_as_rfc_2104_says() {
        // Longer than the block of the hash: the key is hashed first.
        for algorithm in ALGORITHMS {
            for length in [0, 1, 20, 63, 64, 65, 127, 128, 129, 1_024] {
                let key = vec![0x5a; length];
                let otp = Hotp::new(&key, algorithm, Digits::EIGHT).generate(1);
                assert_eq!(otp.expose().len(), 8, "{algorithm} {length}");
            }
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_clock_before_1970_is_an_error() {
        use std::time::SystemTime;
        let epoch = SystemTime::UNIX_EPOCH;
        assert_eq!(Timestamp::try_from(epoch), Ok(Timestamp::UNIX_EPOCH));
        let later = epoch + Duration::from_millis(1_999);
        assert_eq!(Timestamp::try_from(later), Ok(at(1)), "rounded down");
        let earlier = epoch - Duration::from_nanos(1);
        assert!(Timestamp::try_from(earlier).is_err());
    }

    #[test]
    fn times_do_not_overflow() {
        assert_eq!(at(u64::MAX).saturating_add(1), at(u64::MAX));
        assert_eq!(at(5).saturating_since(at(3)), 2);
        assert_eq!(at(3).saturating_since(at(5)), 0);
    }
}

#[test]
fn everything_can_be_shared_between_threads() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<Hotp>();
    send_and_sync::<Totp>();
    send_and_sync::<countersign::Otp>();
    send_and_sync::<Passcode>();
    send_and_sync::<PasscodeError>();
    #[cfg(feature = "alloc")]
    send_and_sync::<countersign::Secret>();
    #[cfg(feature = "alloc")]
    send_and_sync::<countersign::SecretText>();
}

#[test]
fn error_messages_start_in_lower_case_and_end_without_a_full_stop() {
    let messages = [
        PasscodeError::Empty.to_string(),
        PasscodeError::TooLong.to_string(),
        PasscodeError::Character.to_string(),
        Digits::new(9).unwrap_err().to_string(),
        Period::from_secs(0).unwrap_err().to_string(),
        "MD5".parse::<Algorithm>().unwrap_err().to_string(),
        countersign::RandomError::new().to_string(),
    ];
    for message in messages {
        assert!(
            message.starts_with(|c: char| c.is_ascii_lowercase()),
            "{message}"
        );
        assert!(!message.ends_with('.'), "{message}");
    }
}
