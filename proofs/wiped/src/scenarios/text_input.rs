//! Secrets that are parsed from text.

use super::{Kept, add_secret};
use crate::known_secrets::KnownSecrets;
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::otp::{Algorithm, Secret};
use countersign::uri::KeyUri;
use std::error::Error;
use zeroize::Zeroizing;

#[inline(never)]
pub(crate) fn run(known: &KnownSecrets, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(known.clone());
    // A long secret, because the allocator overwrites the first 16 bytes of freed memory.
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    add_secret(known, &secret);
    stop.here()?;
    Secret::from_base32(secret.to_base32().expose())?;
    stop.here()?;
    Secret::from_typed_base32(secret.to_base32_grouped().expose())?;
    stop.here()?;

    let uri = KeyUri::totp(&secret, "alice@example.com")
        .issuer("Example")
        .build()?;
    let text = uri.to_secret_text();
    stop.here()?;
    KeyUri::parse(text.expose())?;
    stop.here()?;
    KeyUri::parse_lenient(text.expose())?;
    stop.here()?;
    let mut unusual = Zeroizing::new(String::with_capacity(256));
    unusual.push_str("otpauth://totp/alice?secret=");
    unusual.push_str(secret.to_base32_grouped().expose());
    KeyUri::parse_lenient(&unusual)?;
    Ok(None)
}
