use super::code::{is_invisible, is_separator, symbol};
use crate::otp::Algorithm;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::{fmt, mem};
use data_encoding::{BASE32_NOPAD, DecodeKind, Encoding, Specification};
use rand_core::{CryptoRng, TryCryptoRng};
use zeroize::{Zeroizing, optimization_barrier, zeroize_bytes};

/// A shared secret of at least 128 bits (RFC 4226, section 4, R6), 160 bits unless asked otherwise.
/// Wiped on drop.
///
/// ```
/// use countersign::Timestamp;
/// use countersign::otp::{Algorithm, Digits, Period, Secret, Totp};
///
/// let secret = Secret::from_typed_base32("gezd gnbv gy3t qojq gezd gnbv gy3t qojq")?;
/// assert_eq!(secret.expose(), b"12345678901234567890");
/// assert_eq!(secret.to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
///
/// let totp = Totp::new(secret.expose(), Algorithm::Sha1, Digits::SIX, Period::default());
/// assert_eq!(totp.generate(Timestamp::from_unix(59)).expose(), "287082");
/// # Ok::<(), countersign::otp::SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The fewest bits that a secret has unless a lower minimum is asked for.
    pub const MINIMUM_BITS: usize = 128;

    /// The longest secret, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// The longest text of a typed key that is looked at, in bytes: room for the longest secret, in full-width letters
    /// and with spaces.
    pub const MAX_TYPED_BYTES: usize = 16 * 1024;

    /// A new secret of 160 bits from the operating system's random source: 32 characters to type, and
    /// the length that RFC 4226 recommends.
    ///
    /// # Errors
    /// [`RandomError`](RandomError) if the system has no random source to offer.
    #[cfg(feature = "getrandom")]
    pub fn generate() -> Result<Self, RandomError> {
        Self::try_generate(&mut getrandom::SysRng, Algorithm::Sha1).map_err(|_| RandomError::new())
    }

    /// A new secret of 160 bits from a cryptographically secure generator.
    #[must_use]
    pub fn generate_with<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self::generate_for(Algorithm::Sha1, rng)
    }

    /// A new secret as long as the output of an algorithm (RFC 6238, section 5.1): 160, 256 or 512 bits.
    #[must_use]
    pub fn generate_for<R: CryptoRng + ?Sized>(algorithm: Algorithm, rng: &mut R) -> Self {
        let Ok(secret) = Self::try_generate(rng, algorithm);
        secret
    }

    pub(crate) fn try_generate<R: TryCryptoRng + ?Sized>(
        rng: &mut R,
        algorithm: Algorithm,
    ) -> Result<Self, R::Error> {
        let mut secret = Self(vec![0; algorithm.output_len()].into_boxed_slice());
        rng.try_fill_bytes(&mut secret.0)?;
        Ok(secret)
    }

    /// Copies a secret of at least 128 bits.
    ///
    /// # Errors
    /// [`SecretError::TooShort`] or [`SecretError::TooLong`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        Self::from_bytes_with_minimum(bytes, Self::MINIMUM_BITS)
    }

    /// Copies a secret that another system made: 80-bit secrets are still about. At least one byte,
    /// whatever the minimum.
    ///
    /// # Errors
    /// [`SecretError::TooShort`] or [`SecretError::TooLong`].
    pub fn from_bytes_with_minimum(bytes: &[u8], minimum_bits: usize) -> Result<Self, SecretError> {
        check_length(bytes.len(), minimum_bits)?;
        Ok(Self(bytes.into()))
    }

    /// Decodes canonical base32 (RFC 4648, section 6) as it stands in a key URI: upper case, no padding,
    /// no separators, spare bits zero.
    ///
    /// # Errors
    /// [`SecretError`] names the first fault.
    pub fn from_base32(text: &str) -> Result<Self, SecretError> {
        Self::from_base32_with_minimum(text, Self::MINIMUM_BITS)
    }

    /// As [`from_base32`](Self::from_base32), with a lower minimum for secrets of other systems.
    ///
    /// # Errors
    /// [`SecretError`] names the first fault.
    pub fn from_base32_with_minimum(text: &str, minimum_bits: usize) -> Result<Self, SecretError> {
        decode(&BASE32_NOPAD, text.as_bytes(), minimum_bits)
    }

    /// Decodes base32 as people type it: in either case, with full-width letters and digits, spaces of any kind,
    /// hyphens, invisible characters and padding, and with spare bits that are not zero (which are dropped, as apps
    /// do).
    ///
    /// # Errors
    /// [`SecretError`] names the first fault: [`TypedCharacter`](SecretError::TypedCharacter) where it is a character.
    /// Text longer than [`MAX_TYPED_BYTES`](Self::MAX_TYPED_BYTES) is [`TooLong`](SecretError::TooLong).
    pub fn from_typed_base32(text: &str) -> Result<Self, SecretError> {
        Self::from_typed_base32_with_minimum(text, Self::MINIMUM_BITS)
    }

    /// As [`from_typed_base32`](Self::from_typed_base32), with a lower minimum for secrets of other
    /// systems.
    ///
    /// # Errors
    /// As [`from_typed_base32`](Self::from_typed_base32).
    pub fn from_typed_base32_with_minimum(
        text: &str,
        minimum_bits: usize,
    ) -> Result<Self, SecretError> {
        let bytes = text.len();
        if bytes > Self::MAX_TYPED_BYTES {
            return Err(SecretError::TooLong { bytes });
        }
        decode(&spare_bits_ignored()?, &typed_symbols(text)?, minimum_bits)
    }

    /// The bytes, to hand to [`Totp::new`](crate::otp::Totp::new) or to a store of your own.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The length in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.len().saturating_mul(8)
    }

    /// Canonical base32 without padding, as in a key URI.
    #[must_use]
    pub fn to_base32(&self) -> SecretText {
        let mut text = String::with_capacity(BASE32_NOPAD.encode_len(self.0.len()));
        BASE32_NOPAD.encode_append(&self.0, &mut text);
        SecretText::new(text)
    }

    /// Base32 in groups of four with spaces between, for a person to type.
    #[must_use]
    pub fn to_base32_grouped(&self) -> SecretText {
        let plain = self.to_base32();
        let plain = plain.expose();
        let mut text = String::with_capacity(plain.len().saturating_add(plain.len() / 4));
        for (at, symbol) in plain.chars().enumerate() {
            if at != 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(symbol);
        }
        SecretText::new(text)
    }
}

