//! Exports of Google Authenticator, written and read.

use super::{Kept, add_secret};
use crate::known_secrets::{Kind, KnownSecrets};
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::otp::{Algorithm, Secret};
use countersign::uri::KeyUri;
use countersign::uri::migration::{MigrationBatch, MigrationUri};
use std::error::Error;
use std::slice;
use zeroize::Zeroizing;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    // A long secret, because the allocator overwrites the first 16 bytes of freed memory.
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    add_secret(known, &secret);
    let uri = KeyUri::totp(&secret, "alice@example.com").build()?;
    let parts = MigrationBatch::split(slice::from_ref(&uri), 42)?;
    let text = parts
        .first()
        .ok_or("an export has a part")?
        .to_secret_text();
    let data = text
        .expose()
        .split_once("?data=")
        .ok_or("a part has data")?;
    add_symbols(known, data.1);
    stop.here()?;
    MigrationUri::parse(text.expose())?;
    stop.here()?;
    let part = MigrationUri::parse_lenient(text.expose())?;
    stop.here()?;
    let mut batch = MigrationBatch::new(part.clone())?;
    stop.here()?;
    batch.add(part)?;
    stop.here()?;
    // The data is cut, so there is no part.
    match MigrationUri::parse_lenient(text.expose().get(..120).unwrap_or_default()) {
        Err(_) => Ok(None),
        Ok(_) => Err("a cut part was read".into()),
    }
}

/// Adds the base64 of the secret, as in the text and without escapes.
fn add_symbols(known: &KnownSecrets, data: &str) {
    known.add(Kind::Base64, data.as_bytes());
    let mut plain = Zeroizing::new(String::with_capacity(data.len()));
    let mut pieces = data.split('%');
    plain.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (escape, rest) = piece.split_at_checked(2).unwrap_or(("", piece));
        plain.push(match escape {
            "2B" => '+',
            "2F" => '/',
            _ => '=',
        });
        plain.push_str(rest);
    }
    known.add(Kind::Base64, plain.as_bytes());
}
