//! Percent-encoding (RFC 3986, section 2.1).

use super::{KeyUriError, KeyUriPart};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;
use core::str;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use zeroize::Zeroizing;

/// Everything but the unreserved characters (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand unescaped in a path or a query (RFC 3986, sections 3.3 and 3.4). The percent sign is
/// judged by itself.
const fn is_plain(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'/'
                | b'?'
        )
}

/// Appends text with everything escaped but the unreserved characters.
pub(super) fn escape_into(text: &str, out: &mut String) {
    utf8_percent_encode(text, ESCAPED).for_each(|chunk| out.push_str(chunk));
}

/// How many bytes [`escape_into`] appends.
pub(super) fn escaped_len(text: &str) -> usize {
    text.bytes()
        .map(|byte| if is_unreserved(byte) { 1 } else { 3 })
        .sum()
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

/// What stands unescaped in a part though it should not.
#[derive(Default)]
pub(super) struct Raw {
    /// A character that RFC 3986 wants escaped.
    pub(super) unescaped: bool,
    /// A `+` in a parameter.
    pub(super) plus: bool,
}

/// Decodes one part, after the URI was split, so that no escaped character can act as a separator. A `+`
/// in a parameter becomes a space; what it was is for the caller to judge, by [`Raw`].
pub(super) fn decode(part: KeyUriPart, raw: &str) -> Result<(Decoded<'_>, Raw), KeyUriError> {
    let mut found = Raw::default();
    let mut escaped = false;
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                escaped = true;
                let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
                if !is_hex(bytes.next()) || !is_hex(bytes.next()) {
                    return Err(KeyUriError::Escape { part });
                }
            }
            b'+' if part.is_parameter() => found.plus = true,
            _ => found.unescaped |= !is_plain(byte),
        }
    }
    if !escaped && !found.plus {
        return Ok((Decoded::Borrowed(raw), found));
    }
    // One buffer with room for all, so that nothing is left behind by one that grew.
    let mut decoded = Zeroizing::new(Vec::with_capacity(raw.len()));
    for (nth, piece) in raw.split('+').enumerate() {
        if nth > 0 {
            decoded.push(if part.is_parameter() { b' ' } else { b'+' });
        }
        decoded.extend(percent_decode_str(piece));
    }
    let text = str::from_utf8(&decoded).map_err(|_| KeyUriError::Utf8 { part })?;
    Ok((Decoded::Owned(Zeroizing::new(text.into())), found))
}
