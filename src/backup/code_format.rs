//! The format of backup codes: alphabet, length, groups and number of codes.

use crate::otp::Code;
use alloc::vec::Vec;
use subtle::ConstantTimeGreater;
use zeroize::Zeroizing;

/// The format of a set of backup codes: the symbols, the length and groups of a code, and the
/// number of codes.
///
/// The default is ten codes of eight digits, such as `1234 5678`. This default suits look-up
/// secrets with a rate limit (NIST SP 800-63B 3.1.2), such as the rate limit of `Verifier`. A saved
/// recovery code that replaces every other factor needs 64 bits (NIST SP 800-63B 4.2.1.1): use
/// [`BITS_64`](Self::BITS_64).
///
/// ```
/// use countersign::backup::{Alphabet, CodeFormat};
///
/// assert_eq!(CodeFormat::default().entropy_bits(), 26);
///
/// let format = CodeFormat::new(Alphabet::Unambiguous, 12, 4, 16)?;
/// assert_eq!(format.entropy_bits(), 60);
/// # Ok::<(), countersign::backup::CodeFormatError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeFormat {
    alphabet: Alphabet,
    length: u8,
    group: u8,
    count: u8,
}

impl CodeFormat {
    /// Ten codes of 13 unambiguous symbols, as `XXXXX XXXXX XXX`.
    ///
    /// Each code has at least 64 bits, which NIST SP 800-63B 4.2.1.1 requires for saved recovery
    /// codes.
    pub const BITS_64: Self = Self {
        alphabet: Alphabet::Unambiguous,
        length: 13,
        group: 5,
        count: 10,
    };

    /// Ten codes of 23 unambiguous symbols, as `XXXXXX XXXXXX XXXXXX XXXXX`.
    ///
    /// Each code has at least 112 bits. An attacker cannot search that many codes, whatever the
    /// hash (NIST SP 800-63B 3.1.2.2).
    pub const BITS_112: Self = Self {
        alphabet: Alphabet::Unambiguous,
        length: 23,
        group: 6,
        count: 10,
    };

    /// Checks a format.
    ///
    /// - `length`: the number of symbols in a code, 6 to 32. NIST SP 800-63B 3.1.2.1 and OWASP ASVS
    ///   6.5.4 require at least six digits, about 20 bits.
    /// - `group`: the number of symbols before a space, or 0 for no spaces.
    /// - `count`: the number of codes, 1 to 100.
    ///
    /// # Errors
    /// [`CodeFormatError`] names the field that is out of bounds.
    pub const fn new(
        alphabet: Alphabet,
        length: u8,
        group: u8,
        count: u8,
    ) -> Result<Self, CodeFormatError> {
        if length < 6 || length > Self::MAX_LENGTH {
            return Err(CodeFormatError::Length { length });
        }
        if group > length {
            return Err(CodeFormatError::Group { group, length });
        }
        if count == 0 || count > 100 {
            return Err(CodeFormatError::Count { count });
        }
        Ok(Self {
            alphabet,
            length,
            group,
            count,
        })
    }

    /// Returns the alphabet of the codes.
    #[must_use]
    pub const fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// Returns the number of symbols in a code, without spaces: 6 to 32.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Returns the number of symbols before a space; 0 means no spaces.
    #[must_use]
    pub const fn group(&self) -> u8 {
        self.group
    }

    /// Returns the number of codes in a set: 1 to 100.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Returns the entropy of one code in bits, rounded down: 26 for eight digits (26.6).
    #[must_use]
    pub const fn entropy_bits(&self) -> u32 {
        match self.alphabet {
            Alphabet::Digits => self.space().ilog2(),
            Alphabet::Unambiguous => 5_u32.saturating_mul(self.length as u32),
        }
    }

    /// Returns the number of possible codes, at most `u128::MAX`.
    pub(crate) const fn space(&self) -> u128 {
        (self.alphabet.size() as u128).saturating_pow(self.length as u32)
    }

