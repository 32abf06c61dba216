//! The hash strings of other systems: bcrypt, PBKDF2 as Django and Keycloak write it, Argon2, and
//! SHA-2.

use super::foreign_hash::{ForeignHash, HashForm, HashInput, Sha2};
use crate::backup::{CodeShape, HashStringError};
use crate::otp::Algorithm;
use alloc::vec::Vec;
use data_encoding::{BASE64, BASE64_NOPAD};
use zeroize::Zeroizing;

impl ForeignHash {
    /// Parses the hash of a code of this shape.
    pub(super) fn parse(text: &str, shape: &CodeShape) -> Result<Self, HashStringError> {
        let hash = Self::parse_text(text)?;
        let HashInput { form, salt } = &hash.input;
        form.check(salt, shape)?;
        match form.missing_feature() {
            Some(feature) => Err(HashStringError::FeatureMissing { feature }),
            None => Ok(hash),
        }
    }

    fn parse_text(text: &str) -> Result<Self, HashStringError> {
        if text.len() > MAX_TEXT {
            return Err(HashStringError::Malformed);
        }
        let mut parts = text.split('$');
        let first = parts.next().unwrap_or_default();
        let (name, rest) = match first {
            "" => (parts.next().unwrap_or_default(), parts),
            name => (name, parts),
        };
        let rest: Vec<&str> = rest.collect();
        let parsed = match (first, name) {
            ("", "2a" | "2b" | "2y") => parse_bcrypt(&rest),
            ("pbkdf2_sha1", _) => parse_django(Algorithm::Sha1, &rest),
            ("pbkdf2_sha256", _) => parse_django(Algorithm::Sha256, &rest),
            ("", "pbkdf2-sha1") => parse_pbkdf2(Algorithm::Sha1, &rest),
            ("", "pbkdf2-sha256") => parse_pbkdf2(Algorithm::Sha256, &rest),
            ("", "pbkdf2-sha512") => parse_pbkdf2(Algorithm::Sha512, &rest),
            ("", "argon2d") => parse_argon2(argon2::Algorithm::Argon2d, &rest),
            ("", "argon2i") => parse_argon2(argon2::Algorithm::Argon2i, &rest),
            ("", "argon2id") => parse_argon2(argon2::Algorithm::Argon2id, &rest),
            ("", "sha256") => parse_sha2(Sha2::Sha256, 32, &rest),
            ("", "sha512") => parse_sha2(Sha2::Sha512, 64, &rest),
            _ => return Err(HashStringError::UnknownForm),
        };
        parsed.ok_or(HashStringError::Malformed)
    }
}

/// Parses `12$` and 53 characters: the salt and the hash in the base64 of bcrypt.
fn parse_bcrypt(parts: &[&str]) -> Option<ForeignHash> {
    let [cost, rest] = parts else { return None };
    let cost = match cost.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            let digit = |digit: &u8| digit.wrapping_sub(b'0');
            digit(tens).wrapping_mul(10).wrapping_add(digit(ones))
        }
        _ => return None,
    };
    let (salt, hash) = rest.split_at_checked(22)?;
    let salt: [u8; 16] = decode_bcrypt(salt)?;
    let hash: Zeroizing<[u8; 23]> = Zeroizing::new(decode_bcrypt(hash)?);
    of(HashForm::Bcrypt { cost }, &salt, &*hash)
}

/// Parses `ITERATIONS$SALT$HASH` of Django. The salt is text, the hash is base64 with padding.
fn parse_django(function: Algorithm, parts: &[&str]) -> Option<ForeignHash> {
    let [iterations, salt, hash] = parts else {
        return None;
    };
    let iterations = number(iterations)?;
    let hash = Zeroizing::new(BASE64.decode(hash.as_bytes()).ok()?);
    let form = HashForm::Pbkdf2 {
        function,
        iterations,
    };
    of(form, salt.as_bytes(), &hash)
}

/// Parses `i=ITERATIONS$SALT$HASH`, or `i=ITERATIONS,l=LENGTH` first.
fn parse_pbkdf2(function: Algorithm, parts: &[&str]) -> Option<ForeignHash> {
    let [params, salt, hash] = parts else {
        return None;
    };
    let (iterations, length) = match params.split_once(',') {
        Some((iterations, length)) => (iterations, Some(parameter(length, "l=")?)),
        None => (*params, None),
    };
    let iterations = parameter(iterations, "i=")?;
    let hash = base64(hash)?;
    let length_fits = length.is_none_or(|length| usize::try_from(length) == Ok(hash.len()));
    let form = HashForm::Pbkdf2 {
        function,
        iterations,
    };
    of(form, &base64(salt)?, &hash).filter(|_| length_fits && hash.len() <= 64)
}

/// Parses `v=19$m=MEMORY,t=PASSES,p=LANES$SALT$HASH`.
fn parse_argon2(variant: argon2::Algorithm, parts: &[&str]) -> Option<ForeignHash> {
    let ["v=19", params, salt, hash] = parts else {
        return None;
    };
    let mut params = params.split(',');
    let mut next = |name| parameter(params.next()?, name);
    let (memory_kib, passes, lanes) = (next("m=")?, next("t=")?, next("p=")?);
    let None = params.next() else { return None };
    let hash = base64(hash)?;
    let form = HashForm::Argon2 {
        variant,
        memory_kib,
        passes,
        lanes,
        output: u8::try_from(hash.len()).ok()?,
    };
    of(form, &base64(salt)?, &hash)
}

/// Parses `SALT$HASH`.
fn parse_sha2(function: Sha2, length: usize, parts: &[&str]) -> Option<ForeignHash> {
    let [salt, hash] = parts else { return None };
    let hash = base64(hash).filter(|hash| hash.len() == length)?;
    of(HashForm::Sha2(function), &base64(salt)?, &hash)
}

fn of(form: HashForm, salt: &[u8], hash: &[u8]) -> Option<ForeignHash> {
    let salt = salt.into();
    Some(ForeignHash {
        input: HashInput { form, salt },
        hash: *hash.first_chunk()?,
    })
}

/// The longest hash string. A salt and a hash of 64 bytes each take less than 200 characters.
const MAX_TEXT: usize = 512;

fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let decoded = BASE64_NOPAD.decode(text.as_bytes()).ok();
    decoded.map(Zeroizing::new)
}

/// Parses a parameter such as `i=100000`.
fn parameter(text: &str, name: &str) -> Option<u32> {
    number(text.strip_prefix(name)?)
}

/// Parses a decimal number without a sign and without leading zeros.
fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_number.then(|| text.parse().ok()).flatten()
}

/// Decodes the base64 of bcrypt. As in other implementations, left-over bits have no meaning.
fn decode_bcrypt<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N.saturating_mul(8).div_ceil(6) {
        return None;
    }
    let mut decoded = [0; N];
    let mut places = decoded.iter_mut();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for symbol in text.bytes() {
        let value = match symbol {
            b'.' => 0,
            b'/' => 1,
            b'A'..=b'Z' => symbol.wrapping_sub(b'A').wrapping_add(2),
            b'a'..=b'z' => symbol.wrapping_sub(b'a').wrapping_add(28),
            b'0'..=b'9' => symbol.wrapping_sub(b'0').wrapping_add(54),
            _ => return None,
        };
        bits = bits.wrapping_shl(6) | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            if let Some(place) = places.next() {
                *place = bits.wrapping_shr(count).to_le_bytes()[0];
            }
        }
    }
    Some(decoded)
}
