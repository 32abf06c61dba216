//! Decimal digits of all scripts: what an input method for Japanese, Arabic or Hindi types.

use crate::otp::Digits;
use core::fmt;
use zeroize::Zeroize;

/// A generated one-time password: decimal digits, with leading zeros. Wiped on drop.
///
/// It has no `Display` and no `==`: it is shown with [`expose`](Self::expose), and compared by
/// [`Hotp::verify`](crate::otp::Hotp::verify) and [`Totp::verify`](crate::otp::Totp::verify).
#[derive(Clone)]
pub struct Passcode {
    /// Eight digits, the first of them zeros where fewer are shown.
    ascii: [u8; 8],
    digits: Digits,
}

impl Passcode {
    pub(super) fn new(value: u32, digits: Digits) -> Self {
        let mut ascii = [b'0'; 8];
        // The halves do not wait for each other.
        let halves = [value / 10_000, value % 10_000];
        for (mut rest, places) in halves.into_iter().zip(ascii.as_chunks_mut::<4>().0) {
            for place in places.iter_mut().rev() {
                *place = b'0' | (rest % 10) as u8;
                rest /= 10;
            }
        }
        Self { ascii, digits }
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        let zeros = self.ascii.len().saturating_sub(self.digits.get().into());
        self.ascii
            .get(zeros..)
            .and_then(|digits| core::str::from_utf8(digits).ok())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Passcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passcode")
            .field("digits", &self.digits)
            .finish_non_exhaustive()
    }
}

impl Drop for Passcode {
    fn drop(&mut self) {
        self.ascii.zeroize();
    }
}

/// The value of a decimal digit (general category Nd), or `None` for any other character.
pub(super) fn decimal_digit(character: char) -> Option<u8> {
    let at = ZEROS
        .partition_point(|zero| *zero <= character)
        .checked_sub(1)?;
    let zero = u32::from(*ZEROS.get(at)?);
    let value = u32::from(character).checked_sub(zero)?;
    u8::try_from(value).ok().filter(|value| *value < 10)
}

/// The zero of each of the 77 sets of ten consecutive digits in Unicode 18.0.0, in order.
const ZEROS: [char; 77] = [
    '\u{30}',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{10d40}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{116d0}',
    '\u{116da}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11bf0}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{11de0}',
    '\u{11f50}',
    '\u{16130}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{16d70}',
    '\u{1ccf0}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e4f0}',
    '\u{1e5f1}',
    '\u{1e950}',
    '\u{1fbf0}',
];

#[cfg(test)]
mod tests {
    use super::{ZEROS, decimal_digit};

    #[test]
    fn each_set_counts_from_zero_to_nine_and_ends_there() {
        assert!(ZEROS.is_sorted());
        for zero in ZEROS {
            for value in 0..10 {
                let digit = char::from_u32(u32::from(zero) + value).unwrap();
                assert_eq!(
                    decimal_digit(digit).map(u32::from),
                    Some(value),
                    "{digit:?}"
                );
            }
        }
        let digits = ('\0'..=char::MAX)
            .filter(|c| decimal_digit(*c).is_some())
            .count();
        assert_eq!(digits, ZEROS.len() * 10);
    }

    #[test]
    fn it_agrees_with_the_standard_library_on_what_is_numeric() {
        for character in ('\0'..=char::MAX).filter(|c| decimal_digit(*c).is_some()) {
            assert!(character.is_numeric(), "{character:?}");
        }
        for other in ['²', '½', '①', 'Ⅷ', '三', 'A', '-'] {
            assert_eq!(decimal_digit(other), None, "{other:?}");
        }
    }
}
