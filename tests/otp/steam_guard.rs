//! The passcodes of Steam Guard.

use super::*;
use countersign::otp::SteamGuard;
use proptest::prelude::*;

fn steam() -> SteamGuard {
    SteamGuard::new(KEY)
}

fn shown(step: u64) -> String {
    let passcode = steam().generate_step(TimeStep::new(step));
    passcode.expose().to_owned()
}

fn accepted(code: &str, time: u64, window: Window, last: Option<u64>) -> Option<u64> {
    let last = last.map(TimeStep::new);
    let matched = steam().verify(&typed(code), at(time), window, last)?;
    Some(matched.step().get())
}

#[test]
fn passcodes_equal_those_of_other_software() {
    let rows = include_str!("../data/steam_guard.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for row in rows {
        let [key, time, expected] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let key: Vec<u8> = (0..key.len())
            .step_by(2)
            .map(|place| u8::from_str_radix(&key[place..place + 2], 16).unwrap())
            .collect();
        let time = at(time.parse().unwrap());
        let steam = SteamGuard::new(&key);
        assert_eq!(steam.generate(time).expose(), expected, "{row}");
        let matched = steam.verify(&typed(expected), time, Window::EXACT, None);
        assert_eq!(matched.unwrap().step(), steam.step(time), "{row}");
        count += 1;
    }
    assert_eq!(count, 130);
}

#[test]
fn codes_are_read_in_either_case() {
    let shown = shown(100);
    let [lower, grouped] = [
        shown.to_ascii_lowercase(),
        format!("{} {}", &shown[..2], &shown[2..]),
    ];
    for code in [&shown, &lower, &grouped] {
        assert_eq!(
            accepted(code, 3_000, Window::EXACT, None),
            Some(100),
            "{code}"
        );
    }
}

#[test]
fn codes_of_another_length_match_nothing() {
    let shown = shown(100);
    let six_digits = totp().generate(at(3_000));
    let longer = [format!("{shown}2"), format!("2{shown}")];
    for code in [&shown[..4], &longer[0], &longer[1], six_digits.expose()] {
        assert_eq!(accepted(code, 3_000, Window::EXACT, None), None, "{code}");
    }
}

#[test]
fn each_symbol_stands_only_for_itself() {
    for step in 100..150 {
        let shown = shown(step);
        for place in 0..5 {
            let (before, after) = (&shown[..place], &shown[place + 1..]);
            for symbol in ('0'..='9').chain('A'..='Z') {
                let code = format!("{before}{symbol}{after}");
                let expected = (code == shown).then_some(step);
                let found = accepted(&code, step * 30, Window::EXACT, None);
                assert_eq!(found, expected, "{code} for {shown}");
            }
        }
    }
}

#[test]
fn invariant_1_a_step_is_accepted_once() {
    let window = Window::default();
    let code = shown(100);
    assert_eq!(accepted(&code, 3_000, window, None), Some(100));
    assert_eq!(accepted(&code, 3_000, window, Some(99)), Some(100));
    assert_eq!(accepted(&code, 3_000, window, Some(100)), None);
    assert_eq!(accepted(&code, 3_000, window, Some(101)), None);
}

#[test]
fn windows_end_at_their_last_steps() {
    let window = Window {
        before: 3,
        after: 2,
    };
    let passes: Vec<u64> = (90..110)
        .filter(|step| accepted(&shown(*step), 3_015, window, None) == Some(*step))
        .collect();
    assert_eq!(passes, [97, 98, 99, 100, 101, 102]);
    let matched = steam().verify(&typed(&shown(98)), at(3_015), window, None);
    assert_eq!(matched.unwrap().drift(), -2);
}

#[test]
fn the_remaining_time_ends_with_the_step() {
    for (time, seconds) in [(0, 30), (1, 29), (29, 1), (30, 30), (u64::MAX, 15)] {
        assert_eq!(steam().remaining(at(time)), Duration::from_secs(seconds));
        assert_eq!(steam().remaining(at(time)), totp().remaining(at(time)));
        assert_eq!(steam().step(at(time)), totp().step(at(time)));
    }
}

#[test]
fn debug_shows_no_passcode() {
    assert_eq!(format!("{:?}", steam()), "SteamGuard { .. }");
    let passcode = steam().generate(at(0));
    assert_eq!(format!("{passcode:?}"), "SteamPasscode { .. }");
}

/// The algorithm as it is usually described: with the `hmac` crate, and a text that is indexed.
fn plain(key: &[u8], step: u64) -> String {
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(key).unwrap();
    mac.update(&step.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[19] & 15);
    let mut rest = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    let mut text = String::new();
    for _ in 0..5 {
        text.push(char::from(
            b"23456789BCDFGHJKMNPQRTVWXY"[(rest % 26) as usize],
        ));
        rest /= 26;
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn passcodes_equal_the_plain_algorithm(
        key in prop::collection::vec(any::<u8>(), 0..100),
        step in any::<u64>(),
    ) {
        let passcode = SteamGuard::new(&key).generate_step(TimeStep::new(step));
        prop_assert_eq!(passcode.expose(), plain(&key, step));
    }

    /// The plain search compares the text of every step, one after the other.
    #[test]
    fn a_window_accepts_what_a_plain_search_finds(
        time in any::<u64>(),
        (before, after) in (0..12_u8, 0..12_u8),
        offset in -14..=14_i64,
        last in prop::option::of(-14..=14_i64),
    ) {
        let current = time / 30;
        let code = plain(KEY, current.saturating_add_signed(offset));
        let last = last.map(|last| current.saturating_add_signed(last));
        let first = current.saturating_sub(before.into());
        let found = (first..=current.saturating_add(after.into()))
            .rev()
            .filter(|step| last.is_none_or(|last| *step > last))
            .find(|step| plain(KEY, *step) == code);
        let window = Window { before, after };
        prop_assert_eq!(accepted(&code, time, window, last), found);
    }

    /// Every text of five symbols is the passcode of one number: no two codes are equal.
    #[test]
    fn a_code_matches_only_its_own_text(
        code in "[2-9BCDFGHJKMNPQRTVWXY]{5}",
        step in 0..1_000_000_u64,
    ) {
        let expected = (plain(KEY, step) == code).then_some(step);
        prop_assert_eq!(accepted(&code, step * 30, Window::EXACT, None), expected);
    }
}
