//! The token of a device that the user signed in with before, and the id and label of the device.

use super::authenticator::{IdError, parse_hex, write_hex};
use crate::constant_time::reveal;
use crate::otp::is_invisible;
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The token of one device, for a cookie: 38 characters of URL-safe base64 (RFC 4648, section 5,
/// without padding).
///
/// Its 28 bytes are the id of the device (8), a number n (4, big-endian) and a tag (16). The tag is
/// the first half of HMAC-SHA-256 over the namespace, the account, the id and n, under a random
/// seed of the device. The seed is only in the encrypted record.
///
/// Each sign-in with the token returns the next one. Store it instead of the token that the browser
/// sent: see [`Receipt::device_token`](crate::Receipt::device_token). Put the token into a cookie
/// with `Secure`, `HttpOnly` and `SameSite=Lax`. The token is wiped on drop, and `Debug` shows only
/// the id.
///
/// ```
/// use countersign::DeviceToken;
///
/// let cookie = "AAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAA";
/// let token = DeviceToken::parse(cookie)?;
/// assert_eq!(token.expose(), cookie);
/// assert!(DeviceToken::parse("no token").is_err());
/// # Ok::<(), countersign::factor::DeviceTokenError>(())
/// ```
#[derive(Clone)]
pub struct DeviceToken(Box<[u8; SYMBOLS]>);

/// The content of a token. The tag is wiped on drop.
pub(super) struct TokenParts {
    pub(super) id: DeviceId,
    pub(super) number: u32,
    pub(super) tag: Zeroizing<[u8; 16]>,
}

const BYTES: usize = 28;
const SYMBOLS: usize = 38;

impl DeviceToken {
    /// Reads a token from a cookie. Whether it is genuine shows only when the verifier checks it.
    ///
    /// # Errors
    /// [`DeviceTokenError`] if the text is no token. Ask for a code as if there were no token.
    pub fn parse(text: &str) -> Result<Self, DeviceTokenError> {
        let symbols = text.as_bytes().try_into().map_err(|_| DeviceTokenError)?;
        let token = Self(Box::new(symbols));
        match with_wiped_stack::<1024, _>(|| token.parts().is_some()) {
            true => Ok(token),
            false => Err(DeviceTokenError),
        }
    }

    pub(super) fn new(id: DeviceId, number: u32, tag: &[u8; 16]) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let number = number.to_be_bytes();
        let all = id.as_bytes().iter().chain(&number).chain(tag);
        for (place, byte) in bytes.iter_mut().zip(all) {
            *place = *byte;
        }
        let mut token = Self(Box::new([0; SYMBOLS]));
        encode(&bytes, &mut token.0);
        token
    }

    /// Returns the text, for a cookie. If you copy it, wipe the copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        str::from_utf8(&*self.0).unwrap_or_default()
    }

    /// Returns the id that the token names.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.parts().map_or(DeviceId([0; 8]), |parts| parts.id)
    }

    pub(super) fn parts(&self) -> Option<TokenParts> {
        let bytes = decode(&self.0)?;
        let (id, rest) = bytes.split_first_chunk()?;
        let (number, tag) = rest.split_first_chunk()?;
        Some(TokenParts {
            id: DeviceId(*id),
            number: u32::from_be_bytes(*number),
            tag: Zeroizing::new(*tag.first_chunk()?),
        })
    }
}

/// Writes bytes as base64, six bits per symbol. No branch and no address depends on them.
fn encode(bytes: &[u8; BYTES], symbols: &mut [u8; SYMBOLS]) {
    for (three, four) in bytes.chunks(3).zip(symbols.chunks_mut(4)) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or_default());
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for (place, shift) in four.iter_mut().zip([18, 12, 6, 0]) {
            *place = symbol(word.wrapping_shr(shift) & 0x3F);
        }
    }
}

/// The symbol of six bits. A negative difference selects the next range of symbols.
fn symbol(bits: u32) -> u8 {
    let after = |last: u32, change: u32| {
        let is_after = last.wrapping_sub(bits).wrapping_shr(31);
        is_after.wrapping_neg() & change
    };
    let symbol = bits
        .wrapping_add(u32::from(b'A'))
        .wrapping_add(after(25, 6))
        .wrapping_sub(after(51, 75))
        .wrapping_sub(after(61, 13))
        .wrapping_add(after(62, 49));
    (symbol & 0x7F) as u8
}

