//! Any text as a secret. The text is refused, or the written secret reads back the same.

use arbitrary::Arbitrary;
use countersign::otp::{Secret, SecretError};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Text(&'a str),
    /// Base32 of bytes, with some characters replaced.
    Damaged(Vec<(u16, char)>, &'a [u8]),
}

pub(super) fn run(input: &[u8]) {
    match super::read(input) {
        None => {}
        Some(Input::Text(text)) => check(text),
        Some(Input::Damaged(damage, bytes)) => {
            let Ok(secret) = Secret::from_bytes_with_minimum(bytes, 8) else {
                return;
            };
            let mut text: Vec<char> = secret.to_base32().expose().chars().collect();
            for (index, character) in damage {
                if let Some(symbol) = text.get_mut(usize::from(index)) {
                    *symbol = character;
                }
            }
            check(&text.into_iter().collect::<String>());
        }
    }
}

fn check(text: &str) {
    let typed = Secret::from_typed_base32_with_minimum(text, 8);
    if let Ok(strict) = Secret::from_base32_with_minimum(text, 8) {
        assert_eq!(strict.to_base32().expose(), text);
        let typed = typed.as_ref().expect("strict base32 can be typed");
        assert_eq!(typed.expose(), strict.expose());
    }
    let typed = match typed {
        Ok(typed) => typed,
        Err(error) => return check_error(text, error),
    };
    let again = Secret::from_base32_with_minimum(typed.to_base32().expose(), 8);
    assert_eq!(again.expect("the written secret").expose(), typed.expose());
    let grouped = typed.to_base32_grouped();
    let wide: String = grouped.expose().chars().map(full_width).collect();
    for grouped in [grouped.expose(), &wide] {
        let again = Secret::from_typed_base32_with_minimum(grouped, 8);
        assert_eq!(again.expect("the grouped secret").expose(), typed.expose());
    }
    // The default minimum affects only the length of a secret.
    assert_eq!(
        Secret::from_typed_base32(text).is_ok(),
        typed.bits() >= Secret::MINIMUM_BITS
    );
}

fn full_width(character: char) -> char {
    match u32::from(character) {
        0x20 => '\u{3000}',
        ascii => char::from_u32(ascii + 0xfee0).expect("a full-width form"),
    }
}

fn check_error(text: &str, error: SecretError) {
    match error {
        SecretError::TypedCharacter {
            position,
            character,
        } => {
            let before = text.chars().take_while(|c| *c != character).count();
            let all = text.chars().count();
            assert!(before < all && (1..=all).contains(&position));
        }
        SecretError::TooLong { bytes } => assert!(bytes > Secret::MAX_BYTES),
        _ => assert!(text.len() <= Secret::MAX_TYPED_BYTES),
    }
}
