//! The two texts of a login: the passcode that an app shows, and the code that a user types.

use super::typed_characters::{is_invisible, is_separator, symbol_as_typed};
use crate::otp::Digits;
use crate::stack_wipe::with_wiped_stack;
use core::fmt;
use zeroize::Zeroize;

/// A code as a user typed it: a passcode or a backup code. Wiped on drop.
///
/// Users type `123 456`, `1234-5678` and `１２３４５６`, and paste text with invisible characters.
/// [`parse`](Self::parse) accepts all of these:
///
/// - It drops white space, hyphens and invisible characters (the Unicode property
///   `Default_Ignorable_Code_Point`).
/// - It maps decimal digits of every script and full-width letters to ASCII.
///
/// The result consists of ASCII letters and digits. `parse` refuses any other character. Letters
/// keep their case. The format of the backup codes says whether the case matters
/// ([`CodeFormat`](crate::backup::CodeFormat): it does not;
/// [`CodeShape`](crate::backup::CodeShape): only if the alphabet has both cases).
///
/// If your backup codes have letters
/// ([`Alphabet::Unambiguous`](crate::backup::Alphabet::Unambiguous)), do not give the input field
/// `inputmode="numeric"`: phones then show no letters to type.
///
/// A `Code` has no `==`: pass it to [`Totp::verify`](crate::otp::Totp::verify) or another method
/// that takes a code. A `Code` uses no heap, so a move can leave a copy behind: see
/// `docs/secrets-in-memory.md`.
///
/// ```
/// use countersign::otp::{Code, CodeError};
///
/// assert!(Code::parse("123 456").is_ok());
/// assert_eq!(Code::parse("●●●●●●").unwrap_err(), CodeError::Character);
/// ```
#[derive(Clone)]
pub struct Code {
    symbols: [u8; Self::MAX_SYMBOLS],
    length: u8,
}

impl Code {
    /// The longest text that [`parse`](Self::parse) reads, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// The largest number of symbols in a code.
    pub const MAX_SYMBOLS: usize = 64;

    /// Parses the text that a user typed.
    ///
    /// The method checks the characters and the length only. It does not compare the code with a
    /// passcode.
    ///
    /// # Errors
    /// [`CodeError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        with_wiped_stack::<256, _>(|| Self::parse_symbols(text))
    }

    fn parse_symbols(text: &str) -> Result<Self, CodeError> {
        if text.len() > Self::MAX_BYTES {
            return Err(CodeError::TooLong);
        }
        let mut code = Self {
            symbols: [0; Self::MAX_SYMBOLS],
            length: 0,
        };
        let mut places = code.symbols.iter_mut();
        let mut length = 0_u8;
        for character in text.chars() {
            let Some(symbol) = symbol_as_typed(character) else {
                if is_separator(character) || is_invisible(character) {
                    continue;
                }
                return Err(CodeError::Character);
            };
            *places.next().ok_or(CodeError::TooLong)? = symbol;
            length = length.saturating_add(1);
        }
        if length == 0 {
            return Err(CodeError::Empty);
        }
        code.length = length;
        Ok(code)
    }

    /// Returns the number of symbols, from 1 to [`MAX_SYMBOLS`](Self::MAX_SYMBOLS).
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        usize::from(self.length)
    }

    /// Returns the symbols: ASCII digits, and letters in the case in which the user typed them.
    #[cfg(any(feature = "backup", feature = "steam"))]
    pub(crate) fn symbols(&self) -> &[u8] {
        self.symbols.get(..self.symbol_count()).unwrap_or_default()
    }

    /// Whether the code has the shape of a passcode: this number of digits, and nothing else.
    #[cfg(feature = "verifier")]
    pub(crate) fn has_passcode_shape(&self, digits: Digits) -> bool {
        self.value(digits).is_some()
    }

    /// Returns the number, if the code has the shape of a passcode with this number of digits.
    pub(crate) fn value(&self, digits: Digits) -> Option<u32> {
        let symbols = self.symbols.get(..usize::from(digits.get()))?;
        if self.length != digits.get() {
            return None;
        }
        symbols.iter().try_fold(0_u32, |value, symbol| {
            let digit = symbol.checked_sub(b'0').filter(|digit| *digit < 10)?;
            // At most eight digits: nothing wraps.
            Some(value.wrapping_mul(10).wrapping_add(u32::from(digit)))
        })
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.symbols.as_mut_slice().zeroize();
    }
}

/// The error for a text that cannot be a passcode or a backup code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The text has no characters except spaces, hyphens and invisible characters.
    #[error("the code is empty")]
    Empty,
    /// The text has more than 256 bytes or more than 64 symbols.
    #[error("the code is too long")]
    TooLong,
    /// The text has a character that is not a letter from A to Z, a digit, a space or a hyphen.
    #[error("the code has a character that is neither a letter nor a digit")]
    Character,
}

/// A passcode that this crate computed: decimal digits, with leading zeros. Wiped on drop.
///
/// A `Passcode` has no `Display` and no `==`. Show it with [`expose`](Self::expose). To compare a
/// passcode with a code, call [`Hotp::verify`](crate::otp::Hotp::verify) or
/// [`Totp::verify`](crate::otp::Totp::verify).
#[derive(Clone)]
pub struct Passcode {
    /// Always eight digits. A shorter passcode is at the end, after zeros.
    ascii: [u8; 8],
    digits: Digits,
}

impl Passcode {
    pub(super) fn new(value: u32, digits: Digits) -> Self {
        let mut ascii = [b'0'; 8];
        // The halves are independent, so the processor computes both at the same time.
        let halves = [value / 10_000, value % 10_000];
        for (mut rest, places) in halves.into_iter().zip(ascii.as_chunks_mut::<4>().0) {
            for place in places.iter_mut().rev() {
                *place = b'0' | (rest % 10) as u8;
                rest /= 10;
            }
        }
        Self { ascii, digits }
    }

    /// Returns the digits.
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
        self.ascii.as_mut_slice().zeroize();
    }
}

#[cfg(all(test, feature = "backup"))]
mod tests {
    use super::*;
    use std::format;
    use std::fs;

    #[test]
    fn typed_codes_are_read_as_their_symbols() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/typed.json");
        let cases: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for case in cases["codes_accepted_as"].as_array().unwrap() {
            let [typed, symbols] = [&case[0], &case[1]].map(|text| text.as_str().unwrap());
            let code = Code::parse(typed).map_err(|error| format!("{case}: {error}"));
            let upper = code.unwrap().symbols().to_ascii_uppercase();
            assert_eq!(upper, symbols.as_bytes(), "{case}");
        }
    }
    #[test]
    fn a_code_keeps_the_typed_case() {
        let code = Code::parse("aB\u{ff23}\u{ff44}-9").unwrap();
        assert_eq!(code.symbols(), b"aBCd9");
    }
}