/// Reads 38 symbols of base64, whose last four bits are zero. Only the result is revealed.
fn decode(symbols: &[u8; SYMBOLS]) -> Option<Zeroizing<[u8; BYTES]>> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    let mut wrong = 0;
    for (four, three) in symbols.chunks(4).zip(bytes.chunks_mut(3)) {
        let mut word = 0_u32;
        for place in 0..4_usize {
            let bits = four.get(place).map_or(0, |symbol| bits(*symbol));
            wrong |= bits;
            word = (word << 6) | (bits & 0x3F);
        }
        for (place, shift) in three.iter_mut().zip([16, 8, 0]) {
            *place = word.wrapping_shr(shift) as u8;
        }
        // The last group has one byte.
        wrong |= match three.len() {
            1 => (word & 0xFFFF) << 8,
            _ => 0,
        };
    }
    reveal((wrong & !0x3F).ct_eq(&0)).then_some(bytes)
}

/// The six bits of a symbol, or a number of more bits for any other byte.
fn bits(symbol: u8) -> u32 {
    let symbol = u32::from(symbol);
    let range = |first: u8, last: u8, value: u32| {
        let (first, last) = (u32::from(first), u32::from(last));
        let outside = symbol.wrapping_sub(first) | last.wrapping_sub(symbol);
        // All ones inside of the range.
        let inside = outside.wrapping_shr(31).wrapping_sub(1);
        inside
            & symbol
                .wrapping_sub(first)
                .wrapping_add(value)
                .wrapping_add(1)
    };
    let found = range(b'A', b'Z', 0)
        | range(b'a', b'z', 26)
        | range(b'0', b'9', 52)
        | range(b'-', b'-', 62)
        | range(b'_', b'_', 63);
    // Each range gave one more than the bits. Nothing becomes a number of more bits.
    found.wrapping_sub(1)
}

impl Drop for DeviceToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PartialEq for DeviceToken {
    fn eq(&self, other: &Self) -> bool {
        reveal(self.0.ct_eq(&*other.0))
    }
}

impl Eq for DeviceToken {}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceToken")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

impl FromStr for DeviceToken {
    type Err = DeviceTokenError;

    fn from_str(text: &str) -> Result<Self, DeviceTokenError> {
        Self::parse(text)
    }
}

/// The error for a text that is no [`DeviceToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is no device token; drop the cookie")]
#[non_exhaustive]
pub struct DeviceTokenError;

/// The id of one device of an account: 64 random bits, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct DeviceId([u8; 8]);

impl DeviceId {
    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

impl FromStr for DeviceId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        parse_hex(text).map(Self)
    }
}

impl TryFrom<String> for DeviceId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        alloc::format!("{id}")
    }
}

/// What the list of devices shows for one device, such as "Firefox on Linux": 1 to 48 bytes,
/// without control characters, line breaks and invisible characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct DeviceLabel(Box<str>);

impl DeviceLabel {
    /// The longest label, in bytes.
    pub const MAX_BYTES: usize = 48;

    /// Checks a label, and drops white space around it.
    ///
    /// # Errors
    /// [`DeviceLabelError`] if the label is empty, is longer than 48 bytes, or has a control
    /// character, a line break or an invisible character.
    pub fn new(label: &str) -> Result<Self, DeviceLabelError> {
        let label = label.trim();
        if label.is_empty() {
            return Err(DeviceLabelError::Empty);
        }
        if label.len() > Self::MAX_BYTES {
            return Err(DeviceLabelError::TooLong { bytes: label.len() });
        }
        if label.chars().any(is_refused) {
            return Err(DeviceLabelError::Character);
        }
        Ok(Self(label.into()))
    }

    /// Makes a label of any text, for example of a `User-Agent`: drops the characters that
    /// [`new`](Self::new) refuses, and cuts the text off. Returns "Browser" if nothing is left.
    ///
    /// ```
    /// use countersign::DeviceLabel;
    ///
    /// assert_eq!(DeviceLabel::fit("Firefox\t on Linux").as_str(), "Firefox on Linux");
    /// assert_eq!(DeviceLabel::fit("").as_str(), "Browser");
    /// ```
    #[must_use]
    pub fn fit(text: &str) -> Self {
        let mut label = String::new();
        for character in text.trim_start().chars().filter(|one| !is_refused(*one)) {
            if label.len().saturating_add(character.len_utf8()) > Self::MAX_BYTES {
                break;
            }
            label.push(character);
        }
        Self::new(&label).unwrap_or_else(|_| Self("Browser".into()))
    }

