//! The shape of imported backup codes: the alphabet, the length, and the separators of the hashed
//! text.

use crate::otp::Code;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// The exact shape of backup codes that another system issued.
///
/// The verifier compares a typed code with an imported set only if the code has this shape. White
/// space and hyphens in a typed code do not matter. The alphabet says whether the case matters:
///
/// | letters of the alphabet | a typed code |
/// |---|---|
/// | only lower case | counts as lower case |
/// | only upper case | counts as upper case |
/// | both cases | counts as typed: the case matters |
///
/// ```
/// use countersign::backup::CodeShape;
///
/// // Codes such as `0123-4567-89ab`, and hashes of the text with its hyphens.
/// let shape = CodeShape::new("0123456789abcdef", 12)?.with_groups(4, '-')?;
/// assert_eq!(shape.entropy_bits(), 48);
/// # Ok::<(), countersign::backup::CodeShapeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeShape {
    symbols: SymbolSet,
    length: u8,
    groups: Option<Groups>,
}

/// The separators of the hashed text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Groups {
    symbols: u8,
    separator: Separator,
}

/// The separators that [`Code::parse`] drops and that hashed texts have.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Separator {
    Hyphen,
    Space,
}

impl CodeShape {
    /// The shortest code, in symbols.
    pub const MIN_LENGTH: u8 = 6;

    /// The longest code, in symbols.
    #[expect(clippy::cast_possible_truncation, reason = "64 fits")]
    pub const MAX_LENGTH: u8 = Code::MAX_SYMBOLS as u8;

    /// Checks a shape.
    ///
    /// - `alphabet`: every ASCII letter and digit that a code can have, each once, in any order.
    /// - `length`: the number of symbols of each code without separators, 6 to 64.
    ///
    /// Six digits are the shape of a passcode. So this function refuses a shape of six symbols that
    /// has all ten digits or no letters.
    ///
    /// # Errors
    /// [`CodeShapeError`] says what is wrong.
    pub fn new(alphabet: &str, length: u8) -> Result<Self, CodeShapeError> {
        let mut symbols = SymbolSet(0);
        for byte in alphabet.bytes() {
            let bit = SymbolSet::bit(byte);
            if bit == 0 || symbols.0 & bit != 0 {
                return Err(CodeShapeError::Alphabet);
            }
            symbols.0 |= bit;
        }
        Self::of(symbols, length)
    }

    fn of(symbols: SymbolSet, length: u8) -> Result<Self, CodeShapeError> {
        if symbols.size() < 2 {
            return Err(CodeShapeError::TooFewSymbols);
        }
        if !(Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&length) {
            return Err(CodeShapeError::Length { length });
        }
        let has_letters = symbols.0 & (SymbolSet::UPPER | SymbolSet::LOWER) != 0;
        let has_all_digits = symbols.0 & SymbolSet::DIGITS == SymbolSet::DIGITS;
        if length == 6 && (has_all_digits || !has_letters) {
            return Err(CodeShapeError::SixDigits);
        }
        Ok(Self {
            symbols,
            length,
            groups: None,
        })
    }

    /// Says that the other system hashed each code with a separator between groups of `group`
    /// symbols.
    ///
    /// The separator is a hyphen or a space. Groups matter only for sets of hashes
    /// ([`ImportedCodes::hashed`](crate::backup::ImportedCodes::hashed)).
    ///
    /// # Errors
    /// [`CodeShapeError::Group`] if `group` is 0 or longer than the code;
    /// [`CodeShapeError::Separator`] for another separator.
    pub fn with_groups(self, group: u8, separator: char) -> Result<Self, CodeShapeError> {
        let separator = match separator {
            '-' => Separator::Hyphen,
            ' ' => Separator::Space,
            _ => return Err(CodeShapeError::Separator),
        };
        if group == 0 || group > self.length {
            return Err(CodeShapeError::Group {
                group,
                length: self.length,
            });
        }
        let symbols = group;
        Ok(Self {
            groups: Some(Groups { symbols, separator }),
            ..self
        })
    }

    /// Returns the same shape without groups.
    #[must_use]
    pub const fn without_groups(self) -> Self {
        Self {
            groups: None,
            ..self
        }
    }

    /// Returns the alphabet: digits, upper-case letters and lower-case letters, in this order.
    #[must_use]
    pub fn alphabet(&self) -> String {
        let symbols = b'0'..=b'z';
        symbols
            .filter(|symbol| self.symbols.contains(*symbol))
            .map(char::from)
            .collect()
    }