    /// Whether a typed code has the length and the symbols of this format.
    pub(crate) fn matches_shape(&self, code: &Code) -> bool {
        self.canonical(code).is_some()
    }

    /// Returns the canonical symbols of a typed code, if it has the shape of this format.
    pub(super) fn canonical(&self, code: &Code) -> Option<Zeroizing<Vec<u8>>> {
        if code.symbol_count() != usize::from(self.length) {
            return None;
        }
        let mut symbols = Zeroizing::new(Vec::with_capacity(usize::from(self.length)));
        for typed in code.symbols() {
            symbols.push(self.alphabet.canonical(typed.to_ascii_uppercase())?);
        }
        Some(symbols)
    }

    /// Whether a space precedes the symbol at this place, counted from 0.
    pub(super) fn space_before(&self, place: u8) -> bool {
        place != 0 && place.checked_rem(self.group) == Some(0)
    }

    /// The length of the longest code, in symbols.
    pub(super) const MAX_LENGTH: u8 = 32;
}

impl Default for CodeFormat {
    fn default() -> Self {
        Self {
            alphabet: Alphabet::Digits,
            length: 8,
            group: 4,
            count: 10,
        }
    }
}

/// The error for a format that is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeFormatError {
    /// The length is not from 6 to 32.
    #[error("the length is {length} symbols; use 6 to 32")]
    Length {
        /// The given length.
        length: u8,
    },
    /// A group is longer than the code.
    #[error("the group is {group} symbols; the code has only {length}")]
    Group {
        /// The given group.
        group: u8,
        /// The length of the code.
        length: u8,
    },
    /// The count is not from 1 to 100.
    #[error("the count is {count} codes; use 1 to 100")]
    Count {
        /// The given count.
        count: u8,
    },
}

/// The symbols of backup codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alphabet {
    /// The ten decimal digits. They are easy to type on any keyboard, in any script.
    #[default]
    Digits,
    /// Ten digits and 22 letters, without I, L, O and U (Crockford's base 32).
    ///
    /// Each symbol has more bits than a digit. A typed O counts as 0, a typed I or L as 1, and
    /// lower case as upper case. Do not give the input field `inputmode="numeric"`: phones then
    /// show no letters.
    Unambiguous,
}

impl Alphabet {
    /// Returns the number of symbols: 10 or 32.
    pub(super) const fn size(self) -> u8 {
        match self {
            Self::Digits => 10,
            Self::Unambiguous => 32,
        }
    }

    /// Returns the symbol of a random byte, or `None` if the caller needs another byte.
    ///
    /// Each symbol has the same number of bytes. No branch and no address depends on a byte that is
    /// used.
    pub(super) fn symbol(self, random: u8) -> Option<u8> {
        match self {
            Self::Digits => (random < 250).then(|| b'0'.wrapping_add(random % 10)),
            Self::Unambiguous => Some(unambiguous(random % 32)),
        }
    }

    /// Returns the symbol of the alphabet that a typed ASCII digit or upper-case letter counts as.
    pub(super) fn canonical(self, typed: u8) -> Option<u8> {
        match (self, typed) {
            (_, b'0'..=b'9') => Some(typed),
            (Self::Digits, _) | (Self::Unambiguous, b'U') => None,
            (Self::Unambiguous, b'O') => Some(b'0'),
            (Self::Unambiguous, b'I' | b'L') => Some(b'1'),
            (Self::Unambiguous, _) => typed.is_ascii_uppercase().then_some(typed),
        }
    }
}

