//! The names of parameters, and the values by which other programs say that a key URI is none of
//! ours.
//! What a key URI says of the passcodes: its parameters but the issuer, and what of them can be
//! mended.

use super::key_uri::{KeyUriKind, is_image};
use super::parse::Reader;
use super::{KeyUriError, KeyUriPart, Repair};
use crate::otp::{Algorithm, AlgorithmError, Digits, DigitsError, Period, Secret};
use alloc::vec::Vec;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Parameters of other programs that change the passcodes: KeePassXC's `encoder`, the T0 of otphp.
const UNSUPPORTED: [&str; 2] = ["encoder", "epoch"];

/// What stands for `&` in HTML, without the `&` that begins it; the last two with the semicolon
/// escaped.
const AMPERSANDS: [&str; 6] = ["amp;", "#38;", "#038;", "#x26;", "amp%3B", "#38%3B"];

/// The words that programs write for a value that they do not have.
const NO_VALUE: [&str; 7] = ["null", "(null)", "undefined", "none", "nil", "<nil>", "nan"];

/// The parameter with this name, whatever its case: a name that only some readers know must not
/// hide what it says from the others. Names are decoded too, because RFC 3986 (section 6.2.2.2)
/// calls `%73ecret` and `secret` equal.
#[inline]
pub(super) fn parameter_named(name: &str) -> Option<KeyUriPart> {
    let exact = KeyUriPart::PARAMETERS
        .into_iter()
        .find(|part| part.name() == name);
    exact.or_else(|| {
        KeyUriPart::PARAMETERS
            .into_iter()
            .find(|part| is_name(name, part.name()))
    })
}

/// The unsupported parameter with this name.
pub(super) fn unsupported_named(name: &str) -> Option<&'static str> {
    UNSUPPORTED.into_iter().find(|known| is_name(name, known))
}

fn is_name(name: &str, known: &str) -> bool {
    percent_decode_str(name)
        .map(|byte| byte.to_ascii_lowercase())
        .eq(known.bytes())
}

/// The parameter that an unknown name ends in, digits and punctuation at the end aside: `xdigits`,
/// `digits[]`. Whoever ignored it would take the default value, and make wrong passcodes. An image
/// makes none.
pub(super) fn garbled_name(name: &str) -> Option<KeyUriPart> {
    let decoded = percent_decode_str(name).map(|byte| byte.to_ascii_lowercase());
    let mut letters: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(name.len()));
    letters.extend(decoded);
    while letters.pop_if(|byte| !byte.is_ascii_lowercase()).is_some() {}
    KeyUriPart::PARAMETERS
        .into_iter()
        .find(|part| *part != KeyUriPart::Image && letters.ends_with(part.name().as_bytes()))
}

/// A parameter without what HTML makes of the `&` before it, however often it was escaped.
pub(super) fn without_ampersand(mut parameter: &str) -> &str {
    let shorter = |text| AMPERSANDS.iter().find_map(|entity| after(text, entity));
    while let Some(rest) = shorter(parameter) {
        parameter = rest;
    }
    parameter
}

/// The text after a beginning, whatever its case.
#[inline]
pub(super) fn after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let (begins, rest) = text.split_at_checked(beginning.len())?;
    begins.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// Whether a text, which may be escaped, says Steam Guard: KeePassXC's `encoder=steam`, others'
/// `representation=steamguard` and `algorithm=STEAM`.
pub(super) fn is_steam(text: &str) -> bool {
    let letters = || {
        percent_decode_str(text)
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_lowercase())
    };
    letters().eq(*b"steam") || letters().eq(*b"steamguard")
}

/// Whether a value is empty or a word for no value.
pub(super) fn is_no_value(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || NO_VALUE.iter().any(|word| value.eq_ignore_ascii_case(word))
}

