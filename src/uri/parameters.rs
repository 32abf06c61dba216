//! The parameters of a key URI, except the issuer: their names, values and repairs.

use super::key_uri::{KeyUriKind, is_image_address};
use super::repair::Reader;
use super::{KeyUriError, KeyUriPart, Repair};
use crate::otp::{Algorithm, AlgorithmError, Digits, DigitsError, Period, Secret};
use alloc::vec::Vec;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

impl Reader<'_> {
    /// Parses the secret.
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
        // Two of these words are valid base32.
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
                .filter_map(|(repair, needed)| needed.then_some(repair)),
        );
        Ok(secret)
    }

    /// Parses the algorithm.
    #[inline]
    pub(super) fn algorithm(&mut self, name: Option<&str>) -> Result<Algorithm, KeyUriError> {
        let part = KeyUriPart::Algorithm;
        let refusal = AlgorithmError.into();
        let Some(name) = self.present(part, name, refusal)? else {
            return Ok(Algorithm::default());
        };
        if let Ok(algorithm) = name.parse() {
            return Ok(algorithm);
        }
        if is_steam(name) {
            return self.steam_algorithm(refusal);
        }
        let algorithm = algorithm_spelled(name).ok_or(refusal)?;
        self.repair_or_refuse(Repair::AlgorithmName, refusal)?;
        Ok(algorithm)
    }

    /// Parses the number of digits. In a Steam Guard URI, the number is 5 or missing.
    #[inline]
    pub(super) fn digits(&mut self, value: Option<&str>) -> Result<Digits, KeyUriError> {
        let part = KeyUriPart::Digits;
        match self.number(part, value)? {
            Some(5) if self.is_steam => Ok(Digits::default()),
            Some(_) if self.is_steam => Err(KeyUriError::NotForType { part }),
            Some(digits) => Ok(Digits::new(u8::try_from(digits).map_err(|_| DigitsError)?)?),
            None => Ok(Digits::default()),
        }
    }

    /// Parses the period or the counter.
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
            self.repair_or_refuse(
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
                self.repair_or_refuse(Repair::CounterMissing, KeyUriError::Missing { part })?;
                0
            }
        };
        Ok(KeyUriKind::Hotp { counter })
    }

    /// Parses the address of the logo.
    #[inline]
    pub(super) fn image<'a>(
        &mut self,
        address: Option<&'a str>,
    ) -> Result<Option<&'a str>, KeyUriError> {
        if address.is_none_or(is_image_address) {
            return Ok(address);
        }
        self.repair_or_refuse(Repair::Image, KeyUriError::Image)?;
        Ok(None)
    }

    /// Parses a decimal number.
    #[inline]
    fn number(
        &mut self,
        part: KeyUriPart,
        value: Option<&str>,
    ) -> Result<Option<u64>, KeyUriError> {
        let refusal = KeyUriError::Number { part };
        let Some(text) = self.present(part, value, refusal)? else {
            return Ok(None);
        };
        // `parse` alone would accept a plus sign.
        let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if is_decimal(text) {
            return Ok(Some(text.parse().map_err(|_| refusal)?));
        }
        let trimmed = text.trim();
        if !is_decimal(trimmed) || trimmed.is_empty() {
            return Err(refusal);
        }
        self.repair_or_refuse(Repair::OuterSpace { part }, refusal)?;
        Ok(Some(trimmed.parse().map_err(|_| refusal)?))
    }

    /// Returns the value, unless it is empty or a word for a missing value.
    #[inline]
    fn present<'a>(
        &mut self,
        part: KeyUriPart,
        value: Option<&'a str>,
        refusal: KeyUriError,
    ) -> Result<Option<&'a str>, KeyUriError> {
        match value {
            Some("") => {
                self.repair_or_refuse(Repair::NoValue { part }, KeyUriError::Empty { part })?;
            }
            Some(word) if self.is_lenient() && is_no_value(word) => {
                self.repair_or_refuse(Repair::NoValue { part }, refusal)?;
            }
            value => return Ok(value),
        }
        Ok(None)
    }
}

