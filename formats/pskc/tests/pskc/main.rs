//! The files of hardware tokens.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod csv;
mod encrypted;
mod fields;
mod hostile;
mod known_answers;
mod pskctool;

use countersign_pskc::{Credential, Problem, Token, TokenError, Tokens, read};

/// A file of the test data.
pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}.pskcxml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn plain(file: &[u8]) -> Tokens {
    read(file, &Credential::none()).unwrap()
}

/// A file with this key.
pub(crate) fn with_key(key: &str) -> String {
    format!(
        r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><KeyPackage>
<DeviceInfo><SerialNo>S1</SerialNo></DeviceInfo>
{key}</KeyPackage></KeyContainer>"#
    )
}

/// A TOTP key with these elements before `Data`, and these in it.
pub(crate) fn key(before: &str, data: &str) -> String {
    with_key(&format!(
        r#"<Key Id="1" Algorithm="totp">{before}<Data>
<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>{data}</Data></Key>"#
    ))
}

/// The only token of a file.
pub(crate) fn one(file: &str) -> Result<Token, TokenError> {
    let mut tokens = plain(file.as_bytes()).into_tokens();
    assert_eq!(tokens.len(), 1);
    tokens.remove(0)
}

/// The field and the problem of the only token.
#[track_caller]
pub(crate) fn assert_refused(file: &str, field: &str, problem: &Problem) {
    let error = one(file).unwrap_err();
    assert_eq!((error.field(), error.problem()), (field, problem));
}