    /// Returns the number of symbols of a code, without separators: 6 to 64.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// Returns the number of symbols in a group of the hashed text, and the separator.
    #[must_use]
    pub fn groups(&self) -> Option<(u8, char)> {
        let Groups { symbols, separator } = self.groups?;
        Some((symbols, char::from(separator.byte())))
    }

    /// Returns the entropy of one code in bits, rounded down, if the other system chose all symbols
    /// at random: 48 for twelve hexadecimal digits.
    #[must_use]
    pub const fn entropy_bits(&self) -> u32 {
        let size = self.symbols.size() as u128;
        let mut space = 1_u128;
        let mut shifted = 0_u32;
        let mut place = 0;
        while place < self.length {
            space = space.saturating_mul(size);
            // Dropping low bits only rounds down, and the size has fewer than 7 bits.
            if space.ilog2() >= 120 {
                space >>= 32;
                shifted = shifted.saturating_add(32);
            }
            place = place.saturating_add(1);
        }
        space.ilog2().saturating_add(shifted)
    }

    /// Whether a typed code has this shape.
    pub(crate) fn matches(&self, code: &Code) -> bool {
        self.canonical(code).is_some()
    }

    /// Returns the symbols of a typed code in the case of the alphabet, if it has this shape.
    pub(super) fn canonical(&self, code: &Code) -> Option<Zeroizing<Vec<u8>>> {
        if code.symbol_count() != usize::from(self.length) {
            return None;
        }
        let has = |letters: u64| self.symbols.0 & letters != 0;
        let fold: fn(&u8) -> u8 = match (has(SymbolSet::UPPER), has(SymbolSet::LOWER)) {
            (true, false) => u8::to_ascii_uppercase,
            (false, true) => u8::to_ascii_lowercase,
            _ => |typed| *typed,
        };
        let mut symbols = Zeroizing::new(Vec::with_capacity(usize::from(self.length)));
        for typed in code.symbols() {
            let symbol = fold(typed);
            if !self.symbols.contains(symbol) {
                return None;
            }
            symbols.push(symbol);
        }
        Some(symbols)
    }

    /// Returns the text that the other system hashed for a typed code, if the code has this shape.
    pub(super) fn hashed_text(&self, code: &Code) -> Option<Zeroizing<Vec<u8>>> {
        let symbols = self.canonical(code)?;
        let Some(Groups {
            symbols: group,
            separator,
        }) = self.groups
        else {
            return Some(symbols);
        };
        let mut text = Zeroizing::new(Vec::with_capacity(self.hashed_bytes()));
        for (place, part) in symbols.chunks(usize::from(group)).enumerate() {
            if place != 0 {
                text.push(separator.byte());
            }
            text.extend_from_slice(part);
        }
        Some(text)
    }

    /// Returns the length of the text that the other system hashed, in bytes.
    pub(super) fn hashed_bytes(&self) -> usize {
        let separators = self.groups.map_or(0, |groups| {
            self.length.div_ceil(groups.symbols).saturating_sub(1)
        });
        usize::from(self.length).saturating_add(usize::from(separators))
    }

    /// Returns the alphabet as a number: bit 0 is the digit 0, bit 10 is A, bit 36 is a.
    pub(super) const fn symbol_bits(&self) -> u64 {
        self.symbols.0
    }

    /// Makes the shape whose alphabet is [`symbol_bits`](Self::symbol_bits).
    pub(super) fn from_symbol_bits(bits: u64, length: u8) -> Option<Self> {
        let known = SymbolSet::DIGITS | SymbolSet::UPPER | SymbolSet::LOWER;
        let symbols = (bits & !known == 0).then_some(SymbolSet(bits))?;
        Self::of(symbols, length).ok()
    }
}

impl fmt::Debug for CodeShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeShape")
            .field("alphabet", &self.alphabet())
            .field("length", &self.length)
            .field("groups", &self.groups())
            .finish()
    }
}

impl Separator {
    const fn byte(self) -> u8 {
        match self {
            Self::Hyphen => b'-',
            Self::Space => b' ',
        }
    }
}

/// A set of ASCII letters and digits, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct SymbolSet(u64);

impl SymbolSet {
    const DIGITS: u64 = (1 << 10) - 1;
    const UPPER: u64 = ((1 << 26) - 1) << 10;
    const LOWER: u64 = ((1 << 26) - 1) << 36;

