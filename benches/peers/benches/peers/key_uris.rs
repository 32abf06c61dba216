//! Key URIs: building with all necessary escapes, and strict parsing.

use std::hint::black_box;

use countersign::otp::{Secret, SecretText};
use countersign::uri::{KeyUri, KeyUriError};
use countersign_benches::{Error, Timer};

use crate::inputs::{ACCOUNT, ISSUER, SECRET, libreauth, totp_rs};
use crate::operation::{Operation, agreed, agrees};

/// The length of the key URI in the targets.
const CHARACTERS: usize = 111;

pub(crate) fn add(timer: &mut Timer<'_>) -> Result<Vec<Operation>, Error> {
    let secret = Secret::from_bytes(SECRET)?;
    let text: &'static str = build(&secret)?.expose().to_owned().leak();
    agrees("ours", &CHARACTERS, &text.len())?;
    let expected = (SECRET.to_vec(), ACCOUNT.to_owned(), Some(ISSUER.to_owned()));

    let built = agreed(
        timer,
        "ours",
        &expected,
        |uri: Result<SecretText, _>| {
            uri.map_or_else(|_| Content::default(), |uri| content(uri.expose()))
        },
        move || build(black_box(&secret)),
    )?;
    let totp = totp_rs()?;
    let totp_rs_built = agreed(
        timer,
        "totp-rs",
        &expected,
        |uri: Result<String, _>| content(&uri.unwrap_or_default()),
        move || black_box(&totp).to_url(),
    )?;
    let totp = otpauth::TOTP::from_bytes(SECRET);
    let label = format!("{ISSUER}:{ACCOUNT}");
    let otpauth = agreed(
        timer,
        "otpauth",
        &expected,
        |uri: String| content(&uri),
        move || totp.to_uri(black_box(label.as_str()), black_box(ISSUER)),
    )?;
    let totp = libreauth()?;
    let libreauth = agreed(
        timer,
        "libreauth",
        &expected,
        |uri: String| content(&uri),
        move || {
            totp.key_uri_format(black_box(ISSUER), black_box(ACCOUNT))
                .finalize()
        },
    )?;

    let parsed = agreed(
        timer,
        "ours",
        &expected,
        |uri: Result<KeyUri, _>| uri.map_or_else(|_| Content::default(), |uri| parts(&uri)),
        move || KeyUri::parse(black_box(text)),
    )?;
    let totp_rs_parsed = agreed(
        timer,
        "totp-rs",
        &Some(SECRET.to_vec()),
        |totp: Result<totp_rs::Totp, _>| Some(totp.ok()?.secret().as_bytes().to_vec()),
        move || totp_rs::Totp::from_url(black_box(text)),
    )?;

    Ok(vec![
        Operation {
            name: "key URI build",
            ours: built,
            others: vec![
                ("totp-rs", totp_rs_built),
                ("otpauth, without escaping", otpauth),
                ("libreauth", libreauth),
            ],
            floor: None,
            targets: vec![("totp-rs", 0.30), ("otpauth, without escaping", 0.80)],
        },
        Operation {
            name: "key URI parse, strict",
            ours: parsed,
            others: vec![("totp-rs", totp_rs_parsed)],
            floor: None,
            targets: vec![("totp-rs", 0.40)],
        },
    ])
}

fn build(secret: &Secret) -> Result<SecretText, KeyUriError> {
    let uri = KeyUri::totp(secret, black_box(ACCOUNT)).issuer(black_box(ISSUER));
    Ok(uri.build()?.to_secret_text())
}

type Content = (Vec<u8>, String, Option<String>);

/// The fields that an app reads from a URI; empty fields if the text is no key URI.
fn content(text: &str) -> Content {
    KeyUri::parse_lenient(text).map_or_else(|_| Content::default(), |read| parts(&read.uri))
}

fn parts(uri: &KeyUri) -> Content {
    let secret = uri.secret().expose().to_vec();
    (
        secret,
        uri.account().to_owned(),
        uri.issuer().map(str::to_owned),
    )
}
