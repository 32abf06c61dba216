//! Reading a key URI. There is one reader: a fault that it can mend is an error when it reads strictly,
//! and a repair when it reads leniently.

use super::bytes::{PERCENT, PLUS, UNESCAPED, classes_in};
use super::escape::{Decoded, unescape};
use super::key_uri::{KeyUri, KeyUriKind, Parts, is_image};
use super::{KeyUriError, KeyUriPart, Repair};
use crate::{Algorithm, AlgorithmError, Digits, DigitsError, Period, Secret};
use alloc::vec::Vec;
use percent_encoding::percent_decode_str;

/// Parameters of other programs that change the passcodes: KeePassXC's `encoder=steam`, the T0 of otphp.
const UNSUPPORTED: [&str; 2] = ["encoder", "epoch"];

pub(super) fn strict(text: &str, minimum_bits: usize) -> Result<KeyUri, KeyUriError> {
    Reader {
        minimum_bits,
        repairs: None,
    }
    .read(text)
}

pub(super) fn lenient(text: &str) -> Result<(KeyUri, Vec<Repair>), KeyUriError> {
    let mut repairs = Vec::new();
    let uri = Reader {
        minimum_bits: 8,
        repairs: Some(&mut repairs),
    }
    .read(text)?;
    Ok((uri, repairs))
}

struct Reader<'r> {
    minimum_bits: usize,
    /// Where to note what was mended; `None` to read strictly.
    repairs: Option<&'r mut Vec<Repair>>,
}

/// The decoded value of each parameter that is there.
#[derive(Default)]
struct Values<'a> {
    secret: Option<Decoded<'a>>,
    issuer: Option<Decoded<'a>>,
    algorithm: Option<Decoded<'a>>,
    digits: Option<Decoded<'a>>,
    period: Option<Decoded<'a>>,
    counter: Option<Decoded<'a>>,
    image: Option<Decoded<'a>>,
}

