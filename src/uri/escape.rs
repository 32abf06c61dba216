//! Percent-encoding (RFC 3986, section 2.1).
//! What the bytes of a key URI are, as flags: one look at each byte of a text answers all that is asked of the
//! whole.

use super::{KeyUriError, KeyUriPart};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::ops::Deref;
use data_encoding::BASE32_NOPAD;
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

/// Not an unreserved character (RFC 3986, section 2.3): it is escaped when it is written.
const RESERVED: u8 = 1;
/// May not stand unescaped in a path or a query (RFC 3986, sections 3.3 and 3.4). The percent sign is judged
/// by itself.
pub(super) const UNESCAPED: u8 = 2;
/// A percent sign.
pub(super) const PERCENT: u8 = 4;
/// A plus sign.
pub(super) const PLUS: u8 = 8;

/// The flags of all bytes of a text.
pub(super) fn classes_in(text: &str) -> u8 {
    let (chunks, rest) = text.as_bytes().as_chunks::<CHUNK>();
    chunks
        .iter()
        .fold(classes(rest), |seen, chunk| seen | classes(chunk))
}

/// The text before and from the first byte that is not an unreserved character (RFC 3986, section 2.3).
pub(super) fn split_at_reserved(text: &str) -> Option<(&str, &str)> {
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

pub(super) fn is_reserved(byte: u8) -> bool {
    class(byte) & RESERVED != 0
}

/// So many bytes are looked at in a row without a branch.
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
    reason = "the compiler does it, and would say so"
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

/// Takes the pieces of the text, to measure them or to write them.
pub(super) trait Pieces {
    fn plain(&mut self, text: &str);
    fn escaped(&mut self, text: &str);
    fn base32(&mut self, bytes: &[u8]);
    fn number(&mut self, number: u64);
}

/// How long the text is, if so much is what escaped text has.
pub(super) struct Length<F> {
    sum: usize,
    escaped: F,
}

impl<F> Length<F> {
    pub(super) const fn new(escaped: F) -> Self {
        Self { sum: 0, escaped }
    }

    pub(super) const fn sum(&self) -> usize {
        self.sum
    }

    fn add(&mut self, length: usize) {
        self.sum = self.sum.saturating_add(length);
    }
}

impl<F: Fn(&str) -> usize> Pieces for Length<F> {
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

impl Pieces for String {
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
        debug_assert!(written.is_ok(), "a String takes all that is written to it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

    const UNRESERVED_REMOVED: &AsciiSet = &NON_ALPHANUMERIC
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

    #[test]
    fn what_may_stand_unescaped_is_what_rfc_3986_says() {
        // unreserved / sub-delims / ":" / "@" / "/" / "?", and the percent sign
        let others = "-._~!$&'()*+,;=:@/?%";
        for character in '\0'..='\u{ff}' {
            let may = character.is_ascii_alphanumeric() || others.contains(character);
            let text = String::from(character);
            assert_eq!(classes_in(&text) & UNESCAPED == 0, may, "{character:?}");
        }
    }

    #[test]
    fn a_class_is_seen_wherever_its_byte_stands() {
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
