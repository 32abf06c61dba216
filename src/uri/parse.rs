//! Reading a key URI. There is one reader: a fault that it can mend is an error when it reads
//! strictly, and a repair when it reads leniently.

use super::escape::{Decoded, unescape};
use super::escape::{PERCENT, PLUS, UNESCAPED, classes_in};
use super::key_uri::{KeyUri, Parts};
use super::label::Colons;
use super::label::{Names, account_after, issuer_meant, split_label, split_once};
use super::parameters::{
    after, garbled_name, is_steam, parameter_named, unsupported_named, without_ampersand,
};
use super::{KeyUriError, KeyUriPart, Repair};
use crate::otp::is_invisible;
use alloc::string::String;
use alloc::vec::Vec;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

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

pub(super) struct Reader<'r> {
    pub(super) minimum_bits: usize,
    /// Where to note what was mended; `None` to read strictly.
    pub(super) repairs: Option<&'r mut Vec<Repair>>,
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
        let text = self.without_surroundings(text)?;
        let rest = after(text, "otpauth://").ok_or_else(|| scheme_error(text))?;
        let (kind, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let is_totp = self.is_totp(kind)?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let (label, query) = rest.split_once('?').unwrap_or((rest, ""));

        let (raw_prefix, account) = split_label(label);
        let prefix = match raw_prefix {
            Some(raw) => Some(self.decode(KeyUriPart::IssuerPrefix, raw, Names::default())?),
            None => None,
        };
        let account = self.decode(KeyUriPart::Account, account, Names::default())?;
        // The format allows spaces after the colon.
        let account = match prefix {
            Some(_) => account.trim_start_matches(' '),
            None => &account,
        };
        let label = Names {
            prefix: prefix.as_deref(),
            issuer: None,
            account: self.trimmed(KeyUriPart::Account, account)?,
        };

        let values = self.values(query, label)?;
        let secret = self.secret(values.secret.as_deref())?;
        let names = self.names(label, raw_prefix, values.issuer.as_deref())?;
        let algorithm = self.algorithm(values.algorithm.as_deref())?;
        let digits = self.digits(values.digits.as_deref())?;
        let kind = self.kind(is_totp, values.period.as_deref(), values.counter.as_deref())?;
        let image = self.image(values.image.as_deref())?;
        KeyUri::assemble(Parts {
            secret,
            kind,
            names,
            colons: if self.is_lenient() {
                Colons::Kept
            } else {
                Colons::Refused
            },
            algorithm,
            digits,
            image,
        })
    }

    pub(super) const fn is_lenient(&self) -> bool {
        self.repairs.is_some()
    }

    /// Notes a repair, or refuses when reading strictly.
    pub(super) fn mend(&mut self, repair: Repair, refusal: KeyUriError) -> Result<(), KeyUriError> {
        match &mut self.repairs {
            Some(repairs) => {
                repairs.push(repair);
                Ok(())
            }
            None => Err(refusal),
        }
    }

    /// The text without white space, control characters and invisible characters before and after
    /// it.
    fn without_surroundings<'a>(&mut self, text: &'a str) -> Result<&'a str, KeyUriError> {
        let is_graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        if is_graphic(text.as_bytes().first()) && is_graphic(text.as_bytes().last()) {
            return Ok(text);
        }
        let trimmed = text.trim_matches(is_surrounding);
        if trimmed.len() != text.len() {
            self.mend(Repair::Surroundings, KeyUriError::Surroundings)?;
        }
        Ok(trimmed)
    }

    fn is_totp(&mut self, kind: &str) -> Result<bool, KeyUriError> {
        let is_totp = kind.eq_ignore_ascii_case("totp");
        if !is_totp && !kind.eq_ignore_ascii_case("hotp") {
            return Err(if is_steam(kind) {
                KeyUriError::Steam
            } else {
                KeyUriError::Type
            });
        }
        if kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.mend(Repair::TypeCase, KeyUriError::Type)?;
        }
        Ok(is_totp)
    }

    /// Decodes a part. `label` is what the label says, once that is known.
    fn decode<'a>(
        &mut self,
        part: KeyUriPart,
        raw: &'a str,
        label: Names<'_>,
    ) -> Result<Decoded<'a>, KeyUriError> {
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
            return self.with_plus_signs(part, raw, &decoded, label);
        }
        Ok(decoded)
    }

    /// Chooses what unescaped plus signs stand for, in a parameter that was decoded with spaces for
    /// them.
    fn with_plus_signs<'a>(
        &mut self,
        part: KeyUriPart,
        raw: &str,
        spaced: &str,
        label: Names<'_>,
    ) -> Result<Decoded<'a>, KeyUriError> {
        let refusal = KeyUriError::Plus { part };
        let literal = unescape(part, raw, false)?;
        let meant = match part {
            KeyUriPart::Issuer => issuer_meant(raw, &literal, spaced, label),
            // No address has a space, and no number a sign.
            KeyUriPart::Image | KeyUriPart::Digits | KeyUriPart::Period | KeyUriPart::Counter => {
                &literal
            }
            _ => spaced,
        };
        if *meant != *literal {
            self.mend(Repair::PlusForSpace { part }, refusal)?;
        }
        if meant != spaced {
            self.mend(Repair::Plus { part }, refusal)?;
        }
        Ok(Decoded::Owned(Zeroizing::new(String::from(meant))))
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

    fn values<'a>(&mut self, query: &'a str, label: Names<'_>) -> Result<Values<'a>, KeyUriError> {
        let mut values = Values::default();
        if query.is_empty() {
            return Ok(values);
        }
        for (position, parameter) in (1..).zip(query.split('&')) {
            let parameter = self.after_ampersand(parameter);
            if parameter.is_empty() {
                self.mend(
                    Repair::EmptyParameter { position },
                    KeyUriError::EmptyParameter { position },
                )?;
                continue;
            }
            let (name, value) = split_once(parameter, b'=').unwrap_or((parameter, ""));
            let Some(part) = parameter_named(name) else {
                self.unknown_parameter(position, name, value)?;
                continue;
            };
            if name != part.name() && !percent_decode_str(name).eq(part.name().bytes()) {
                let unknown = KeyUriError::UnknownParameter { position };
                self.mend(Repair::NameCase { part }, unknown)?;
            }
            let Some(slot) = values.slot(part) else {
                continue;
            };
            let value = self.decode(part, value, label)?;
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

    /// A parameter without what HTML made of the `&` before it. That happens to all of them, so it
    /// is noted once.
    fn after_ampersand<'a>(&mut self, parameter: &'a str) -> &'a str {
        let Some(repairs) = &mut self.repairs else {
            return parameter;
        };
        let after = without_ampersand(parameter);
        if after.len() != parameter.len() && !repairs.contains(&Repair::EscapedAmpersand) {
            repairs.push(Repair::EscapedAmpersand);
        }
        after
    }

    /// Ignores a parameter, unless it could say something about the passcodes.
    fn unknown_parameter(
        &mut self,
        position: usize,
        name: &str,
        value: &str,
    ) -> Result<(), KeyUriError> {
        if is_steam(name) || is_steam(value) {
            return Err(KeyUriError::Steam);
        }
        if let Some(name) = unsupported_named(name) {
            return Err(KeyUriError::Unsupported { name });
        }
        let unknown = KeyUriError::UnknownParameter { position };
        self.mend(Repair::UnknownParameter { position }, unknown)?;
        match garbled_name(name) {
            Some(part) => Err(KeyUriError::GarbledName { position, part }),
            None => Ok(()),
        }
    }

    /// Completes the names of the label with the parameter `issuer`.
    fn names<'a>(
        &mut self,
        label: Names<'a>,
        raw_prefix: Option<&str>,
        issuer: Option<&'a str>,
    ) -> Result<Names<'a>, KeyUriError> {
        let mut account = label.account;
        let mut prefix = label.prefix;
        if self.is_lenient()
            && let (Some(first), Some(issuer)) = (prefix, issuer)
            && let Some(after) = account_after(issuer.trim(), first, account)
        {
            prefix = Some(issuer.trim());
            account = after;
        }
        let prefix = self.issuer_name(KeyUriPart::IssuerPrefix, prefix)?;
        let issuer = self.issuer_name(KeyUriPart::Issuer, issuer)?;
        let mut names = Names {
            prefix: self.prefix_beside(issuer, prefix, raw_prefix)?,
            issuer: issuer.or(prefix),
            account,
        };
        if self.is_lenient() {
            self.keep_colons(names)?;
        }
        if let (Some(issuer), true) = (names.issuer, account.is_empty()) {
            let part = KeyUriPart::Account;
            self.mend(Repair::AccountMissing, KeyUriError::Empty { part })?;
            names.account = issuer;
            // The label is written so that it is split at the same colon again.
            if let Some(after) = account_after(issuer, names.prefix.unwrap_or(issuer), issuer) {
                names = Names {
                    prefix: None,
                    account: after,
                    ..names
                };
            }
        }
        Ok(names)
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

    /// The prefix, if it is another name than the issuer.
    fn prefix_beside<'a>(
        &mut self,
        issuer: Option<&str>,
        prefix: Option<&'a str>,
        raw_prefix: Option<&str>,
    ) -> Result<Option<&'a str>, KeyUriError> {
        let Some(issuer) = issuer.filter(|issuer| prefix.is_some_and(|prefix| prefix != *issuer))
        else {
            return Ok(None);
        };
        let part = KeyUriPart::IssuerPrefix;
        if let Some(raw) = raw_prefix.filter(|raw| raw.contains('+'))
            && unescape(part, raw, true)?.trim() == issuer
        {
            self.mend(Repair::PlusForSpace { part }, KeyUriError::Plus { part })?;
            return Ok(None);
        }
        Ok(prefix)
    }

    /// Notes the colons in names. Without an issuer, an account with a colon could not be written.
    fn keep_colons(&mut self, names: Names<'_>) -> Result<(), KeyUriError> {
        for (part, name) in [
            (KeyUriPart::Issuer, names.issuer),
            (KeyUriPart::Account, Some(names.account)),
        ] {
            if name.is_some_and(|name| name.contains(':')) {
                let refusal = KeyUriError::Colon { part };
                names.issuer.ok_or(refusal)?;
                self.mend(Repair::Colon { part }, refusal)?;
            }
        }
        Ok(())
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

fn scheme_error(text: &str) -> KeyUriError {
    if after(text, "otpauth-migration://").is_some() {
        KeyUriError::Migration
    } else if after(text, "steam://").is_some() {
        KeyUriError::Steam
    } else {
        KeyUriError::Scheme
    }
}

/// White space, control characters and characters that nobody sees, such as a byte order mark.
fn is_surrounding(character: char) -> bool {
    character.is_whitespace() || character.is_control() || is_invisible(character)
}
