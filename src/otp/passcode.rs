use super::typed::{is_invisible, is_separator, symbol};
use crate::Digits;
use crate::bleach::bleached;
use core::fmt;
use zeroize::Zeroize;

/// What a person typed, parsed once: a passcode or a backup code. Wiped on drop.
///
/// People type `123 456`, `1234-5678` and `１２３４５６`, and paste worse. [`parse`](Self::parse) drops white
/// space, hyphens and invisible characters (the Unicode property `Default_Ignorable_Code_Point`). It maps decimal
/// digits of every script and full-width letters to ASCII, and folds letters to upper case. What is left is letters
/// and digits; anything else is refused.
///
/// In a page, do not give the field `inputmode="numeric"` if backup codes have letters
/// ([`Alphabet::Unambiguous`](crate::Alphabet::Unambiguous)): telephones then show no letters to type.
///
/// It has no `==`: it is compared by what takes it. It has no heap either, so moving it can leave a copy behind:
/// see `docs/secrets-in-memory.md`.
///
/// ```
/// use countersign::{Passcode, PasscodeError};
///
/// assert!(Passcode::parse("123 456").is_ok());
/// assert_eq!(Passcode::parse("●●●●●●").unwrap_err(), PasscodeError::Character);
/// ```
#[derive(Clone)]
pub struct Passcode {
    symbols: [u8; Self::MAX_SYMBOLS],
    length: u8,
}

impl Passcode {
    /// The longest text that is looked at, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// The most symbols that may be left of it.
    pub const MAX_SYMBOLS: usize = 64;

    /// Parses what a person typed.
    ///
    /// # Errors
    /// [`PasscodeError`] says what is wrong with the shape. Nothing is compared yet.
    pub fn parse(text: &str) -> Result<Self, PasscodeError> {
        bleached::<256, _>(|| Self::read(text))
    }

    fn read(text: &str) -> Result<Self, PasscodeError> {
        if text.len() > Self::MAX_BYTES {
            return Err(PasscodeError::TooLong);
        }
        let mut passcode = Self {
            symbols: [0; Self::MAX_SYMBOLS],
            length: 0,
        };
        let mut places = passcode.symbols.iter_mut();
        let mut length = 0_u8;
        for character in text.chars() {
            let Some(symbol) = symbol(character) else {
                if is_separator(character) || is_invisible(character) {
                    continue;
                }
                return Err(PasscodeError::Character);
            };
            *places.next().ok_or(PasscodeError::TooLong)? = symbol;
            length = length.saturating_add(1);
        }
        if length == 0 {
            return Err(PasscodeError::Empty);
        }
        passcode.length = length;
        Ok(passcode)
    }

    /// The number of symbols, from 1 to [`MAX_SYMBOLS`](Self::MAX_SYMBOLS).
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        usize::from(self.length)
    }

    /// ASCII digits and upper-case letters.
    #[cfg(feature = "backup")]
    pub(crate) fn symbols(&self) -> &[u8] {
        self.symbols.get(..self.symbol_count()).unwrap_or_default()
    }

    /// Whether this has the shape of a passcode with so many digits.
    #[cfg(feature = "verifier")]
    pub(crate) fn fits(&self, digits: Digits) -> bool {
        self.value(digits).is_some()
    }

    /// The number, if this has the shape of a passcode with so many digits.
    pub(crate) fn value(&self, digits: Digits) -> Option<u32> {
        let symbols = self.symbols.get(..usize::from(digits.get()))?;
        if self.length != digits.get() {
            return None;
        }
        symbols.iter().try_fold(0_u32, |value, symbol| {
            let digit = symbol.checked_sub(b'0').filter(|digit| *digit < 10)?;
            // Eight digits at most: nothing wraps.
            Some(value.wrapping_mul(10).wrapping_add(u32::from(digit)))
        })
    }
}

impl fmt::Debug for Passcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passcode").finish_non_exhaustive()
    }
}

impl Drop for Passcode {
    fn drop(&mut self) {
        self.symbols.zeroize();
    }
}

/// What a person typed cannot be a passcode or a backup code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasscodeError {
    /// Nothing is left after spaces and hyphens.
    #[error("the code is empty")]
    Empty,
    /// More than 256 bytes, or more than 64 symbols.
    #[error("the code is too long")]
    TooLong,
    /// There is a character that is neither a letter A to Z, nor a digit, a space or a hyphen.
    #[error("the code has a character that is neither a letter nor a digit")]
    Character,
}

#[cfg(all(test, feature = "backup"))]
mod tests {
    use super::*;
    use std::format;
    use std::fs;

    #[test]
    fn a_typed_code_is_what_the_person_meant() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/typed.json");
        let cases: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for case in cases["codes_accepted_as"].as_array().unwrap() {
            let [typed, code] = [&case[0], &case[1]].map(|text| text.as_str().unwrap());
            let passcode = Passcode::parse(typed).map_err(|error| format!("{case}: {error}"));
            assert_eq!(passcode.unwrap().symbols(), code.as_bytes(), "{case}");
        }
    }
}
