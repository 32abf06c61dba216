//! Secrets that come in as text.

use super::{Kept, learn_secret};
use crate::needles::Learned;
use crate::random::{Random, Rng};
use crate::stop::Stop;
use countersign::otp::{Algorithm, Secret};
use countersign::uri::KeyUri;
use std::error::Error;
use zeroize::Zeroizing;

#[inline(never)]
pub(crate) fn run(learned: &Learned, stop: &Stop) -> Result<Kept, Box<dyn Error>> {
    let random = Random::new(learned.clone());
    // Long, because the allocator overwrites the first 16 bytes of what is freed.
    let secret = Secret::generate_for(Algorithm::Sha512, &mut Rng(&random));
    learn_secret(learned, &secret);
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
    let mut odd = Zeroizing::new(String::with_capacity(256));
    odd.push_str("otpauth://totp/alice?secret=");
    odd.push_str(secret.to_base32_grouped().expose());
    KeyUri::parse_lenient(&odd)?;
    Ok(None)
}
