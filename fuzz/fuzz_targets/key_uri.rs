//! Any text as a key URI, and key URIs that were damaged: refused, or read as what it is written as again.
#![no_main]

use countersign::{Algorithm, Digits, KeyUri, Repair, Secret};
use libfuzzer_sys::{arbitrary, fuzz_target};

#[derive(Debug, arbitrary::Arbitrary)]
enum Input<'a> {
    Text(&'a str),
    /// What stands behind the `otpauth://totp/`.
    Rest(&'a str),
    Built(Built<'a>, Vec<(u16, Damage<'a>)>),
}

#[derive(Debug, arbitrary::Arbitrary)]
struct Built<'a> {
    secret: &'a [u8],
    account: &'a str,
    issuer: Option<&'a str>,
    counter: Option<u64>,
    algorithm: u8,
    digits: u8,
}

#[derive(Debug, arbitrary::Arbitrary)]
enum Damage<'a> {
    Cut,
    Insert(&'a str),
}

fn build(parts: &Built<'_>) -> Option<KeyUri> {
    let secret = Secret::from_bytes_with_minimum(parts.secret, 8).ok()?;
    let builder = match parts.counter {
        None => KeyUri::totp(&secret, parts.account),
        Some(counter) => KeyUri::hotp(&secret, parts.account, counter),
    };
    let algorithm = match parts.algorithm % 3 {
        0 => Algorithm::Sha1,
        1 => Algorithm::Sha256,
        _ => Algorithm::Sha512,
    };
    let builder = builder
        .algorithm(algorithm)
        .digits(Digits::new(parts.digits % 3 + 6).ok()?);
    let builder = match parts.issuer {
        None => builder,
        Some(issuer) => builder.issuer(issuer),
    };
    builder.build().ok()
}

/// Reads in both ways; what was read is written as a URI that the strict reader takes.
fn check(text: &str) {
    let lenient = KeyUri::parse_lenient(text);
    if let Ok(strict) = KeyUri::parse_with_minimum(text, 8) {
        let lenient = lenient.as_ref().expect("lenient takes what strict takes");
        let is_short = |repair: &Repair| matches!(repair, Repair::SecretShort { .. });
        assert!(
            lenient.repairs.iter().all(is_short),
            "{:?}",
            lenient.repairs
        );
        assert_same(&lenient.uri, &strict);
    }
    if let Ok(lenient) = lenient {
        let written = lenient.uri.to_secret_text();
        let again =
            KeyUri::parse_with_minimum(written.expose(), 8).expect("strict takes what is written");
        assert_same(&again, &lenient.uri);
    }
}

fn assert_same(one: &KeyUri, two: &KeyUri) {
    assert_eq!(one.to_secret_text().expose(), two.to_secret_text().expose());
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Text(text) => check(text),
        Input::Rest(rest) => check(&format!("otpauth://totp/{rest}")),
        Input::Built(parts, damage) => {
            let Some(uri) = build(&parts) else { return };
            let mut text = uri.to_secret_text().expose().to_owned();
            let read = KeyUri::parse_with_minimum(&text, 8).expect("strict takes what is built");
            assert_same(&read, &uri);
            for (place, damage) in damage {
                let place = usize::from(place);
                if text.is_char_boundary(place) {
                    match damage {
                        Damage::Cut => text.truncate(place),
                        Damage::Insert(inserted) => text.insert_str(place, inserted),
                    }
                }
            }
            check(&text);
        }
    }
});
