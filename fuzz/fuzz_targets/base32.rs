//! Any text as a secret: refused, or read as what it is written as again.
#![no_main]

use countersign::Secret;
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(Debug, arbitrary::Arbitrary)]
enum Input<'a> {
    Text(&'a str),
    /// Base32 of these bytes, with characters put over it at places.
    Damaged(&'a [u8], Vec<(u16, char)>),
}

fuzz_target!(|input: Input<'_>| {
    let text = match input {
        Input::Text(text) => text.to_owned(),
        Input::Damaged(bytes, damage) => {
            let Ok(secret) = Secret::from_bytes_with_minimum(bytes, 8) else {
                return;
            };
            let mut text: Vec<char> = secret.to_base32().expose().chars().collect();
            for (place, character) in damage {
                if let Some(place) = text.get_mut(usize::from(place)) {
                    *place = character;
                }
            }
            text.into_iter().collect()
        }
    };
    let typed = Secret::from_typed_base32_with_minimum(&text, 8);
    if let Ok(strict) = Secret::from_base32_with_minimum(&text, 8) {
        assert_eq!(strict.to_base32().expose(), text);
        assert_eq!(
            typed.as_ref().map(Secret::expose).ok(),
            Some(strict.expose())
        );
    }
    if let Ok(typed) = typed {
        let grouped = typed.to_base32_grouped();
        let again = Secret::from_typed_base32_with_minimum(grouped.expose(), 8);
        assert_eq!(
            again.as_ref().map(Secret::expose).ok(),
            Some(typed.expose())
        );
    }
});