/// Returns the symbol with a value below 32, computed from its place in ASCII. Reading a table
/// would use an address that depends on the code.
fn unambiguous(value: u8) -> u8 {
    let over = |limit: u8| value.ct_gt(&limit).unwrap_u8();
    let punctuation = over(9).wrapping_mul(7);
    let left_out = [over(17), over(19), over(21), over(26)]
        .into_iter()
        .fold(0_u8, u8::wrapping_add);
    b'0'.wrapping_add(value)
        .wrapping_add(punctuation)
        .wrapping_add(left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn typed(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    #[test]
    fn constants_pass_the_checks() {
        for format in [
            CodeFormat::default(),
            CodeFormat::BITS_64,
            CodeFormat::BITS_112,
        ] {
            let checked = CodeFormat::new(
                format.alphabet(),
                format.length(),
                format.group(),
                format.count(),
            );
            assert_eq!(checked, Ok(format));
        }
    }

    #[test]
    fn space_counts_codes_up_to_the_maximum() {
        let space = |alphabet, length| CodeFormat::new(alphabet, length, 0, 1).unwrap().space();
        assert_eq!(space(Alphabet::Digits, 6), 1_000_000);
        assert_eq!(space(Alphabet::Digits, 8), 100_000_000);
        assert_eq!(space(Alphabet::Digits, 32), 10_u128.pow(32));
        assert_eq!(space(Alphabet::Unambiguous, 13), 1 << 65);
        assert_eq!(space(Alphabet::Unambiguous, 25), 1 << 125);
        assert_eq!(space(Alphabet::Unambiguous, 26), u128::MAX);
    }

    #[test]
    fn shape_depends_on_length_and_symbols() {
        let digits = CodeFormat::default();
        assert!(digits.matches_shape(&typed("1234 5678")));
        assert!(digits.matches_shape(&typed("12345678")));
        assert!(!digits.matches_shape(&typed("1234567")));
        assert!(!digits.matches_shape(&typed("123456789")));
        assert!(!digits.matches_shape(&typed("1234567O")));

        let letters = CodeFormat::BITS_64;
        assert!(letters.matches_shape(&typed("abcde-fghjk-mnp")));
        assert!(letters.matches_shape(&typed("1234567890123")));
        assert!(letters.matches_shape(&typed("oiloiloiloilo")));
        assert!(!letters.matches_shape(&typed("ABCDEFGHJKMNU")));
        assert!(!letters.matches_shape(&typed("ABCDEFGHJKMN")));
    }

    #[test]
    fn unambiguous_symbols_are_crockfords() {
        let symbols: Vec<u8> = (0..32).map(unambiguous).collect();
        assert_eq!(symbols, b"0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    }

    #[test]
    fn every_symbol_has_equally_many_bytes() {
        for (alphabet, bytes_each) in [(Alphabet::Digits, 25), (Alphabet::Unambiguous, 8)] {
            let mut counts = [0; 256];
            for symbol in (0..=255).filter_map(|random| alphabet.symbol(random)) {
                counts[usize::from(symbol)] += 1;
            }
            let used: Vec<i32> = counts.into_iter().filter(|count| *count > 0).collect();
            assert_eq!(
                used,
                vec![bytes_each; usize::from(alphabet.size())],
                "{alphabet:?}"
            );
        }
    }

    #[test]
    fn generated_symbols_are_canonical() {
        for alphabet in [Alphabet::Digits, Alphabet::Unambiguous] {
            for symbol in (0..=255).filter_map(|random| alphabet.symbol(random)) {
                assert_eq!(alphabet.canonical(symbol), Some(symbol));
            }
        }
    }

    #[test]
    fn look_alike_letters_count_as_digits() {
        let typed = |symbol| Alphabet::Unambiguous.canonical(symbol);
        assert_eq!(typed(b'O'), Some(b'0'));
        assert_eq!(typed(b'I'), Some(b'1'));
        assert_eq!(typed(b'L'), Some(b'1'));
        assert_eq!(typed(b'U'), None);
        assert_eq!(Alphabet::Digits.canonical(b'O'), None);
        assert_eq!(Alphabet::Digits.canonical(b'A'), None);
    }
}
