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

#[cfg(test)]
#[cfg(feature = "imported-hashes")]
mod tests {
    use super::*;
    use crate::backup::HashError;
    use crate::backup::argon2::HashMemory;
    use crate::otp::Code;
    use std::format;
    use std::string::String;

    struct Case {
        shape: CodeShape,
        code: &'static str,
        text: &'static str,
    }

    fn cases() -> Vec<Case> {
        let file = include_str!("../../tests/data/imported_hashes.txt");
        let lines = file.lines().filter(|line| !line.starts_with('#'));
        let case = |line: &'static str| {
            let [_, alphabet, group, code, text] = *line.split('\t').collect::<Vec<_>>() else {
                panic!("{line}");
            };
            let length = u8::try_from(code.replace('-', "").len()).unwrap();
            let shape = CodeShape::new(alphabet, length).unwrap();
            let shape = match group.parse() {
                Ok(group) => shape.with_groups(group, '-').unwrap(),
                Err(_) => shape,
            };
            Case { shape, code, text }
        };
        lines.map(case).collect()
    }

    fn matches(hash: &ForeignHash, shape: &CodeShape, typed: &str) -> Result<bool, HashError> {
        let text = shape.hashed_text(&Code::parse(typed).unwrap()).unwrap();
        let mut computed = [0; 16];
        hash.input
            .compute(&text, &mut computed, &mut HashMemory::new())?;
        Ok(computed == hash.hash)
    }

    #[test]
    fn hashes_of_other_software_match_their_codes() {
        let cases = cases();
        assert_eq!(cases.len(), 24);
        for Case { shape, code, text } in &cases {
            let hash = ForeignHash::parse(text, shape).map_err(|error| format!("{text}: {error}"));
            let hash = hash.unwrap();
            assert_eq!(matches(&hash, shape, code), Ok(true), "{text}");
            let mut wrong = String::from(*code).into_bytes();
            let last = wrong.last_mut().unwrap();
            *last = if *last == b'1' { b'2' } else { b'1' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(matches(&hash, shape, &wrong), Ok(false), "{text}");
        }
    }

    #[test]
    fn groups_are_part_of_the_hashed_text() {
        let cases = cases();
        let case = cases.iter().find(|case| case.shape.groups().is_some());
        let Case { shape, code, text } = case.unwrap();
        let hash = ForeignHash::parse(text, shape).unwrap();
        let typed = code.replace('-', "").to_uppercase();
        assert_eq!(matches(&hash, shape, &typed), Ok(true));
        let plain = shape.without_groups();
        assert_eq!(matches(&hash, &plain, &typed), Ok(false));
    }

    #[test]
    fn cut_hash_strings_are_refused() {
        for Case { shape, text, .. } in cases() {
            for length in 0..text.len() {
                let cut = ForeignHash::parse(&text[..length], &shape);
                // A shorter output is another valid hash, if its last base64 symbol fits.
                let Ok(hash) = cut else { continue };
                let cut_off = text.len() - length;
                assert!(cut_off >= 2 && !text.starts_with("$2"), "{text}");
                let whole = ForeignHash::parse(text, &shape).unwrap();
                let is_argon2 = matches!(whole.input.form, HashForm::Argon2 { .. });
                assert_eq!(hash.hash, whole.hash, "{text}: {length}");
                assert_eq!(hash == whole, !is_argon2, "{text}: {length}");
            }
            for longer in [format!("{text}="), format!("{text}$"), format!(" {text}")] {
                let refused = ForeignHash::parse(&longer, &shape);
                assert!(refused.is_err(), "{longer}");
            }
        }
    }

    fn refused(text: &str) -> HashStringError {
        let shape = CodeShape::new("0123456789abcdef", 12).unwrap();
        let parsed = ForeignHash::parse(text, &shape);
        parsed.map(|_| format!("{text} is accepted")).unwrap_err()
    }

    const SALT: &str = "c2FsdHNhbHRzYWx0";
    const HASH: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn unknown_forms_are_refused() {
        for text in [
            "",
            "$",
            "$$",
            "0123456789ab",
            "$2x$04$",
            "$2$04$",
            "$1$salt$hash",
            "$6$salt$hash",
            "md5$salt$hash",
            "sha256$salt$hash",
            "pbkdf2_sha512$1$salt$hash",
            "$pbkdf2_sha256$1$salt$hash",
            "pbkdf2-sha256$i=1$salt$hash",
            "$argon2$v=19$m=8,t=1,p=1$salt$hash",
            "$SHA256$salt$hash",
        ] {
            assert_eq!(refused(text), HashStringError::UnknownForm, "{text}");
        }
    }

    #[test]
    fn malformed_parameters_are_refused() {
        for parameters in [
            "pbkdf2-sha256$i=",
            "pbkdf2-sha256$i=0",
            "pbkdf2-sha256$i=01",
            "pbkdf2-sha256$i=+1",
            "pbkdf2-sha256$i=-1",
            "pbkdf2-sha256$i=1,l=31",
            "pbkdf2-sha256$i=1,l=32,",
            "pbkdf2-sha256$l=32,i=1",
            "pbkdf2-sha256$i=4294967296",
            "argon2id$m=8,t=1,p=1",
            "argon2id$v=16$m=8,t=1,p=1",
            "argon2id$v=19$t=1,m=8,p=1",
            "argon2id$v=19$m=8,t=1",
            "argon2id$v=19$m=8,t=1,p=1,keyid=AA",
        ] {
            let text = format!("${parameters}${SALT}${HASH}");
            assert_eq!(refused(&text), HashStringError::Malformed, "{text}");
        }
        let symbols = |count| "a".repeat(count);
        for cost in ["4", "004", "4a", "+4"] {
            let text = format!("$2b${cost}${}", symbols(53));
            assert_eq!(refused(&text), HashStringError::Malformed, "{text}");
        }
        for count in [0, 22, 52, 54] {
            let text = format!("$2b$04${}", symbols(count));
            assert_eq!(refused(&text), HashStringError::Malformed, "{text}");
        }
        let fifteen_bytes = "AAAAAAAAAAAAAAAAAAAA";
        let text = format!("$pbkdf2-sha256$i=1${SALT}${fifteen_bytes}");
        assert_eq!(refused(&text), HashStringError::Malformed);
        let text = "$".repeat(MAX_TEXT + 1);
        assert_eq!(refused(&text), HashStringError::Malformed);
    }

    #[test]
    fn costs_out_of_bounds_are_refused() {
        for cost in [0, 3, 17, 31, 99] {
            let text = format!("$2b${cost:02}${}", "a".repeat(53));
            assert_eq!(refused(&text), HashStringError::BcryptCost { cost });
        }
        let text = format!("$pbkdf2-sha1$i=10000001${SALT}${HASH}");
        let iterations = 10_000_001;
        assert_eq!(refused(&text), HashStringError::Iterations { iterations });
        for (memory_kib, passes, lanes) in [
            (7, 1, 1),
            (31, 1, 4),
            (262_145, 1, 1),
            (1_024, 65, 1),
            (1_024, 1, 17),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            let text = format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${SALT}${HASH}");
            let expected = HashStringError::Argon2Cost {
                memory_kib,
                passes,
                lanes,
            };
            assert_eq!(refused(&text), expected);
        }
        for (text, bytes) in [
            (format!("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbA${HASH}"), 7),
            (format!("$pbkdf2-sha1$i=1$${HASH}"), 0),
            (format!("$sha256${}${HASH}", "A".repeat(88)), 66),
        ] {
            assert_eq!(refused(&text), HashStringError::Salt { bytes }, "{text}");
        }
    }

    #[test]
    fn unsalted_hashes_need_60_bits() {
        for (alphabet, length, bits) in [("0123456789abcdef", 14, 56), ("0123456789", 18, 59)] {
            let shape = CodeShape::new(alphabet, length).unwrap();
            for salt in ["", "AAAAAAAAAA"] {
                let refused = ForeignHash::parse(&format!("$sha256${salt}${HASH}"), &shape);
                assert_eq!(refused, Err(HashStringError::Unsalted { bits }));
            }
            let salted = ForeignHash::parse(&format!("$sha256${SALT}${HASH}"), &shape);
            assert!(salted.is_ok());
        }
        let shape = CodeShape::new("0123456789abcdef", 15).unwrap();
        assert!(ForeignHash::parse(&format!("$sha256$${HASH}"), &shape).is_ok());
    }

    #[test]
    fn bcrypt_texts_have_at_most_72_bytes() {
        let text = format!("$2b$04${}", "a".repeat(53));
        let shape = |length, group| {
            let shape = CodeShape::new("0123456789abcdef", length).unwrap();
            shape.with_groups(group, '-').unwrap()
        };
        assert_eq!(shape(64, 7).hashed_bytes(), 73);
        assert!(ForeignHash::parse(&text, &shape(64, 8)).is_ok());
        assert!(ForeignHash::parse(&text, &shape(63, 7)).is_ok());
        let refused = ForeignHash::parse(&text, &shape(64, 7));
        assert_eq!(
            refused,
            Err(HashStringError::TooLongForBcrypt { bytes: 73 })
        );
    }
}
