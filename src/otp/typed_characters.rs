//! Which symbol each typed character stands for, in codes and in setup keys.

/// Returns the ASCII digit or upper-case letter that a character stands for.
///
/// The character can be that symbol itself, its lower-case or full-width form, or a decimal digit
/// of any script.
#[cfg(feature = "alloc")]
#[inline]
pub(super) fn symbol(character: char) -> Option<u8> {
    symbol_as_typed(character).map(|symbol| symbol.to_ascii_uppercase())
}

/// Like [`symbol`], but a lower-case letter stands for the lower-case letter.
#[inline]
pub(super) fn symbol_as_typed(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(symbol) if symbol.is_ascii_alphanumeric() => Some(symbol),
        _ => full_width_letter(character)
            .or_else(|| decimal_digit(character).map(|digit| b'0'.wrapping_add(digit))),
    }
}

/// Returns the ASCII letter of the same case that a full-width letter stands for.
fn full_width_letter(character: char) -> Option<u8> {
    let (first, ascii) = match character {
        '\u{ff21}'..='\u{ff3a}' => (0xff21, b'A'),
        '\u{ff41}'..='\u{ff5a}' => (0xff41, b'a'),
        _ => return None,
    };
    let letter = u32::from(character).wrapping_sub(first);
    u8::try_from(letter)
        .ok()
        .map(|letter| ascii.wrapping_add(letter))
}

/// Returns the value of a decimal digit (general category Nd); `None` for any other character.
fn decimal_digit(character: char) -> Option<u8> {
    let at = ZEROS
        .partition_point(|zero| *zero <= character)
        .checked_sub(1)?;
    let zero = u32::from(*ZEROS.get(at)?);
    let value = u32::from(character).checked_sub(zero)?;
    u8::try_from(value).ok().filter(|value| *value < 10)
}

/// Whether a character separates groups: white space and hyphens.
pub(super) fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
        )
}

/// Whether a character is invisible: the Unicode property `Default_Ignorable_Code_Point`.
///
/// Invisible characters come along when users copy text. The property includes all zero-width
/// characters, direction marks and variation selectors.
pub(crate) fn is_invisible(character: char) -> bool {
    let at = DEFAULT_IGNORABLE.partition_point(|(_, last)| *last < character);
    DEFAULT_IGNORABLE
        .get(at)
        .is_some_and(|(first, _)| *first <= character)
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

/// The ranges of `Default_Ignorable_Code_Point` in Unicode 18.0.0: first and last, in order.
///
/// `tests/data/default_ignorable.mjs` prints this table.
const DEFAULT_IGNORABLE: [(char, char); 17] = [
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
mod tests {
    use super::*;
    use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace};
    use icu_properties::{CodePointMapData, CodePointSetData};

    #[test]
    fn invisible_characters_match_another_unicode_table() {
        let property = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        for character in '\0'..=char::MAX {
            let expected = property.contains(character);
            assert_eq!(is_invisible(character), expected, "{character:?}");
        }
    }

    #[test]
    fn decimal_digits_match_another_unicode_table() {
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
        for (wide, ascii) in ('\u{ff41}'..='\u{ff5a}').zip(b'a'..=b'z') {
            assert_eq!(symbol_as_typed(wide), Some(ascii), "{wide:?}");
            assert_eq!(symbol(wide), Some(ascii.to_ascii_uppercase()), "{wide:?}");
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

    #[test]
    fn each_set_counts_from_zero_to_nine() {
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
    fn decimal_digits_are_numeric_for_the_standard_library() {
        for character in ('\0'..=char::MAX).filter(|c| decimal_digit(*c).is_some()) {
            assert!(character.is_numeric(), "{character:?}");
        }
        for other in ['²', '½', '①', 'Ⅷ', '三', 'A', '-'] {
            assert_eq!(decimal_digit(other), None, "{other:?}");
        }
    }
}
