//! Percent-encoding (RFC 3986, section 2.1): writing, measuring and decoding the text of a URI.

use super::{KeyUriError, KeyUriPart};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::ops::Deref;
use data_encoding::BASE32_NOPAD;
use percent_encoding::percent_encode_byte;
use zeroize::{Zeroize, Zeroizing};

/// Takes the text of a URI piece by piece, to write it or to measure it.
pub(super) trait UriWriter {
    /// Takes text as it is.
    fn plain(&mut self, text: &str);
    /// Takes text to escape.
    fn escaped(&mut self, text: &str);
    /// Takes bytes to encode in base32.
    fn base32(&mut self, bytes: &[u8]);
    /// Takes a number to write in decimal.
    fn number(&mut self, number: u64);
}

/// Measures the text of a URI. `escaped` returns the length of a text after escaping.
pub(super) struct LengthCounter<F> {
    length: usize,
    escaped: F,
}

impl<F> LengthCounter<F> {
    pub(super) const fn new(escaped: F) -> Self {
        Self { length: 0, escaped }
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    fn add(&mut self, length: usize) {
        self.length = self.length.saturating_add(length);
    }
}

impl<F: Fn(&str) -> usize> UriWriter for LengthCounter<F> {
    fn plain(&mut self, text: &str) {
        self.add(text.len());
    }

    fn escaped(&mut self, text: &str) {
        self.add((self.escaped)(text));
    }

    fn base32(&mut self, bytes: &[u8]) {
        self.add(bytes.len().saturating_mul(8).div_ceil(5));
    }

    fn number(&mut self, number: u64) {
        self.add(number.checked_ilog10().map_or(1, |power| {
            usize::try_from(power).map_or(20, |power| power.saturating_add(1))
        }));
    }
}

impl UriWriter for String {
    fn plain(&mut self, text: &str) {
        self.push_str(text);
    }

    fn escaped(&mut self, text: &str) {
        escape_into(text, self);
    }

    fn base32(&mut self, bytes: &[u8]) {
        BASE32_NOPAD.encode_append(bytes, self);
    }

    fn number(&mut self, number: u64) {
        let written = write!(self, "{number}");
        debug_assert!(written.is_ok(), "writing to a String never fails");
    }
}

/// Appends text with all characters escaped except the unreserved ones.
fn escape_into(text: &str, out: &mut String) {
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

/// Returns an upper bound of the bytes that [`escape_into`] appends.
pub(super) const fn longest_escaped(text: &str) -> usize {
    text.len().saturating_mul("%XX".len())
}

/// Returns how many bytes [`escape_into`] appends.
pub(super) fn escaped_len(text: &str) -> usize {
    let reserved = text.bytes().filter(|byte| is_reserved(*byte)).count();
    text.len().saturating_add(reserved.saturating_mul(2))
}

/// The decoded text of one part. A copy is wiped on drop, because it may be the secret.
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

/// Decodes one part, and each `+` to a space if `plus_is_space`.
///
/// Call it after splitting the URI, so that no escaped character acts as a separator.
pub(super) fn unescape(
    part: KeyUriPart,
    raw: &str,
    plus_is_space: bool,
) -> Result<Decoded<'_>, KeyUriError> {
    // The buffer has room for all bytes, so it never grows. A buffer that grows leaves a copy.
    let mut decoded = Vec::with_capacity(raw.len());
    let unescaped = unescape_into(&mut decoded, raw.as_bytes(), plus_is_space);
    let decoded = String::from_utf8(decoded).map_err(|error| error.into_bytes().zeroize());
    let decoded = decoded.map(Zeroizing::new);
    unescaped.ok_or(KeyUriError::Escape { part })?;
    let decoded = decoded.map_err(|()| KeyUriError::Utf8 { part })?;
    Ok(Decoded::Owned(decoded))
}

/// Returns `None` if a percent sign is not followed by two hexadecimal digits.
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

/// Flag: not an unreserved character (RFC 3986, section 2.3), so it is escaped when written.
const RESERVED: u8 = 1;
/// Flag: not allowed unescaped in a path or a query (RFC 3986, sections 3.3 and 3.4). The percent
/// sign has its own flag.
pub(super) const UNESCAPED: u8 = 2;
/// Flag: a percent sign.
pub(super) const PERCENT: u8 = 4;
/// Flag: a plus sign.
pub(super) const PLUS: u8 = 8;

/// Returns the flags of all bytes of a text, combined.
pub(super) fn classes_in(text: &str) -> u8 {
    let (chunks, rest) = text.as_bytes().as_chunks::<CHUNK>();
    chunks
        .iter()
        .fold(classes(rest), |seen, chunk| seen | classes(chunk))
}

/// Splits a text before the first byte that is not an unreserved character (RFC 3986, section 2.3).
fn split_at_reserved(text: &str) -> Option<(&str, &str)> {
    let (chunks, _) = text.as_bytes().as_chunks::<CHUNK>();
    let is_plain = |chunk: &&[u8; CHUNK]| classes(*chunk) & RESERVED == 0;
    let plain = chunks
        .iter()
        .take_while(is_plain)
        .count()
        .saturating_mul(CHUNK);
    let at = text.bytes().skip(plain).position(is_reserved)?;
    text.split_at_checked(plain.saturating_add(at))
}

fn is_reserved(byte: u8) -> bool {
    class(byte) & RESERVED != 0
}

/// The number of bytes that are classified without a branch between them.
const CHUNK: usize = 4;

fn classes(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |seen, byte| seen | class(*byte))
}