impl Reader<'_> {
    #[inline]
    pub(super) fn secret(&mut self, text: Option<&str>) -> Result<Secret, KeyUriError> {
        let part = KeyUriPart::Secret;
        let text = text.ok_or(KeyUriError::Missing { part })?;
        if text.is_empty() {
            return Err(KeyUriError::Empty { part });
        }
        let Some(repairs) = &mut self.repairs else {
            return Ok(Secret::from_base32_with_minimum(text, self.minimum_bits)?);
        };
        // Two of the words are base32.
        if is_no_value(text) {
            return Err(KeyUriError::Missing { part });
        }
        let secret = Secret::from_typed_base32_with_minimum(text, self.minimum_bits)?;
        let last_symbol = |text: &str| {
            text.bytes()
                .rfind(u8::is_ascii_alphanumeric)
                .map(|byte| byte.to_ascii_uppercase())
        };
        let faults = [
            (
                Repair::SecretCase,
                text.bytes().any(|byte| byte.is_ascii_lowercase()),
            ),
            (
                Repair::SecretSeparators,
                text.chars().any(|c| c != '=' && !c.is_ascii_alphanumeric()),
            ),
            (Repair::SecretPadding, text.contains('=')),
            (
                Repair::SecretSpareBits,
                last_symbol(text) != last_symbol(secret.to_base32().expose()),
            ),
            (
                Repair::SecretShort {
                    bits: secret.bits(),
                },
                secret.bits() < Secret::MINIMUM_BITS,
            ),
        ];
        repairs.extend(
            faults
                .into_iter()
                .filter_map(|(repair, is)| is.then_some(repair)),
        );
        Ok(secret)
    }

    #[inline]
    pub(super) fn algorithm(&mut self, name: Option<&str>) -> Result<Algorithm, KeyUriError> {
        let part = KeyUriPart::Algorithm;
        let refusal = AlgorithmError.into();
        let Some(name) = self.given(part, name, refusal)? else {
            return Ok(Algorithm::default());
        };
        if let Ok(algorithm) = name.parse() {
            return Ok(algorithm);
        }
        if is_steam(name) {
            return Err(KeyUriError::Steam);
        }
        let algorithm = algorithm_meant_by(name).ok_or(refusal)?;
        self.mend(Repair::AlgorithmName, refusal)?;
        Ok(algorithm)
    }

    #[inline]
    pub(super) fn digits(&mut self, value: Option<&str>) -> Result<Digits, KeyUriError> {
        match self.number(KeyUriPart::Digits, value)? {
            Some(digits) => Ok(Digits::new(u8::try_from(digits).map_err(|_| DigitsError)?)?),
            None => Ok(Digits::default()),
        }
    }

    #[inline]
    pub(super) fn kind(
        &mut self,
        is_totp: bool,
        period: Option<&str>,
        counter: Option<&str>,
    ) -> Result<KeyUriKind, KeyUriError> {
        let (other, part) = if is_totp {
            (counter, KeyUriPart::Counter)
        } else {
            (period, KeyUriPart::Period)
        };
        if other.is_some() {
            self.mend(
                Repair::NotForType { part },
                KeyUriError::NotForType { part },
            )?;
        }
        if is_totp {
            let period = match self.number(KeyUriPart::Period, period)? {
                Some(seconds) => Period::from_secs(seconds)?,
                None => Period::default(),
            };
            return Ok(KeyUriKind::Totp { period });
        }
        let part = KeyUriPart::Counter;
        let counter = match self.number(part, counter)? {
            Some(counter) => counter,
            None => {
                self.mend(Repair::CounterMissing, KeyUriError::Missing { part })?;
                0
            }
        };
        Ok(KeyUriKind::Hotp { counter })
    }

    #[inline]
    pub(super) fn image<'a>(
        &mut self,
        address: Option<&'a str>,
    ) -> Result<Option<&'a str>, KeyUriError> {
        if address.is_none_or(is_image) {
            return Ok(address);
        }
        self.mend(Repair::Image, KeyUriError::Image)?;
        Ok(None)
    }

    #[inline]
    fn number(
        &mut self,
        part: KeyUriPart,
        value: Option<&str>,
    ) -> Result<Option<u64>, KeyUriError> {
        let refusal = KeyUriError::Number { part };
        let Some(text) = self.given(part, value, refusal)? else {
            return Ok(None);
        };
        // `parse` alone would take a plus sign.
        let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if is_decimal(text) {
            return Ok(Some(text.parse().map_err(|_| refusal)?));
        }
        let trimmed = text.trim();
        if !is_decimal(trimmed) || trimmed.is_empty() {
            return Err(refusal);
        }
        self.mend(Repair::OuterSpace { part }, refusal)?;
        Ok(Some(trimmed.parse().map_err(|_| refusal)?))
    }

    /// A value, unless it is empty or a word for no value.
    #[inline]
    fn given<'a>(
        &mut self,
        part: KeyUriPart,
        value: Option<&'a str>,
        refusal: KeyUriError,
    ) -> Result<Option<&'a str>, KeyUriError> {
        match value {
            Some("") => self.mend(Repair::NoValue { part }, KeyUriError::Empty { part })?,
            Some(word) if self.is_lenient() && is_no_value(word) => {
                self.mend(Repair::NoValue { part }, refusal)?;
            }
            value => return Ok(value),
        }
        Ok(None)
    }
}

