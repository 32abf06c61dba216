//! Shared secrets, their base32 text, and the errors of reading it.

use super::typed_characters::{is_invisible, is_separator, symbol};
use crate::otp::Algorithm;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::{fmt, mem};
use data_encoding::{BASE32_NOPAD, DecodeKind, Encoding, Specification};
use rand_core::{CryptoRng, TryCryptoRng};
use zeroize::{Zeroizing, optimization_barrier, zeroize_bytes};

/// A shared secret of at least 128 bits (RFC 4226, section 4, R6). Wiped on drop.
///
/// A new secret has 160 bits unless you ask for another length. The methods with `minimum_bits`
/// accept shorter secrets of other systems.
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
    /// The smallest number of bits, unless you pass a lower minimum.
    pub const MINIMUM_BITS: usize = 128;

    /// The longest secret, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// The longest typed text that is read, in bytes. This limit has room for the longest secret in
    /// full-width letters with spaces.
    pub const MAX_TYPED_BYTES: usize = 16 * 1024;

    /// Generates a secret of 160 bits from the operating system's random source.
    ///
    /// RFC 4226 recommends this length. As text the secret has 32 characters.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system's random source fails.
    #[cfg(feature = "getrandom")]
    pub fn generate() -> Result<Self, RandomError> {
        Self::try_generate(&mut getrandom::SysRng, Algorithm::Sha1).map_err(|_| RandomError::new())
    }

    /// Generates a secret of 160 bits with your own cryptographically secure generator.
    ///
    /// The generator implements `CryptoRng` of [`rand_core`](crate::rand_core) 0.10. The crate
    /// `rand` 0.10 fits: pass `&mut rand::rng()`.
    #[must_use]
    pub fn generate_with<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self::generate_for(Algorithm::Sha1, rng)
    }

    /// Generates a secret as long as the output of an algorithm (RFC 6238, section 5.1): 160, 256
    /// or 512 bits.
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
    /// [`SecretError::TooShort`] or [`SecretError::TooLong`] if the length is out of bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        Self::from_bytes_with_minimum(bytes, Self::MINIMUM_BITS)
    }

    /// Copies a secret of another system, with a lower minimum: 80-bit secrets are still in use.
    ///
    /// The secret has at least one byte, whatever the minimum.
    ///
    /// # Errors
    /// [`SecretError::TooShort`] or [`SecretError::TooLong`] if the length is out of bounds.
    pub fn from_bytes_with_minimum(bytes: &[u8], minimum_bits: usize) -> Result<Self, SecretError> {
        check_length(bytes.len(), minimum_bits)?;
        Ok(Self(bytes.into()))
    }

    /// Decodes canonical base32 (RFC 4648, section 6), as in a key URI: upper case, no padding, no
    /// separators, spare bits zero.
    ///
    /// # Errors
    /// [`SecretError`] names the first fault.
    pub fn from_base32(text: &str) -> Result<Self, SecretError> {
        Self::from_base32_with_minimum(text, Self::MINIMUM_BITS)
    }

    /// Like [`from_base32`](Self::from_base32), with a lower minimum for secrets of other systems.
    ///
    /// # Errors
    /// [`SecretError`] names the first fault.
    pub fn from_base32_with_minimum(text: &str, minimum_bits: usize) -> Result<Self, SecretError> {
        decode(&BASE32_NOPAD, text.as_bytes(), minimum_bits)
    }

    /// Decodes base32 as users type it.
    ///
    /// The text can have lower-case and full-width characters, spaces of any kind, hyphens,
    /// invisible characters and padding. Spare bits need not be zero: this method drops them, as
    /// apps do.
    ///
    /// # Errors
    /// [`SecretError`] names the first fault. For a wrong character, the error is
    /// [`TypedCharacter`](SecretError::TypedCharacter). For text longer than
    /// [`MAX_TYPED_BYTES`](Self::MAX_TYPED_BYTES), the error is [`TooLong`](SecretError::TooLong).
    pub fn from_typed_base32(text: &str) -> Result<Self, SecretError> {
        Self::from_typed_base32_with_minimum(text, Self::MINIMUM_BITS)
    }

    /// Like [`from_typed_base32`](Self::from_typed_base32), with a lower minimum for secrets of
    /// other systems.
    ///
    /// # Errors
    /// The same as for [`from_typed_base32`](Self::from_typed_base32).
    pub fn from_typed_base32_with_minimum(
        text: &str,
        minimum_bits: usize,
    ) -> Result<Self, SecretError> {
        let bytes = text.len();
        if bytes > Self::MAX_TYPED_BYTES {
            return Err(SecretError::TooLong { bytes });
        }
        decode(
            &base32_ignoring_spare_bits()?,
            &typed_symbols(text)?,
            minimum_bits,
        )
    }

    /// Returns the bytes, for [`Totp::new`](crate::otp::Totp::new) or for your own storage.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the length in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.len().saturating_mul(8)
    }

    /// Returns canonical base32 without padding, as in a key URI.
    #[must_use]
    pub fn to_base32(&self) -> SecretText {
        let mut text = String::with_capacity(BASE32_NOPAD.encode_len(self.0.len()));
        BASE32_NOPAD.encode_append(&self.0, &mut text);
        SecretText::new(text)
    }

    /// Returns base32 in groups of four with spaces between, for a user to type.
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

