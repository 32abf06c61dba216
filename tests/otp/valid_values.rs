//! Invariant 8: values are valid by construction.

use super::*;
use countersign::otp::{AlgorithmError, DigitsError, PeriodError};

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
fn an_unknown_algorithm_name_is_an_error() {
    for algorithm in ALGORITHMS {
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
        assert_eq!(algorithm.to_string(), algorithm.name());
    }
    for name in ["", "sha1", "SHA-1", "HMAC-SHA-1", "MD5", "SHA224", "SHA1 "] {
        assert_eq!(name.parse::<Algorithm>(), Err(AlgorithmError), "{name:?}");
    }
}

#[test]
fn keys_of_any_length_are_accepted() {
    // HMAC hashes a key that is longer than the block of its hash function.
    for algorithm in ALGORITHMS {
        for length in [0, 1, 20, 63, 64, 65, 127, 128, 129, 1_024] {
            let key = vec![0x5a; length];
            let passcode = Hotp::new(&key, algorithm, Digits::EIGHT).generate(1);
            assert_eq!(passcode.expose().len(), 8, "{algorithm} {length}");
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