    /// Returns the bit of a symbol, or 0 for a byte that is no letter and no digit.
    const fn bit(byte: u8) -> u64 {
        let place = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            b'A'..=b'Z' => byte.wrapping_sub(b'A').wrapping_add(10),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(36),
            _ => return 0,
        };
        1_u64.wrapping_shl(place as u32)
    }

    const fn contains(self, symbol: u8) -> bool {
        self.0 & Self::bit(symbol) != 0
    }

    const fn size(self) -> u32 {
        self.0.count_ones()
    }
}

/// The error for a shape of imported codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeShapeError {
    /// A character of the alphabet is neither an ASCII letter nor a digit, or appears twice.
    #[error(
        "the alphabet has a character twice, or one that is neither an ASCII letter nor a digit"
    )]
    Alphabet,
    /// The alphabet has fewer than two symbols.
    #[error("the alphabet has fewer than two symbols")]
    TooFewSymbols,
    /// The length is not from 6 to 64.
    #[error("the length is {length} symbols; use 6 to 64")]
    Length {
        /// The given length.
        length: u8,
    },
    /// A passcode of six digits has this shape.
    #[error("six digits are the shape of a passcode; issue new codes instead of importing these")]
    SixDigits,
    /// A group has no symbol, or is longer than the code.
    #[error("the group is {group} symbols; use 1 to {length}")]
    Group {
        /// The given group.
        group: u8,
        /// The length of the code.
        length: u8,
    },
    /// The separator is neither a hyphen nor a space.
    #[error("the separator is neither a hyphen nor a space")]
    Separator,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::format;
    use std::string::ToString;

    const HEX: &str = "0123456789abcdef";
    const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    fn shape(alphabet: &str, length: u8) -> CodeShape {
        CodeShape::new(alphabet, length).unwrap()
    }

    fn canonical(shape: CodeShape, typed: &str) -> Option<String> {
        let symbols = shape.canonical(&Code::parse(typed).unwrap())?;
        Some(String::from_utf8(symbols.to_vec()).unwrap())
    }

    #[test]
    fn the_alphabet_decides_the_case() {
        let lower = shape(HEX, 8);
        assert_eq!(canonical(lower, "ABCD-Ef01").as_deref(), Some("abcdef01"));
        let upper = shape("0123456789ABCDEF", 8);
        assert_eq!(canonical(upper, "abcd ef01").as_deref(), Some("ABCDEF01"));
        let both = shape(BASE62, 8);
        assert_eq!(canonical(both, "abCD-Ef01").as_deref(), Some("abCDEf01"));
        let digits = shape("0123456789", 8);
        assert_eq!(canonical(digits, "1234567a"), None);
    }

    #[test]
    fn other_lengths_and_symbols_do_not_fit() {
        let shape = shape(HEX, 8);
        for typed in ["0123456", "012345678", "0123456g", "0123456G"] {
            assert_eq!(canonical(shape, typed), None, "{typed}");
        }
        assert_eq!(
            canonical(shape, "\u{ff10}1234567").as_deref(),
            Some("01234567")
        );
    }

    #[test]
    fn a_shape_that_fits_passcodes_is_refused() {
        for alphabet in ["0123456789", "23456789", HEX, BASE62] {
            let refused = CodeShape::new(alphabet, 6);
            assert_eq!(refused, Err(CodeShapeError::SixDigits), "{alphabet}");
            assert!(CodeShape::new(alphabet, 7).is_ok(), "{alphabet}");
        }
        assert!(CodeShape::new("abcdef", 6).is_ok());
        assert!(CodeShape::new("abcdef23456789", 6).is_ok());
    }

    #[test]
    fn shapes_out_of_bounds_are_refused() {
        for alphabet in ["0123-", "01\u{e9}", "aa", "0 1"] {
            let refused = CodeShape::new(alphabet, 8);
            assert_eq!(refused, Err(CodeShapeError::Alphabet), "{alphabet}");
        }
        for alphabet in ["", "0"] {
            let refused = CodeShape::new(alphabet, 8);
            assert_eq!(refused, Err(CodeShapeError::TooFewSymbols), "{alphabet}");
        }
        for length in [0, 5, 65, u8::MAX] {
            let refused = CodeShape::new(HEX, length);
            assert_eq!(refused, Err(CodeShapeError::Length { length }));
        }
        let shape = shape(HEX, 8);
        for group in [0, 9] {
            let refused = shape.with_groups(group, '-');
            assert_eq!(refused, Err(CodeShapeError::Group { group, length: 8 }));
        }
        for separator in ['_', '0', '\u{2010}', '\0'] {
            let refused = shape.with_groups(4, separator);
            assert_eq!(refused, Err(CodeShapeError::Separator), "{separator:?}");
        }
    }

    #[test]
    fn the_hashed_text_has_separators_between_groups() {
        let text = |group, separator| {
            let shape = shape(HEX, 10).with_groups(group, separator).unwrap();
            let text = shape.hashed_text(&Code::parse("01234 56789").unwrap());
            let text = text.unwrap();
            assert_eq!(text.len(), shape.hashed_bytes());
            assert_eq!(text.capacity(), text.len());
            String::from_utf8(text.to_vec()).unwrap()
        };
        assert_eq!(text(5, '-'), "01234-56789");
        assert_eq!(text(4, ' '), "0123 4567 89");
        assert_eq!(text(10, '-'), "0123456789");
        assert_eq!(text(1, '-'), "0-1-2-3-4-5-6-7-8-9");
    }

    #[test]
    fn entropy_is_rounded_down() {
        for (alphabet, length, bits) in [
            ("0123456789", 8, 26),
            (HEX, 16, 64),
            (HEX, 64, 256),
            ("01", 64, 64),
            (BASE62, 10, 59),
            (BASE62, 11, 65),
            (BASE62, 64, 381),
            ("abcdefghijklmnopqrstuvwxyz234567", 8, 40),
        ] {
            let shape = shape(alphabet, length);
            assert_eq!(shape.entropy_bits(), bits, "{shape:?}");
        }
    }

    #[test]
    fn debug_shows_the_alphabet() {
        let shape = shape("fedcba", 8).with_groups(4, '-').unwrap();
        let shown = format!("{shape:?}");
        let expected = r#"CodeShape { alphabet: "abcdef", length: 8, groups: Some((4, '-')) }"#;
        assert_eq!(shown, expected);
        assert_eq!(
            CodeShapeError::Length { length: 5 }.to_string(),
            "the length is 5 symbols; use 6 to 64"
        );
    }

    proptest! {
        #[test]
        fn exactly_the_codes_of_the_alphabet_fit(
            bits in 0_u64..1 << 62,
            length in 7_u8..=64,
            typed in "[0-9A-Za-z]{7,64}",
        ) {
            let Some(shape) = CodeShape::from_symbol_bits(bits, length) else {
                return Err(TestCaseError::reject("fewer than two symbols"));
            };
            let alphabet = shape.alphabet();
            prop_assert_eq!(CodeShape::new(&alphabet, length), Ok(shape));
            prop_assert_eq!(shape.symbol_bits(), bits);
            prop_assert_eq!(alphabet.len(), bits.count_ones() as usize);

            let lower = alphabet.bytes().any(|byte| byte.is_ascii_lowercase());
            let upper = alphabet.bytes().any(|byte| byte.is_ascii_uppercase());
            let folded = match (upper, lower) {
                (true, false) => typed.to_uppercase(),
                (false, true) => typed.to_lowercase(),
                _ => typed.clone(),
            };
            let fits = typed.len() == usize::from(length)
                && folded.chars().all(|symbol| alphabet.contains(symbol));
            prop_assert_eq!(canonical(shape, &typed), fits.then_some(folded));
        }

        #[test]
        fn every_code_of_a_shape_fits_in_any_spelling(
            bits in 0_u64..1 << 62,
            places in prop::collection::vec(any::<prop::sample::Index>(), 7..=64),
            group in 1_usize..8,
        ) {
            let length = u8::try_from(places.len()).unwrap();
            let Some(shape) = CodeShape::from_symbol_bits(bits, length) else {
                return Err(TestCaseError::reject("fewer than two symbols"));
            };
            let alphabet: Vec<char> = shape.alphabet().chars().collect();
            let code: String = places.iter().map(|place| *place.get(&alphabet)).collect();
            let parts: Vec<&[u8]> = code.as_bytes().chunks(group).collect();
            let spaced = String::from_utf8(parts.join(&b' ')).unwrap();
            prop_assert_eq!(canonical(shape, &spaced), Some(code));
        }
    }
}