/// The error for a secret that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The secret has too few bits.
    #[error("the secret has {bits} bits; at least {minimum} are needed")]
    TooShort {
        /// The number of bits in the secret.
        bits: usize,
        /// The smallest number of bits allowed.
        minimum: usize,
    },
    /// The secret has more than [`Secret::MAX_BYTES`], or the typed text more than
    /// [`Secret::MAX_TYPED_BYTES`].
    #[error(
        "the secret is too long: {bytes} bytes; at most 1024 are taken, or 16384 of typed text"
    )]
    TooLong {
        /// The length of the secret or of the typed text, in bytes.
        bytes: usize,
    },
    /// The typed text has a character other than A to Z and 2 to 7. The error holds this character
    /// and no other part of the text.
    #[error(
        "the {} character as typed, counted from 1, is {}: \
         keys have the letters A to Z and the digits 2 to 7{}",
        Ordinal(*position),
        Visible(*character),
        Hint(*character)
    )]
    TypedCharacter {
        /// The position that the user sees, in characters from 1. Spaces and hyphens count;
        /// invisible characters do not.
        position: usize,
        /// The character as the user typed it.
        character: char,
    },
    /// Text that was not typed has a character other than A to Z and 2 to 7.
    #[error(
        "the secret is not base32: character {position} is not one of A-Z and 2-7, counted from 0"
    )]
    Base32Symbol {
        /// The position in bytes from 0.
        position: usize,
    },
    /// No whole number of bytes encodes to base32 of this length.
    #[error("the secret is not base32: it is cut short, or has a character too many")]
    Base32Length,
    /// The last character has bits that belong to no byte, and they are not zero.
    #[error(
        "the secret is not canonical base32: the spare bits of the last character are not zero"
    )]
    Base32SpareBits,
}

/// Text that holds a secret: a key URI, a setup key or a backup code. Wiped on drop.
///
/// A `SecretText` has no `Display`, so it cannot get into a log by mistake. Only
/// [`expose`](Self::expose) returns the text. Your application must wipe the copies that it makes,
/// such as a page or a response body.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps text. First allocate a buffer with room for the whole text: a buffer that grew has
    /// left copies in memory.
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
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
    /// Wipes the whole buffer in one call. `String::zeroize` writes byte by byte.
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.0).into_bytes();
        bytes.clear();
        bytes.resize(bytes.capacity(), 0);
        optimization_barrier(bytes.as_slice());
    }
}

/// The error for a random source that failed. Nothing was generated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed")]
#[non_exhaustive]
pub struct RandomError;

impl RandomError {
    /// Makes the error, for your own random source.
    #[must_use]
    pub const fn new() -> Self {
        Self
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

/// Returns the base32 symbols of a typed text, in upper case.
fn typed_symbols(text: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    // No symbol is longer than its typed character, so the buffer never grows. A buffer that grows
    // leaves a copy.
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
        // Padding is an error if a symbol follows it.
        symbols.push(padding.map_or(symbol, Err)?);
    }
    Ok(symbols)
}

fn is_base32_symbol(byte: &u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'2'..=b'7')
}

fn decode(encoding: &Encoding, text: &[u8], minimum_bits: usize) -> Result<Secret, SecretError> {
    // Eight symbols encode five bytes.
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

/// Returns base32 without the check that spare bits are zero.
fn base32_ignoring_spare_bits() -> Result<Encoding, SecretError> {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    specification.check_trailing_bits = false;
    specification
        .encoding()
        .map_err(|_| SecretError::Base32Length)
}

/// A number as text: `1st`, `2nd`, `3rd`, `4th`.
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

/// A character in quotation marks, or its code point if the character would be invisible.
struct Visible(char);

impl fmt::Display for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_visible = matches!(self.0, '\'' | '"' | '\\') || self.0.escape_debug().len() == 1;
        if is_visible {
            write!(f, "'{}'", self.0)
        } else {
            write!(f, "U+{:04X}", u32::from(self.0))
        }
    }
}

/// A hint for a digit that no setup key has: the letter that the user may have meant.
struct Hint(char);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match symbol(self.0) {
            Some(b'0') => "; perhaps it is the letter O",
            Some(b'1') => "; perhaps it is the letter I or L",
            Some(b'8') => "; perhaps it is the letter B",
            _ => "",
        })
    }
}
