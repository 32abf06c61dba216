//! What the characters that people type stand for, in codes and in keys alike.

use super::decimal::decimal_digit;
use super::default_ignorable::RANGES;

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

#[cfg(test)]
mod tests {
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
