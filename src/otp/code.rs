//! What the characters that people type stand for, in codes and in keys alike.
//! Made by `tests/data/default_ignorable.mjs`.

use super::passcode::decimal_digit;
use crate::otp::Digits;
use crate::stack_wipe::with_wiped_stack;
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
/// ([`Alphabet::Unambiguous`](crate::backup::Alphabet::Unambiguous)): telephones then show no letters to type.
///
/// It has no `==`: it is compared by what takes it. It has no heap either, so moving it can leave a copy behind:
/// see `docs/secrets-in-memory.md`.
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
    /// The longest text that is looked at, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// The most symbols that may be left of it.
    pub const MAX_SYMBOLS: usize = 64;

    /// Parses what a person typed.
    ///
    /// # Errors
    /// [`CodeError`] says what is wrong with the shape. Nothing is compared yet.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        with_wiped_stack::<256, _>(|| Self::read(text))
    }

    fn read(text: &str) -> Result<Self, CodeError> {
        if text.len() > Self::MAX_BYTES {
            return Err(CodeError::TooLong);
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
                return Err(CodeError::Character);
            };
            *places.next().ok_or(CodeError::TooLong)? = symbol;
            length = length.saturating_add(1);
        }
        if length == 0 {
            return Err(CodeError::Empty);
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

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Code").finish_non_exhaustive()
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.symbols.zeroize();
    }
}

/// What a person typed cannot be a passcode or a backup code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
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

/// The ASCII digit or upper-case letter that a character stands for: itself, the other case, the full-width form, or a
/// decimal digit of any script.
#[inline]
pub(super) fn symbol(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(digit @ b'0'..=b'9') => Some(digit),
        Ok(letter) if letter.is_ascii_alphabetic() => Some(letter.to_ascii_uppercase()),
        _ => full_width_letter(character)
            .or_else(|| decimal_digit(character).map(|digit| b'0'.wrapping_add(digit))),
    }
}

fn full_width_letter(character: char) -> Option<u8> {
    let first = match character {
        '\u{ff21}'..='\u{ff3a}' => 0xff21,
        '\u{ff41}'..='\u{ff5a}' => 0xff41,
        _ => return None,
    };
    let letter = u32::from(character).wrapping_sub(first);
    u8::try_from(letter)
        .ok()
        .map(|letter| b'A'.wrapping_add(letter))
}

/// What people put between groups: white space and hyphens.
pub(super) fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
        )
}

/// What nobody sees, but comes along when text is copied: the property `Default_Ignorable_Code_Point` of Unicode. It
/// has all zero-width characters, direction marks and variation selectors.
pub(crate) fn is_invisible(character: char) -> bool {
    let at = RANGES.partition_point(|(_, last)| *last < character);
    RANGES.get(at).is_some_and(|(first, _)| *first <= character)
}

/// The property `Default_Ignorable_Code_Point` of Unicode 18.0.0: first and last of each range, in order.
pub(super) const RANGES: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

#[cfg(test)]
mod ignorable_tests {
    use super::*;
    use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace};
    use icu_properties::{CodePointMapData, CodePointSetData};

    #[test]
    fn invisible_characters_are_those_of_another_unicode_table() {
        let property = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        for character in '\0'..=char::MAX {
            let expected = property.contains(character);
            assert_eq!(is_invisible(character), expected, "{character:?}");
        }
    }

    #[test]
    fn decimal_digits_are_those_of_another_unicode_table() {
        let categories = CodePointMapData::<GeneralCategory>::new();
        for character in '\0'..=char::MAX {
            let expected = categories.get(character) == GeneralCategory::DecimalNumber;
            assert_eq!(
                decimal_digit(character).is_some(),
                expected,
                "{character:?}"
            );
        }
    }

    #[test]
    fn every_character_has_one_meaning() {
        let white_space = CodePointSetData::new::<WhiteSpace>();
        for character in '\0'..=char::MAX {
            let meanings = [
                symbol(character).is_some(),
                is_separator(character),
                is_invisible(character),
            ];
            let count = meanings.into_iter().filter(|is| *is).count();
            assert!(count <= 1, "{character:?}: {meanings:?}");
            if white_space.contains(character) {
                assert!(is_separator(character), "{character:?}");
            }
        }
    }

    #[test]
    fn full_width_letters_stand_for_ascii_letters() {
        for (wide, ascii) in ('\u{ff21}'..='\u{ff3a}').zip(b'A'..=b'Z') {
            assert_eq!(symbol(wide), Some(ascii), "{wide:?}");
        }
        for (wide, ascii) in ('\u{ff41}'..='\u{ff5a}').zip(b'A'..=b'Z') {
            assert_eq!(symbol(wide), Some(ascii), "{wide:?}");
        }
        for other in [
            '\u{ff20}',
            '\u{ff3b}',
            '\u{ff40}',
            '\u{ff5b}',
            '\u{212a}',
            '\u{17f}',
            '\u{1d400}',
        ] {
            assert_eq!(symbol(other), None, "{other:?}");
        }
    }
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
            let passcode = Code::parse(typed).map_err(|error| format!("{case}: {error}"));
            assert_eq!(passcode.unwrap().symbols(), code.as_bytes(), "{case}");
        }
    }
}