impl Reader<'_> {
    fn read(mut self, text: &str) -> Result<KeyUri, KeyUriError> {
        if text.len() > KeyUri::MAX_BYTES {
            return Err(KeyUriError::TooLong { bytes: text.len() });
        }
        let rest = strip_scheme(text).ok_or(KeyUriError::Scheme)?;
        let (kind, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let is_totp = self.is_totp(kind)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let (label, query) = rest.split_once('?').unwrap_or((rest, ""));

        let (prefix, account) = split_label(label);
        let prefix = match prefix {
            Some(raw) => Some(self.decode(KeyUriPart::IssuerPrefix, raw)?),
            None => None,
        };
        let account = self.decode(KeyUriPart::Account, account)?;
        // The format allows spaces after the colon.
        let account = match prefix {
            Some(_) => account.trim_start_matches(' '),
            None => &account,
        };
        let account = self.trimmed(KeyUriPart::Account, account)?;

        let values = self.values(query)?;
        let secret = self.secret(values.secret.as_deref())?;
        let issuer = self.issuer(prefix.as_deref(), values.issuer.as_deref())?;
        let algorithm = self.algorithm(values.algorithm.as_deref())?;
        let digits = digits(values.digits.as_deref())?;
        let kind = self.kind(is_totp, values.period.as_deref(), values.counter.as_deref())?;
        let image = self.image(values.image.as_deref())?;
        KeyUri::assemble(Parts {
            secret,
            kind,
            account,
            issuer,
            algorithm,
            digits,
            image,
        })
    }

    /// Notes a repair, or refuses when reading strictly.
    fn mend(&mut self, repair: Repair, refusal: KeyUriError) -> Result<(), KeyUriError> {
        match &mut self.repairs {
            Some(repairs) => {
                repairs.push(repair);
                Ok(())
            }
            None => Err(refusal),
        }
    }

    fn is_totp(&mut self, kind: &str) -> Result<bool, KeyUriError> {
        let is_totp = kind.eq_ignore_ascii_case("totp");
        if !is_totp && !kind.eq_ignore_ascii_case("hotp") {
            return Err(KeyUriError::Type);
        }
        if kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.mend(Repair::TypeCase, KeyUriError::Type)?;
        }
        Ok(is_totp)
    }

    fn decode<'a>(&mut self, part: KeyUriPart, raw: &'a str) -> Result<Decoded<'a>, KeyUriError> {
        let classes = classes_in(raw);
        if classes & (PERCENT | PLUS | UNESCAPED) == 0 {
            return Ok(Decoded::Borrowed(raw));
        }
        let has_plus = part.is_parameter() && classes & PLUS != 0;
        let decoded = if has_plus || classes & PERCENT != 0 {
            unescape(part, raw, has_plus)?
        } else {
            Decoded::Borrowed(raw)
        };
        if classes & UNESCAPED != 0 {
            self.mend(Repair::Unescaped { part }, KeyUriError::Unescaped { part })?;
        }
        if has_plus {
            self.mend(Repair::PlusForSpace { part }, KeyUriError::Plus { part })?;
        }
        Ok(decoded)
    }

    fn trimmed<'a>(&mut self, part: KeyUriPart, name: &'a str) -> Result<&'a str, KeyUriError> {
        let trimmed = name.trim();
        if trimmed.len() != name.len() {
            self.mend(
                Repair::OuterSpace { part },
                KeyUriError::OuterSpace { part },
            )?;
        }
        Ok(trimmed)
    }

    fn values<'a>(&mut self, query: &'a str) -> Result<Values<'a>, KeyUriError> {
        let mut values = Values::default();
        if query.is_empty() {
            return Ok(values);
        }
        for (position, parameter) in (1..).zip(query.split('&')) {
            if parameter.is_empty() {
                self.mend(
                    Repair::EmptyParameter { position },
                    KeyUriError::EmptyParameter { position },
                )?;
                continue;
            }
            let (name, value) = split_once(parameter, b'=').unwrap_or((parameter, ""));
            let unknown = KeyUriError::UnknownParameter { position };
            let Some(part) = parameter_named(name)? else {
                self.mend(Repair::UnknownParameter { position }, unknown)?;
                continue;
            };
            if name != part.name() && !percent_decode_str(name).eq(part.name().bytes()) {
                self.mend(Repair::NameCase { part }, unknown)?;
            }
            let Some(slot) = values.slot(part) else {
                continue;
            };
            let value = self.decode(part, value)?;
            match slot {
                None => *slot = Some(value),
                Some(earlier) if **earlier == *value => {
                    self.mend(Repair::Duplicate { part }, KeyUriError::Duplicate { part })?;
                }
                Some(_) => return Err(KeyUriError::Conflict { part }),
            }
        }
        Ok(values)
    }

    fn secret(&mut self, text: Option<&str>) -> Result<Secret, KeyUriError> {
        let text = given(KeyUriPart::Secret, text)?.ok_or(KeyUriError::Missing {
            part: KeyUriPart::Secret,
        })?;
        let Some(repairs) = &mut self.repairs else {
            return Ok(Secret::from_base32_with_minimum(text, self.minimum_bits)?);
        };
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

    fn issuer<'a>(
        &mut self,
        prefix: Option<&'a str>,
        issuer: Option<&'a str>,
    ) -> Result<Option<&'a str>, KeyUriError> {
        let prefix = self.issuer_name(KeyUriPart::IssuerPrefix, prefix)?;
        let issuer = self.issuer_name(KeyUriPart::Issuer, issuer)?;
        if let (Some(prefix), Some(issuer)) = (prefix, issuer)
            && prefix != issuer
        {
            let part = KeyUriPart::IssuerPrefix;
            let repair = if prefix.replace('+', " ") == issuer {
                Repair::PlusForSpace { part }
            } else {
                Repair::IssuersDiffer
            };
            self.mend(repair, KeyUriError::IssuersDiffer)?;
        }
        Ok(issuer.or(prefix))
    }

    fn issuer_name<'a>(
        &mut self,
        part: KeyUriPart,
        name: Option<&'a str>,
    ) -> Result<Option<&'a str>, KeyUriError> {
        let Some(name) = name else {
            return Ok(None);
        };
        let name = self.trimmed(part, name)?;
        if name.is_empty() {
            self.mend(Repair::EmptyIssuer { part }, KeyUriError::Empty { part })?;
            return Ok(None);
        }
        Ok(Some(name))
    }

    fn algorithm(&mut self, name: Option<&str>) -> Result<Algorithm, KeyUriError> {
        let Some(name) = given(KeyUriPart::Algorithm, name)? else {
            return Ok(Algorithm::default());
        };
        if let Ok(algorithm) = name.parse() {
            return Ok(algorithm);
        }
        let algorithm = algorithm_meant_by(name).ok_or(AlgorithmError)?;
        self.mend(Repair::AlgorithmName, AlgorithmError.into())?;
        Ok(algorithm)
    }

    fn kind(
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
            let period = match number(KeyUriPart::Period, period)? {
                Some(seconds) => Period::from_secs(seconds)?,
                None => Period::default(),
            };
            return Ok(KeyUriKind::Totp { period });
        }
        let part = KeyUriPart::Counter;
        let counter = match number(part, counter)? {
            Some(counter) => counter,
            None => {
                self.mend(Repair::CounterMissing, KeyUriError::Missing { part })?;
                0
            }
        };
        Ok(KeyUriKind::Hotp { counter })
    }

    fn image<'a>(&mut self, address: Option<&'a str>) -> Result<Option<&'a str>, KeyUriError> {
        if address.is_none_or(is_image) {
            return Ok(address);
        }
        self.mend(Repair::Image, KeyUriError::Image)?;
        Ok(None)
    }
}

