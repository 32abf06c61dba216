//! Compares passcodes with the `totp-rs` crate in 10,000 random cases, and windows with a plain
//! search.

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
        let passcode = totp.generate(at(time));
        prop_assert_eq!(passcode.expose(), &independent);
        let hotp = Hotp::new(&key, algorithm, digits).generate(time / period);
        prop_assert_eq!(hotp.expose(), &independent);
        prop_assert_eq!(accepted(&totp, &typed(&independent), time, Window::EXACT), Some(time / period));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The plain search compares the text of every step, one after the other.
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
        let shown = hotp().generate(current.saturating_add_signed(offset));
        let last = last.map(|last| current.saturating_add_signed(last));

        let first = current.saturating_sub(before.into());
        let end = current.saturating_add(after.into());
        let found = (first..=end)
            .rev()
            .filter(|step| last.is_none_or(|last| *step > last))
            .find(|step| hotp().generate(*step).expose() == shown.expose());

        let window = Window { before, after };
        let code = typed(shown.expose());
        let matched = totp.verify(&code, at(time), window, last.map(TimeStep::new));
        prop_assert_eq!(matched.map(|matched| matched.step().get()), found);
        if let Some(matched) = matched {
            let drift = i128::from(matched.step().get()) - i128::from(current);
            prop_assert_eq!(i128::from(matched.drift()), drift);
        }
    }
}
