//! The token of a device that the user signed in with before.

use crate::DeviceId;
use crate::constant_time::reveal;
use crate::stack_wipe::with_wiped_stack;
use alloc::boxed::Box;
use base64ct::{Base64UrlUnpadded, Encoding};
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
        self.parts()
            .map_or(DeviceId::from_bytes([0; 8]), |parts| parts.id)
    }

    pub(super) fn parts(&self) -> Option<TokenParts> {
        let bytes = decode(&self.0)?;
        let (id, rest) = bytes.split_first_chunk()?;
        let (number, tag) = rest.split_first_chunk()?;
        Some(TokenParts {
            id: DeviceId::from_bytes(*id),
            number: u32::from_be_bytes(*number),
            tag: Zeroizing::new(*tag.first_chunk()?),
        })
    }
}

/// Writes bytes as base64 in constant time.
fn encode(bytes: &[u8; BYTES], symbols: &mut [u8; SYMBOLS]) {
    // The symbols have exactly the length of these bytes.
    let _ = Base64UrlUnpadded::encode(bytes, symbols);
}

/// Reads base64 in constant time, whose last four bits are zero. Only the result is revealed.
fn decode(symbols: &[u8; SYMBOLS]) -> Option<Zeroizing<[u8; BYTES]>> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    Base64UrlUnpadded::decode(symbols, &mut *bytes).ok()?;
    Some(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    const ID: DeviceId = DeviceId::from_bytes([7; 8]);

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
}
