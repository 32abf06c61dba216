//! Percent-encoding (RFC 3986, section 2.1).

use super::bytes::{is_reserved, split_at_reserved};
use super::{KeyUriError, KeyUriPart};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;
use percent_encoding::percent_encode_byte;
use zeroize::{Zeroize, Zeroizing};

/// Appends text with everything escaped but the unreserved characters.
pub(super) fn escape_into(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((plain, reserved)) = split_at_reserved(rest) {
        out.push_str(plain);
        let length = reserved.chars().next().map_or(0, char::len_utf8);
        let (character, after) = reserved.split_at_checked(length).unwrap_or((reserved, ""));
        for byte in character.bytes() {
            out.push_str(percent_encode_byte(byte));
        }
        rest = after;
    }
    out.push_str(rest);
}

/// How many bytes [`escape_into`] appends at most.
pub(super) const fn longest_escaped(text: &str) -> usize {
    text.len().saturating_mul("%XX".len())
}

/// How many bytes [`escape_into`] appends.
pub(super) fn escaped_len(text: &str) -> usize {
    let reserved = text.bytes().filter(|byte| is_reserved(*byte)).count();
    text.len().saturating_add(reserved.saturating_mul(2))
}

/// The text of one part, decoded; wiped if it had to be copied, because it may be the secret.
pub(super) enum Decoded<'a> {
    Borrowed(&'a str),
    Owned(Zeroizing<String>),
}

impl Deref for Decoded<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

/// Decodes one part, after the URI was split, so that no escaped character can act as a separator; and every
/// `+` to a space, if that is what it stands for.
pub(super) fn unescape(
    part: KeyUriPart,
    raw: &str,
    plus_is_space: bool,
) -> Result<Decoded<'_>, KeyUriError> {
    // One buffer with room for all, so that nothing is left behind by one that grew.
    let mut decoded = Vec::with_capacity(raw.len());
    let unescaped = unescape_into(&mut decoded, raw.as_bytes(), plus_is_space);
    let decoded = String::from_utf8(decoded).map_err(|error| error.into_bytes().zeroize());
    let decoded = decoded.map(Zeroizing::new);
    unescaped.ok_or(KeyUriError::Escape { part })?;
    let decoded = decoded.map_err(|()| KeyUriError::Utf8 { part })?;
    Ok(Decoded::Owned(decoded))
}

/// `None` if a percent sign has no two hexadecimal digits after it.
fn unescape_into(decoded: &mut Vec<u8>, raw: &[u8], plus_is_space: bool) -> Option<()> {
    let plain = |byte: &u8| match byte {
        b'+' if plus_is_space => b' ',
        byte => *byte,
    };
    let mut pieces = raw.split(|byte| *byte == b'%');
    decoded.extend(pieces.next()?.iter().map(plain));
    for piece in pieces {
        let [high, low, rest @ ..] = piece else {
            return None;
        };
        decoded.push((hexadecimal(*high)? << 4) | hexadecimal(*low)?);
        decoded.extend(rest.iter().map(plain));
    }
    Some(())
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');

    #[test]
    fn text_is_escaped_and_unescaped_as_by_the_percent_encoding_crate() {
        for character in ('\0'..='\u{200}').chain(['€', '😀']) {
            for (before, after) in (0..10).zip([7, 0, 3, 4, 1, 9, 2, 8, 5, 6]) {
                let text = format!("{}{character}{}", "a".repeat(before), "Z".repeat(after));
                let mut escaped = String::new();
                escape_into(&text, &mut escaped);
                assert_eq!(escaped, utf8_percent_encode(&text, RESERVED).to_string());
                assert_eq!(escaped_len(&text), escaped.len());
                assert!(longest_escaped(&text) >= escaped.len());

                for escaped in [&escaped, &escaped.to_lowercase(), &text.replace('%', "%25")] {
                    let unescaped = unescape(KeyUriPart::Account, escaped, false).unwrap();
                    let expected = percent_decode_str(escaped).decode_utf8().unwrap();
                    assert_eq!(&*unescaped, expected);
                }
            }
        }
    }

    #[test]
    fn a_plus_is_a_space_only_where_it_stands_unescaped() {
        let space = unescape(KeyUriPart::Issuer, "a+b%2Bc+", true).unwrap();
        assert_eq!(&*space, "a b+c ");
        let plus = unescape(KeyUriPart::Account, "a+b%2bc+", false).unwrap();
        assert_eq!(&*plus, "a+b+c+");
    }

    #[test]
    fn half_escapes_and_what_is_no_utf_8_are_refused() {
        let part = KeyUriPart::Issuer;
        for text in [
            "%", "a%", "%4", "%%41", "%4%41", "%+1", "%-1", "%4g", "%é", "%FF%4",
        ] {
            let error = unescape(part, text, true).err();
            assert_eq!(error, Some(KeyUriError::Escape { part }), "{text}");
        }
        for text in ["%FF", "a%C3", "%C3a", "%ED%A0%80"] {
            let error = unescape(part, text, true).err();
            assert_eq!(error, Some(KeyUriError::Utf8 { part }), "{text}");
        }
    }
}
