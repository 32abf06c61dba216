//! Any text as a secret: refused, or read as what it is written as again.

use arbitrary::Arbitrary;
use countersign::Secret;

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Text(&'a str),
    /// Base32 of bytes, with characters put over it at places.
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
            for (place, character) in damage {
                if let Some(place) = text.get_mut(usize::from(place)) {
                    *place = character;
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
        let typed = typed.as_ref().expect("what is strict can be typed");
        assert_eq!(typed.expose(), strict.expose());
    }
    let Ok(typed) = typed else { return };
    let again = Secret::from_base32_with_minimum(typed.to_base32().expose(), 8);
    assert_eq!(again.expect("what is written").expose(), typed.expose());
    let grouped = typed.to_base32_grouped();
    let again = Secret::from_typed_base32_with_minimum(grouped.expose(), 8);
    assert_eq!(again.expect("what is grouped").expose(), typed.expose());
    // The default minimum changes nothing but how short a secret may be.
    assert_eq!(
        Secret::from_typed_base32(text).is_ok(),
        typed.bits() >= Secret::MINIMUM_BITS
    );
}
