//! Typed keys and codes: the cases of `tests/data/typed.json`, which other implementations can use.

use super::*;
use countersign::otp::{Secret, SecretError};
use serde_json::Value;

fn cases(list: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../data/typed.json")).unwrap();
    all[list].as_array().unwrap().clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn typed_keys_are_read_as_meant() {
    for case in cases("keys_accepted_as") {
        let (typed, key) = (text(&case[0]), text(&case[1]));
        let secret = Secret::from_typed_base32_with_minimum(typed, 80).unwrap();
        assert_eq!(secret.to_base32().expose(), key, "{typed:?}");
    }
}

#[test]
fn the_error_names_the_wrong_character() {
    for case in cases("key_errors") {
        let typed = text(&case["typed"]);
        let error = Secret::from_typed_base32(typed).unwrap_err();
        let expected = SecretError::TypedCharacter {
            position: case["position"].as_u64().unwrap().try_into().unwrap(),
            character: text(&case["character"]).parse().unwrap(),
        };
        assert_eq!(error, expected, "{typed:?}");
        assert_eq!(error.to_string(), text(&case["message"]), "{typed:?}");
    }
}

#[test]
fn codes_with_other_characters_are_refused() {
    for case in cases("codes_refused") {
        let error = Code::parse(text(&case)).unwrap_err();
        assert_eq!(error, CodeError::Character, "{case}");
    }
}

#[test]
fn typed_key_length_is_checked_before_parsing() {
    let most = Secret::MAX_TYPED_BYTES;
    let read = |bytes: usize| Secret::from_typed_base32(&"!".repeat(bytes)).unwrap_err();
    let first = SecretError::TypedCharacter {
        position: 1,
        character: '!',
    };
    assert_eq!(read(most), first);
    for bytes in [most + 1, 10_000_000] {
        assert_eq!(read(bytes), SecretError::TooLong { bytes });
    }
}

#[test]
fn base32_length_is_checked_before_decoding() {
    let read = |symbols: usize| Secret::from_base32(&"!".repeat(symbols)).unwrap_err();
    assert_eq!(read(1_639), SecretError::Base32Symbol { position: 0 });
    assert_eq!(read(1_640), SecretError::TooLong { bytes: 1_025 });
    assert_eq!(read(10_000_000), SecretError::TooLong { bytes: 6_250_000 });
}

#[test]
fn the_longest_typed_key_is_read() {
    let secret = Secret::from_bytes(&[0xa5; Secret::MAX_BYTES]).unwrap();
    let wide = |c: char| match c {
        ' ' => '\u{3000}',
        symbol => char::from_u32(u32::from(symbol) + 0xfee0).unwrap(),
    };
    let grouped = secret.to_base32_grouped();
    let typed: String = grouped.expose().chars().map(wide).collect();
    let spaced: String = typed.chars().flat_map(|c| [c, '\u{3000}']).collect();
    for typed in [grouped.expose(), &typed, &spaced] {
        let read = Secret::from_typed_base32(typed).unwrap();
        assert_eq!(read.expose(), secret.expose());
    }
    let longer = format!("{}{}", secret.to_base32().expose(), "A");
    assert_eq!(
        Secret::from_typed_base32(&longer).unwrap_err(),
        SecretError::TooLong { bytes: 1_025 }
    );
}