    /// Returns the label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_refused(character: char) -> bool {
    character.is_control()
        || is_invisible(character)
        || matches!(character, '\u{2028}' | '\u{2029}')
}

impl fmt::Display for DeviceLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for DeviceLabel {
    type Error = DeviceLabelError;

    fn try_from(label: String) -> Result<Self, DeviceLabelError> {
        Self::new(&label)
    }
}

impl From<DeviceLabel> for String {
    fn from(label: DeviceLabel) -> Self {
        label.0.into()
    }
}

/// The reason why a text cannot be the label of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceLabelError {
    /// The label has nothing but white space.
    #[error("the label of the device is empty; enter a label")]
    Empty,
    /// The label is longer than 48 bytes.
    #[error("the label of the device has {bytes} bytes; use at most 48")]
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// The label has a line break, a control character or an invisible character.
    #[error("the label of the device has a control or invisible character; remove it")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    const ID: DeviceId = DeviceId([7; 8]);

    #[test]
    fn a_token_survives_its_text() {
        for number in [0, 1, 77, u32::MAX] {
            let token = DeviceToken::new(ID, number, &[9; 16]);
            assert_eq!(token.expose().len(), SYMBOLS);
            let again: DeviceToken = token.expose().parse().unwrap();
            assert_eq!(again, token);
            let parts = again.parts().unwrap();
            assert_eq!((parts.id, parts.number, *parts.tag), (ID, number, [9; 16]));
        }
    }

    #[test]
    fn a_token_is_base64() {
        for byte in 0..=u8::MAX {
            let bytes: [u8; BYTES] = core::array::from_fn(|place| {
                byte.wrapping_mul(u8::try_from(place).unwrap().wrapping_add(1))
            });
            let mut symbols = [0; SYMBOLS];
            encode(&bytes, &mut symbols);
            let expected = data_encoding::BASE64URL_NOPAD.encode(&bytes);
            assert_eq!(symbols, expected.as_bytes());
            assert_eq!(decode(&symbols).map(|read| *read), Some(bytes));
            // Every byte in every place.
            for place in 0..SYMBOLS {
                let mut other = symbols;
                other[place] = byte;
                let mut read = [0; BYTES];
                let expected = data_encoding::BASE64URL_NOPAD.decode_mut(&other, &mut read);
                let expected = expected.is_ok().then_some(read);
                assert_eq!(decode(&other).map(|read| *read), expected, "{byte} {place}");
            }
        }
    }

    #[test]
    fn a_token_has_one_text() {
        let token = DeviceToken::new(ID, 1, &[9; 16]);
        let text = token.expose();
        let last = text.chars().last().unwrap();
        assert!("AQgw".contains(last), "two bits of the last symbol");
        for other in ["B", "C", "=", "\u{e9}", "+", "/"] {
            let changed = format!("{}{other}", &text[..SYMBOLS - 1]);
            assert_eq!(DeviceToken::parse(&changed), Err(DeviceTokenError));
        }
        for text in [
            "",
            "A",
            &text[1..],
            &format!("{text}A"),
            &format!("{text} "),
        ] {
            assert_eq!(DeviceToken::parse(text), Err(DeviceTokenError), "{text}");
        }
    }

    #[test]
    fn debug_shows_the_id_only() {
        let token = DeviceToken::new(ID, 1, &[9; 16]);
        let text = format!("{token:?}");
        assert!(text.contains(&ID.to_string()), "{text}");
        assert!(!text.contains(token.expose()), "{text}");
    }

    #[test]
    fn a_label_has_1_to_48_plain_bytes() {
        assert_eq!(DeviceLabel::new(" a "), Ok(DeviceLabel("a".into())));
        assert_eq!(DeviceLabel::new(" "), Err(DeviceLabelError::Empty));
        assert!(DeviceLabel::new(&"a".repeat(48)).is_ok());
        let bytes = 49;
        assert_eq!(
            DeviceLabel::new(&"a".repeat(bytes)),
            Err(DeviceLabelError::TooLong { bytes })
        );
        for label in ["a\nb", "a\u{202e}b", "a\u{2028}b", "a\u{200b}"] {
            assert_eq!(DeviceLabel::new(label), Err(DeviceLabelError::Character));
            assert!(DeviceLabel::fit(label).as_str().starts_with('a'));
        }
        assert_eq!(DeviceLabel::fit(&"\u{20ac}".repeat(99)).as_str().len(), 48);
        assert_eq!(DeviceLabel::fit("\u{200b}\n").as_str(), "Browser");
    }
}
