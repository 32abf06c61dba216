//! Names of algorithms and hash functions, as files write them.

use countersign::otp::Algorithm;

/// The moving factor of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Totp,
    Hotp,
}

/// The kind of an algorithm: the URN of RFC 6030, or its last part alone.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    let name = name
        .strip_prefix("urn:ietf:params:xml:ns:keyprov:pskc:")
        .unwrap_or(name);
    if name.eq_ignore_ascii_case("totp") {
        Some(Kind::Totp)
    } else if name.eq_ignore_ascii_case("hotp") {
        Some(Kind::Hotp)
    } else {
        None
    }
}

/// The hash function: `SHA1`, `SHA-256`, `HMAC-SHA256`, `HmacSHA512` and the like.
pub(crate) fn hash(name: &str) -> Option<Algorithm> {
    let mut plain = String::with_capacity(name.len());
    plain.extend(name.chars().filter(|c| !matches!(c, '-' | '_')));
    plain.make_ascii_uppercase();
    match plain.strip_prefix("HMAC").unwrap_or(&plain) {
        "SHA1" => Some(Algorithm::Sha1),
        "SHA256" => Some(Algorithm::Sha256),
        "SHA512" => Some(Algorithm::Sha512),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_known_names_of_hashes_are_read() {
        for name in [
            "SHA256",
            "HMAC-SHA256",
            "HmacSHA256",
            "SHA-256",
            "sha256",
            "HMAC-SHA-256",
        ] {
            assert_eq!(hash(name), Some(Algorithm::Sha256), "{name}");
        }
        assert_eq!(hash("HMAC-SHA1"), Some(Algorithm::Sha1));
        assert_eq!(hash("HmacSHA512"), Some(Algorithm::Sha512));
    }

    #[test]
    fn unknown_names_are_not_guessed() {
        for name in [
            "",
            "HMAC",
            "SHA",
            "SHA2",
            "SHA224",
            "MD5",
            "SHA256 ",
            "TOTP-SHA256",
            "SHA3-256",
        ] {
            assert_eq!(hash(name), None, "{name}");
        }
        for name in [
            "",
            "ocra",
            "urn:ietf:params:xml:ns:keyprov:pskc:pin",
            "totp1",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