#[expect(clippy::indexing_slicing, reason = "a byte is less than 256")]
fn class(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where an index out of bounds is an error"
)]
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = u8::MAX;
    loop {
        classes[byte as usize] = classify(byte);
        match byte.checked_sub(1) {
            Some(less) => byte = less,
            None => break classes,
        }
    }
};

const fn classify(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => 0,
        b'%' => RESERVED | PERCENT,
        b'+' => RESERVED | PLUS,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b',' | b';' | b'=' | b':' | b'@'
        | b'/' | b'?' => RESERVED,
        _ => RESERVED | UNESCAPED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

    const UNRESERVED_REMOVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');

    #[test]
    fn escaping_matches_the_percent_encoding_crate() {
        for character in ('\0'..='\u{200}').chain(['€', '😀']) {
            for (before, after) in (0..10).zip([7, 0, 3, 4, 1, 9, 2, 8, 5, 6]) {
                let text = format!("{}{character}{}", "a".repeat(before), "Z".repeat(after));
                let mut escaped = String::new();
                escape_into(&text, &mut escaped);
                assert_eq!(
                    escaped,
                    utf8_percent_encode(&text, UNRESERVED_REMOVED).to_string()
                );
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
    fn only_an_unescaped_plus_is_a_space() {
        let space = unescape(KeyUriPart::Issuer, "a+b%2Bc+", true).unwrap();
        assert_eq!(&*space, "a b+c ");
        let plus = unescape(KeyUriPart::Account, "a+b%2bc+", false).unwrap();
        assert_eq!(&*plus, "a+b+c+");
    }

    #[test]
    fn incomplete_escapes_and_invalid_utf_8_are_refused() {
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

    #[test]
    fn unescaped_characters_follow_rfc_3986() {
        // unreserved / sub-delims / ":" / "@" / "/" / "?", and the percent sign
        let others = "-._~!$&'()*+,;=:@/?%";
        for character in '\0'..='\u{ff}' {
            let may = character.is_ascii_alphanumeric() || others.contains(character);
            let text = String::from(character);
            assert_eq!(classes_in(&text) & UNESCAPED == 0, may, "{character:?}");
        }
    }

    #[test]
    fn flags_are_found_at_every_position() {
        for length in 1..20 {
            for at in 0..length {
                let text = |odd| (0..length).map(move |place| if place == at { odd } else { 'a' });
                let classes = |odd| classes_in(&text(odd).collect::<String>());
                assert_eq!(classes('b'), 0);
                assert_eq!(classes('%'), RESERVED | PERCENT);
                assert_eq!(classes('+'), RESERVED | PLUS);
                assert_eq!(classes(':'), RESERVED);
                assert_eq!(classes(' '), RESERVED | UNESCAPED);
                let text: String = text('@').collect();
                let (before, _) = split_at_reserved(&text).unwrap();
                assert_eq!(before.len(), at);
            }
        }
        assert!(split_at_reserved("abcdefghijklmnop").is_none());
    }
}
