use super::decimal::decimal_digit;
use crate::Digits;
use crate::bleach::bleached;
use core::fmt;
use zeroize::Zeroize;

/// What a person typed, parsed once: a passcode or a backup code. Wiped on drop.
///
/// People type `123 456`, `1234-5678` and `１２３４５６`, and paste worse. [`parse`](Self::parse) drops white
/// space, invisible format characters and hyphens, maps decimal digits of every script to ASCII, and folds
/// ASCII letters to upper case. What is left is letters and digits; anything else is refused.
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
                if is_ignored(character) {
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

/// White space, format characters that come along when text is copied, and hyphens.
pub(super) fn is_ignored(character: char) -> bool {
    character.is_whitespace()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
            | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}')
}

fn symbol(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(digit @ b'0'..=b'9') => Some(digit),
        Ok(letter) if letter.is_ascii_alphabetic() => Some(letter.to_ascii_uppercase()),
        _ => decimal_digit(character).map(|digit| b'0'.wrapping_add(digit)),
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