fn check_length(bytes: usize, minimum_bits: usize) -> Result<(), SecretError> {
    let minimum = minimum_bits.max(8);
    let bits = bytes.saturating_mul(8);
    if bits < minimum {
        return Err(SecretError::TooShort { bits, minimum });
    }
    if bytes > Secret::MAX_BYTES {
        return Err(SecretError::TooLong { bytes });
    }
    Ok(())
}

/// The symbols of base32 that were typed, in upper case.
fn typed_symbols(text: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    // A symbol is no longer than the character that it was typed as, so this never grows.
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut padding = None;
    let seen = text.chars().filter(|character| !is_invisible(*character));
    for (position, character) in (1..).zip(seen) {
        if is_separator(character) {
            continue;
        }
        let fault = SecretError::TypedCharacter {
            position,
            character,
        };
        if matches!(character, '=' | '\u{ff1d}') {
            padding.get_or_insert(fault);
            continue;
        }
        let symbol = symbol(character).filter(is_base32_symbol).ok_or(fault);
        // What is followed by more is no padding.
        symbols.push(padding.map_or(symbol, Err)?);
    }
    Ok(symbols)
}

fn is_base32_symbol(byte: &u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
}

fn decode(encoding: &Encoding, text: &[u8], minimum_bits: usize) -> Result<Secret, SecretError> {
    // Eight symbols hold five bytes.
    let bytes = text.len().saturating_mul(5) / 8;
    if bytes > Secret::MAX_BYTES {
        return Err(SecretError::TooLong { bytes });
    }
    let fault = |kind| {
        let position = text.iter().position(|byte| !is_base32_symbol(byte));
        match (position, kind) {
            (Some(position), _) => SecretError::Base32Symbol { position },
            (None, DecodeKind::Trailing) => SecretError::Base32SpareBits,
            (None, _) => SecretError::Base32Length,
        }
    };
    let length = encoding
        .decode_len(text.len())
        .map_err(|error| fault(error.kind))?;
    let mut secret = Secret(vec![0; length].into_boxed_slice());
    encoding
        .decode_mut(text, &mut secret.0)
        .map_err(|partial| fault(partial.error.kind))?;
    check_length(length, minimum_bits)?;
    Ok(secret)
}

