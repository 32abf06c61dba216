//! Turning the result of a constant-time comparison into a branch.

use core::hint::black_box;
use subtle::Choice;
#[cfg(feature = "backup")]
use subtle::ConstantTimeEq;

/// Turns the result of a constant-time comparison into a `bool`.
///
/// No other code may branch on the result of a comparison with a secret. The loop checks both
/// answers, so both take the same time.
#[inline(never)]
pub(crate) fn reveal(choice: Choice) -> bool {
    let mut result = false;
    for answer in [false, true] {
        if black_box(bool::from(choice) == answer) {
            result = black_box(answer);
        }
    }
    result
}

/// Returns the index of the candidate that a comparison selected. `last` is the largest index that
/// a candidate has, and not secret.
///
/// Call this function only after [`reveal`] returned true. The index is then part of the answer, so
/// branches and addresses may depend on it.
#[cfg(feature = "backup")]
pub(crate) fn reveal_index(number: u16, last: u16) -> u16 {
    let bits = u16::BITS.saturating_sub(last.leading_zeros());
    (0..bits).fold(0, |known, place| {
        let bit = number.wrapping_shr(place) & 1;
        known | u16::from(reveal(bit.ct_eq(&1))).wrapping_shl(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reveal_returns_the_choice() {
        assert!(reveal(Choice::from(1)));
        assert!(!reveal(Choice::from(0)));
    }

    #[cfg(feature = "backup")]
    #[test]
    fn reveal_index_returns_the_number() {
        for last in [0, 1, 2, 3, 9, 99, 510, u16::MAX - 1, u16::MAX] {
            for number in [0, 1, last / 2, last.saturating_sub(1), last] {
                assert_eq!(reveal_index(number.min(last), last), number.min(last));
            }
        }
    }
}
