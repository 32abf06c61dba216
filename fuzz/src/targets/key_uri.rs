//! Any text and damaged URIs as a key URI. The text is refused, or the written URI reads back the
//! same. Names with colons are read back by the lenient reader, because only that reader accepts
//! them.

use arbitrary::Arbitrary;
use countersign::otp::{Algorithm, Digits, Period, Secret};
use countersign::uri::{KeyUri, KeyUriError, Repair};

#[derive(Debug, Arbitrary)]
enum Input<'a> {
    Text(&'a str),
    /// The text after `otpauth://totp/`.
    Rest(&'a str),
    Built(Vec<(u16, Damage<'a>)>, Built<'a>),
}

#[derive(Debug, Arbitrary)]
struct Built<'a> {
    counter: Option<u64>,
    period: Option<u64>,
    algorithm: u8,
    digits: u8,
    secret: &'a [u8],
    /// The issuer. Text before a vertical line is the prefix.
    issuer: Option<&'a str>,
    image: Option<&'a str>,
    account: &'a str,
}

#[derive(Debug, Arbitrary)]
enum Damage<'a> {
    Cut,
    Insert(&'a str),
}

pub(super) fn run(input: &[u8]) {
    match super::read(input) {
        None => {}
        Some(Input::Text(text)) => check(text),
        Some(Input::Rest(rest)) => check(&format!("otpauth://totp/{rest}")),
        Some(Input::Built(damage, parts)) => {
            let Some(uri) = build(&parts) else { return };
            let mut text = uri.to_secret_text().expose().to_owned();
            let read = KeyUri::parse_with_minimum(&text, 8)
                .expect("the strict reader accepts what was built");
            assert_same(&read, &uri);
            for (index, damage) in damage {
                let index = usize::from(index);
                if text.is_char_boundary(index) {
                    match damage {
                        Damage::Cut => text.truncate(index),
                        Damage::Insert(inserted) => text.insert_str(index, inserted),
                    }
                }
            }
            check(&text);
        }
    }
}

fn build(parts: &Built<'_>) -> Option<KeyUri> {
    let secret = Secret::from_bytes_with_minimum(parts.secret, 8).ok()?;
    let mut builder = match parts.counter {
        None => KeyUri::totp(&secret, parts.account),
        Some(counter) => KeyUri::hotp(&secret, parts.account, counter),
    };
    builder = builder
        .algorithm(match parts.algorithm % 3 {
            0 => Algorithm::Sha1,
            1 => Algorithm::Sha256,
            _ => Algorithm::Sha512,
        })
        .digits(Digits::new(parts.digits % 3 + 6).ok()?);
    if let Some(period) = parts.period {
        builder = builder.period(Period::from_secs(period).ok()?);
    }
    builder = match parts.issuer.map(|issuer| (issuer, issuer.split_once('|'))) {
        Some((_, Some((prefix, issuer)))) => builder.issuer(issuer).issuer_prefix(prefix),
        Some((issuer, None)) => builder.issuer(issuer),
        None => builder,
    };
    if let Some(image) = parts.image {
        builder = builder.image(image);
    }
    builder.build().map_err(describe).ok()
}

/// Reads the text with both readers. A URI that was read must be readable again after writing.
fn check(text: &str) {
    let lenient = KeyUri::parse_lenient(text).inspect_err(|error| describe(*error));
    match KeyUri::parse_with_minimum(text, 8).map_err(describe) {
        Ok(strict) => match &lenient {
            Ok(lenient) => {
                let is_short = |repair: &Repair| matches!(repair, Repair::SecretShort { .. });
                assert!(lenient.repairs.iter().all(is_short));
                assert_same(&lenient.uri, &strict);
            }
            // Only the lenient reader refuses URIs of Steam.
            Err(error) => assert_eq!(*error, KeyUriError::Steam),
        },
        Err(()) => {
            let repaired = |lenient: &countersign::uri::LenientKeyUri| !lenient.repairs.is_empty();
            assert!(
                lenient.as_ref().map_or(true, repaired),
                "no repair was reported"
            );
        }
    }
    let Ok(lenient) = lenient else { return };
    for repair in &lenient.repairs {
        assert!(!repair.to_string().is_empty());
    }
    for advice in lenient.uri.advice() {
        assert!(!advice.to_string().is_empty());
    }
    let written = lenient.uri.to_secret_text();
    assert!(written.expose().len() <= KeyUri::MAX_BYTES);
    let again = KeyUri::parse_lenient(written.expose())
        .expect("the lenient reader accepts what was written");
    assert_same(&again.uri, &lenient.uri);
    assert_eq!(again.uri.to_secret_text().expose(), written.expose());
    let colon = |repair: &Repair| matches!(repair, Repair::Colon { .. });
    match KeyUri::parse_with_minimum(written.expose(), 8) {
        Ok(strict) => assert_same(&strict, &lenient.uri),
        Err(_) => assert!(
            again.repairs.iter().any(colon),
            "the strict reader accepts everything else"
        ),
    }
}

/// Every error can be printed.
fn describe(error: KeyUriError) {
    assert!(!format!("{error} {error:?}").is_empty());
}

fn assert_same(one: &KeyUri, two: &KeyUri) {
    assert_eq!(one.secret().expose(), two.secret().expose());
    assert_eq!(one.kind(), two.kind());
    assert_eq!(one.account(), two.account());
    assert_eq!(one.issuer(), two.issuer());
    assert_eq!(one.issuer_prefix(), two.issuer_prefix());
    assert_eq!(one.algorithm(), two.algorithm());
    assert_eq!(one.digits(), two.digits());
    assert_eq!(one.image(), two.image());
}