/// Understands `sha1`, `SHA-256`, `HmacSHA512`, `HMAC-SHA-256`, `hmac_sha1`.
fn algorithm_meant_by(name: &str) -> Option<Algorithm> {
    let symbols = || {
        name.bytes()
            .filter(|byte| !matches!(byte, b'-' | b'_') && !byte.is_ascii_whitespace())
            .map(|byte| byte.to_ascii_uppercase())
    };
    [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]
        .into_iter()
        .find(|algorithm| {
            symbols().eq(algorithm.name().bytes())
                || symbols().eq(b"HMAC".iter().copied().chain(algorithm.name().bytes()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_garbled_if_it_ends_in_a_known_one() {
        for (name, part) in [
            ("xdigits", KeyUriPart::Digits),
            ("DIGITS ", KeyUriPart::Digits),
            ("digits[]", KeyUriPart::Digits),
            ("%20period", KeyUriPart::Period),
            ("semi;algorithm", KeyUriPart::Algorithm),
            ("client_secret", KeyUriPart::Secret),
            ("counter1", KeyUriPart::Counter),
            ("?issuer", KeyUriPart::Issuer),
        ] {
            assert_eq!(garbled_name(name), Some(part), "{name}");
        }
        let harmless = [
            "icon",
            "color",
            "logo",
            "lock",
            "pin",
            "image_url",
            "logoimage",
            "digit",
            "periodic",
            "T",
            "",
            "%FF",
            "serial",
            "group",
            "tags",
            "data",
            "deviceid",
        ];
        for name in harmless {
            assert_eq!(garbled_name(name), None, "{name}");
        }
    }

    #[test]
    fn an_escaped_ampersand_is_taken_off_however_often_it_was_escaped() {
        for parameter in [
            "digits=8",
            "amp;digits=8",
            "AMP;amp;amp;digits=8",
            "amp;#38;digits=8",
            "#x26;digits=8",
            "#038;digits=8",
            "amp%3bdigits=8",
        ] {
            assert_eq!(without_ampersand(parameter), "digits=8", "{parameter}");
        }
        for parameter in ["amp", "ampdigits=8", "#39;digits=8", "ä;digits=8"] {
            assert_eq!(without_ampersand(parameter), parameter);
        }
    }

    #[test]
    fn steam_is_known_in_every_writing() {
        for text in [
            "steam",
            "STEAM",
            "SteamGuard",
            "steam_guard",
            "Steam%20Guard",
            "%73team",
        ] {
            assert!(is_steam(text), "{text}");
        }
        for text in ["", "steampunk", "upstream", "S"] {
            assert!(!is_steam(text), "{text}");
        }
    }
}
