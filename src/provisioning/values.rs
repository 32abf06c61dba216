//! What a key URI says of the passcodes: its parameters but the issuer, and what of them can be
//! mended.

use super::key_uri::{KeyUriKind, is_image};
use super::parameter::{is_no_value, is_steam};
use super::parse::Reader;
use super::{KeyUriError, KeyUriPart, Repair};
use crate::{Algorithm, AlgorithmError, Digits, DigitsError, Period, Secret};

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
