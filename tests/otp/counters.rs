//! Counter-based passcodes (HOTP), tested as other libraries test them.

use super::*;

/// Verifies, and keeps the counter as an application must.
fn verify(counter: &mut u64, passcode_at: u64, look_ahead: u8) -> bool {
    match hotp().verify(&code(passcode_at), *counter, look_ahead) {
        Some(matched) => {
            *counter = matched.next().unwrap();
            true
        }
        None => false,
    }
}

#[test]
fn only_a_match_advances_the_counter() {
    let mut counter = 5;
    assert!(verify(&mut counter, 5, 1));
    assert_eq!(counter, 6);
    assert!(verify(&mut counter, 7, 1), "one counter skipped");
    assert_eq!(counter, 8);
    assert!(!verify(&mut counter, 10, 1), "two counters skipped");
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
fn look_ahead_stops_at_its_last_counter() {
    let mut counter = 100;
    assert!(!verify(&mut counter, 111, 10));
    assert!(verify(&mut counter, 110, 10));
    assert_eq!(counter, 111);
}

#[test]
fn the_highest_counter_passes_and_has_no_next() {
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
fn two_consecutive_passcodes_resynchronize_the_counter() {
    let resynchronize = |first, second, counter, look_ahead| {
        hotp()
            .resynchronize(&code(first), &code(second), counter, look_ahead)
            .and_then(|matched| matched.next())
    };
    assert_eq!(resynchronize(8, 9, 0, 10), Some(10));
    assert_eq!(
        resynchronize(10, 11, 0, 10),
        Some(12),
        "the last counter of the look-ahead"
    );
    assert_eq!(
        resynchronize(0, 1, 0, 10),
        Some(2),
        "the first counter of the look-ahead"
    );
    assert_eq!(resynchronize(5_000, 5_001, 1, u16::MAX), Some(5_002));
    assert_eq!(resynchronize(8, 10, 0, 10), None, "a gap");
    assert_eq!(resynchronize(9, 8, 0, 10), None, "the wrong order");
    assert_eq!(resynchronize(8, 8, 0, 10), None, "the same twice");
    assert_eq!(resynchronize(11, 12, 0, 10), None, "too far ahead");
    assert_eq!(
        resynchronize(7, 8, 8, 10),
        None,
        "the first is behind the counter"
    );
}

#[test]
fn resynchronization_works_up_to_the_highest_counter() {
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