impl<'a> Values<'a> {
    /// Where the value of a parameter is kept. The two parts of the label are no parameters.
    const fn slot(&mut self, part: KeyUriPart) -> Option<&mut Option<Decoded<'a>>> {
        match part {
            KeyUriPart::Secret => Some(&mut self.secret),
            KeyUriPart::Issuer => Some(&mut self.issuer),
            KeyUriPart::Algorithm => Some(&mut self.algorithm),
            KeyUriPart::Digits => Some(&mut self.digits),
            KeyUriPart::Period => Some(&mut self.period),
            KeyUriPart::Counter => Some(&mut self.counter),
            KeyUriPart::Image => Some(&mut self.image),
            KeyUriPart::IssuerPrefix | KeyUriPart::Account => None,
        }
    }
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_at_checked("otpauth://".len())?;
    scheme.eq_ignore_ascii_case("otpauth://").then_some(rest)
}

/// Splits a label at its first colon, which may be escaped.
fn split_label(label: &str) -> (Option<&str>, &str) {
    let plain = split_once(label, b':');
    let before_plain = plain.map_or(label, |(prefix, _)| prefix);
    let mut escapes = before_plain.match_indices('%');
    let escaped = escapes.find_map(|(at, _)| {
        let (prefix, rest) = label.split_at_checked(at)?;
        let (escape, account) = rest.split_at_checked("%3A".len())?;
        escape
            .eq_ignore_ascii_case("%3A")
            .then_some((prefix, account))
    });
    escaped
        .or(plain)
        .map_or((None, label), |(prefix, account)| (Some(prefix), account))
}

/// As `str::split_once`, which is made for longer texts.
fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

/// The parameter with this name, whatever its case: a name that only some readers know must not hide what
/// it says from the others. Names are decoded too, because RFC 3986 (section 6.2.2.2) calls `%73ecret` and
/// `secret` equal.
fn parameter_named(name: &str) -> Result<Option<KeyUriPart>, KeyUriError> {
    let exact = KeyUriPart::PARAMETERS
        .into_iter()
        .find(|part| part.name() == name);
    if exact.is_some() {
        return Ok(exact);
    }
    let is = |known: &str| {
        percent_decode_str(name)
            .map(|byte| byte.to_ascii_lowercase())
            .eq(known.bytes())
    };
    match UNSUPPORTED.into_iter().find(|known| is(known)) {
        Some(name) => Err(KeyUriError::Unsupported { name }),
        None => Ok(KeyUriPart::PARAMETERS
            .into_iter()
            .find(|part| is(part.name()))),
    }
}

/// A value, which must not be empty if it is there.
fn given(part: KeyUriPart, value: Option<&str>) -> Result<Option<&str>, KeyUriError> {
    match value {
        Some("") => Err(KeyUriError::Empty { part }),
        value => Ok(value),
    }
}

fn number(part: KeyUriPart, value: Option<&str>) -> Result<Option<u64>, KeyUriError> {
    given(part, value)?
        .map(|text| {
            // `parse` alone would take a plus sign.
            let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = is_decimal.then(|| text.parse().ok()).flatten();
            number.ok_or(KeyUriError::Number { part })
        })
        .transpose()
}

fn digits(value: Option<&str>) -> Result<Digits, KeyUriError> {
    match number(KeyUriPart::Digits, value)? {
        Some(digits) => Ok(Digits::new(u8::try_from(digits).map_err(|_| DigitsError)?)?),
        None => Ok(Digits::default()),
    }
}

/// Understands `sha1`, `SHA-256`, `HmacSHA512`, `HMAC-SHA-256`, `hmac_sha1`.
fn algorithm_meant_by(name: &str) -> Option<Algorithm> {
    let symbols = || {
        name.bytes()
            .filter(|byte| !matches!(byte, b'-' | b'_' | b' '))
            .map(|byte| byte.to_ascii_uppercase())
    };
    [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]
        .into_iter()
        .find(|algorithm| {
            symbols().eq(algorithm.name().bytes())
                || symbols().eq(b"HMAC".iter().copied().chain(algorithm.name().bytes()))
        })
}