fn spare_bits_ignored() -> Result<Encoding, SecretError> {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification.check_trailing_bits = false;
    specification
        .encoding()
        .map_err(|_| SecretError::Base32Length)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("bits", &self.bits())
            .finish_non_exhaustive()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize_bytes(&mut self.0);
    }
}

/// A secret that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Too few bits.
    #[error("the secret has {bits} bits; at least {minimum} are needed")]
    TooShort {
        /// The bits that it has.
        bits: usize,
        /// The bits that it needs.
        minimum: usize,
    },
    /// More than [`Secret::MAX_BYTES`], or typed text of more than [`Secret::MAX_TYPED_BYTES`].
    #[error(
        "the secret is too long: {bytes} bytes; at most 1024 are taken, or 16384 of typed text"
    )]
    TooLong {
        /// The bytes that the secret has, or the typed text.
        bytes: usize,
    },
    /// A typed character that is not one of A to Z and 2 to 7. It is the only one that the error holds of what was
    /// typed.
    #[error(
        "the {} character as typed, counted from 1, is {}: keys have the letters A to Z and the digits 2 to 7{}",
        Ordinal(*position),
        Seen(*character),
        Meant(*character)
    )]
    TypedCharacter {
        /// Where the person sees it, in characters from 1: spaces and hyphens count, invisible characters do not.
        position: usize,
        /// The character as it was typed.
        character: char,
    },
    /// A character that is not one of A to Z and 2 to 7, in text that nobody typed.
    #[error(
        "the secret is not base32: character {position} is not one of A-Z and 2-7, counted from 0"
    )]
    Base32Symbol {
        /// Where, in bytes from 0.
        position: usize,
    },
    /// No whole number of bytes has base32 of this length.
    #[error("the secret is not base32: it is cut short, or has a character too many")]
    Base32Length,
    /// The last character has bits that no byte holds.
    #[error(
        "the secret is not canonical base32: the spare bits of the last character are not zero"
    )]
    Base32SpareBits,
}

struct Ordinal(usize);

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{ending}", self.0)
    }
}

/// A character in quotation marks, or its code point if nothing would be seen between them.
struct Seen(char);

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = matches!(self.0, '\'' | '"' | '\\') || self.0.escape_debug().len() == 1;
        if is_shown {
            write!(f, "'{}'", self.0)
        } else {
            write!(f, "U+{:04X}", u32::from(self.0))
        }
    }
}

/// The letter that somebody may have meant by a digit that no key has.
struct Meant(char);

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match symbol(self.0) {
            Some(b'0') => "; perhaps it is the letter O",
            Some(b'1') => "; perhaps it is the letter I or L",
            Some(b'8') => "; perhaps it is the letter B",
            _ => "",
        })
    }
}

/// Text that holds a secret: a key URI, a key to type, a backup code. Wiped on drop.
///
/// It has no `Display`, so that it cannot slip into a log: [`expose`](Self::expose) is the one way out.
/// What is copied out of it (a page, a response body) is the host's to wipe.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// Takes text over. Its buffer must have been allocated with room for all of it: a buffer that grew
    /// has left copies behind.
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretText").finish_non_exhaustive()
    }
}

impl Drop for SecretText {
    /// In one go; `String::zeroize` goes byte by byte.
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.0).into_bytes();
        bytes.clear();
        bytes.resize(bytes.capacity(), 0);
        optimization_barrier(bytes.as_slice());
    }
}

/// A random source failed, so nothing was made that would have to be unguessable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed")]
#[non_exhaustive]
pub struct RandomError;

impl RandomError {
    /// The error, for random sources that a host implements.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}