/// Returns the algorithm with another spelling: `sha1`, `SHA-256`, `HmacSHA512`, `HMAC-SHA-256`,
/// `hmac_sha1`.
fn algorithm_spelled(name: &str) -> Option<Algorithm> {
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

/// Returns the parameter with this name.
///
/// Upper and lower case are equal here: no reader may overlook a parameter that another reader
/// accepts. The name is decoded first, because `%73ecret` and `secret` are equal (RFC 3986, section
/// 6.2.2.2).
#[inline]
pub(super) fn parameter_named(name: &str) -> Option<KeyUriPart> {
    let mut parts = KeyUriPart::PARAMETERS.iter().copied();
    let exact = parts.clone().find(|part| part.name() == name);
    exact.or_else(|| parts.find(|part| is_name(name, part.name())))
}

/// Returns the unsupported parameter with this name.
pub(super) fn unsupported_named(name: &str) -> Option<&'static str> {
    UNSUPPORTED.into_iter().find(|known| is_name(name, known))
}

/// Whether a name, which may be escaped, is a known name.
pub(super) fn is_name(name: &str, known: &str) -> bool {
    percent_decode_str(name)
        .map(|byte| byte.to_ascii_lowercase())
        .eq(known.bytes())
}

/// Returns the parameter whose name an unknown name ends in, such as `xdigits` or `digits[]`.
///
/// Digits and punctuation at the end do not count. A reader that ignores such a parameter would use
/// the default value and compute wrong passcodes. `image` does not change passcodes.
pub(super) fn garbled_name(name: &str) -> Option<KeyUriPart> {
    let decoded = percent_decode_str(name).map(|byte| byte.to_ascii_lowercase());
    let mut letters: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(name.len()));
    letters.extend(decoded);
    while letters.pop_if(|byte| !byte.is_ascii_lowercase()).is_some() {}
    KeyUriPart::PARAMETERS
        .iter()
        .copied()
        .find(|part| *part != KeyUriPart::Image && letters.ends_with(part.name().as_bytes()))
}

/// Returns a parameter without the HTML form of the `&` before it, even if it was escaped
/// repeatedly.
pub(super) fn without_ampersand(mut parameter: &str) -> &str {
    let shorter = |text| AMPERSANDS.iter().find_map(|entity| after(text, entity));
    while let Some(rest) = shorter(parameter) {
        parameter = rest;
    }
    parameter
}

/// Returns the text after a beginning. Upper and lower case are equal.
#[inline]
pub(super) fn after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let (begins, rest) = text.split_at_checked(beginning.len())?;
    begins.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// Whether a text, which may be escaped, is a mark of Steam Guard.
///
/// KeePassXC writes `encoder=steam`; others write `representation=steamguard` or `algorithm=STEAM`.
pub(super) fn is_steam(text: &str) -> bool {
    let letters = || {
        percent_decode_str(text)
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_lowercase())
    };
    letters().eq(*b"steam") || letters().eq(*b"steamguard")
}

/// Whether a value is empty or a word for a missing value.
pub(super) fn is_no_value(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || NO_VALUE.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Parameters of other programs that change the passcodes: `encoder` of KeePassXC, and `epoch`, the
/// T0 of otphp.
const UNSUPPORTED: [&str; 2] = ["encoder", "epoch"];

/// The HTML forms of `&`, without the `&` that begins them. The last two have an escaped semicolon.
const AMPERSANDS: [&str; 6] = ["amp;", "#38;", "#038;", "#x26;", "amp%3B", "#38%3B"];

/// The words that programs write for a missing value.
const NO_VALUE: [&str; 7] = ["null", "(null)", "undefined", "none", "nil", "<nil>", "nan"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_in_known_names_are_garbled() {
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
    fn repeatedly_escaped_ampersands_are_removed() {
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
    fn steam_is_recognized_in_every_spelling() {
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
