//! Parsing a key URI.
//!
//! The same reader parses strictly and leniently. A fault that the reader can repair is an error in
//! strict mode, and a [`Repair`] in lenient mode.

use super::escape::{Decoded, PERCENT, PLUS, UNESCAPED, classes_in, unescape};
use super::key_uri::{KeyUri, Parts};
use super::label::{Colons, Names, account_after, resolve_plus_signs, split_label, split_once};
use super::parameters::{
    after, garbled_name, is_steam, parameter_named, unsupported_named, without_ampersand,
};
use super::repair::Reader;
use super::{KeyUriError, KeyUriPart, LenientKeyUri, Repair};
use crate::otp::{Secret, is_invisible};
use alloc::string::String;
use alloc::vec::Vec;
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

impl KeyUri {
    /// Parses a key URI strictly, by the Key URI Format and RFC 3986.
    ///
    /// - The scheme may be in upper case (RFC 3986, section 3.1). The type, the names of parameters
    ///   and the algorithm may not.
    /// - The secret is canonical base32 and has at least 128 bits.
    /// - Each parameter is given at most once. The known parameters are those of the format, and
    ///   `image`.
    /// - Issuer and prefix may differ, as draft-andesco-otpauth-uri-01 recommends. The result has
    ///   both.
    /// - With the feature `steam`, the type `steam` and the parameter `encoder=steam` mark Steam
    ///   Guard.
    ///
    /// ```
    /// use countersign::uri::{KeyUri, KeyUriError, KeyUriPart};
    ///
    /// let uri = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    /// assert_eq!(KeyUri::parse(uri)?.issuer(), Some("Example"));
    ///
    /// let cut = KeyUri::parse("otpauth://totp/Example:alice").unwrap_err();
    /// assert_eq!(cut, KeyUriError::Missing { part: KeyUriPart::Secret });
    /// assert_eq!(cut.to_string(), "the secret is missing");
    /// # Ok::<(), KeyUriError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyUriError`] names the first fault.
    pub fn parse(text: &str) -> Result<Self, KeyUriError> {
        Self::parse_with_minimum(text, Secret::MINIMUM_BITS)
    }

    /// Like [`parse`](Self::parse), with a lower minimum for secrets of other systems: 80-bit
    /// secrets are still in use.
    ///
    /// The secret has at least one byte, whatever the minimum.
    ///
    /// # Errors
    /// [`KeyUriError`] names the first fault.
    pub fn parse_with_minimum(text: &str, minimum_bits: usize) -> Result<Self, KeyUriError> {
        Reader::new(minimum_bits, None).read(text)
    }

    /// Parses a key URI leniently, for imports, and lists the repairs that it needed.
    ///
    /// [`Repair`] lists all repairs. Secrets may have any length from one byte. The rules for names
    /// are:
    ///
    /// - If the label begins with the parameter `issuer` and a colon, the rest is the account.
    ///   Otherwise the first colon separates prefix and account. Other colons are kept.
    /// - A `+` in `issuer` is a plus sign if the label has a plus sign in its place. It is also a
    ///   plus sign if the issuer has a space in another form, such as `%20`. Otherwise it is a
    ///   space. A `+` in the label is a plus sign.
    /// - If the account is empty, the issuer becomes the account.
    ///
    /// With the feature `steam`, the type is `KeyUriKind::Steam` if the URI has a mark of Steam
    /// Guard. A URI that begins with `steam://` has only a secret, which then needs 128 bits. Its
    /// issuer and account become `Steam`.
    ///
    /// The method guesses nothing, and repairs nothing that would change the passcodes. These stay
    /// errors:
    ///
    /// - Another scheme or type, and an export of Google Authenticator (`otpauth-migration://`).
    /// - Without the feature `steam`, every mark of Steam Guard: `otpauth://steam/`,
    ///   `encoder=steam`, `representation=steamguard`, `algorithm=steam` or `steam://`. A name is
    ///   not a mark: an issuer may be called Steam.
    /// - With this feature, a mark of Steam Guard together with the type hotp, an algorithm other
    ///   than SHA-1, digits other than 5, or a period other than 30.
    /// - Another unknown parameter with the name or the value `steam`, such as `tokenType=STEAM`.
    /// - The parameter `epoch`, and every other value of `encoder`.
    /// - An unknown parameter whose name ends in a known one, with or without digits and
    ///   punctuation after it: `xdigits`, `digits[]`. Other unknown parameters are ignored.
    /// - A parameter that is given twice with different values.
    /// - No secret, an empty secret, `secret=null`, a secret that is not base32, or a secret longer
    ///   than 1,024 bytes.
    /// - An unknown algorithm, digits other than 6, 7 and 8, or a period of 0.
    /// - A number with a sign, with a fraction, or from 2<sup>64</sup> on.
    /// - No account and no issuer, a colon in an account without an issuer, or a control character
    ///   in a name.
    /// - A `%` without two hexadecimal digits, or a part that is not UTF-8.
    /// - A text longer than [`MAX_BYTES`](Self::MAX_BYTES).
    ///
    /// ```
    /// use countersign::uri::{KeyUri, Repair};
    ///
    /// let lenient = KeyUri::parse_lenient(
    ///     "otpauth://totp/alice?secret=gezd gnbv gy3t qojq gezd gnbv gy3t qojq\
    ///      &algorithm=HMAC-SHA-256",
    /// )?;
    /// assert_eq!(lenient.uri.secret().expose(), b"12345678901234567890");
    /// assert!(lenient.repairs.contains(&Repair::AlgorithmName));
    /// assert!(lenient.repairs.contains(&Repair::SecretSeparators));
    /// # Ok::<(), countersign::uri::KeyUriError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyUriError`] names the first fault.
    pub fn parse_lenient(text: &str) -> Result<LenientKeyUri, KeyUriError> {
        let mut repairs = Vec::new();
        let uri = Reader::new(8, Some(&mut repairs)).read(text)?;
        Ok(LenientKeyUri { uri, repairs })
    }
}

impl Reader<'_> {
    /// Reads a whole key URI.
    fn read(mut self, text: &str) -> Result<KeyUri, KeyUriError> {
        if text.len() > KeyUri::MAX_BYTES {
            return Err(KeyUriError::TooLong { bytes: text.len() });
        }
        let text = self.without_surroundings(text)?;
        let Some(rest) = after(text, "otpauth://") else {
            return self.other_scheme(text);
        };
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
        #[cfg(feature = "steam")]
        self.steam_encoder(values.encoder.as_deref())?;
        let secret = self.secret(values.secret.as_deref())?;
        let names = self.names(label, raw_prefix, values.issuer.as_deref())?;
        let algorithm = self.algorithm(values.algorithm.as_deref())?;
        let digits = self.digits(values.digits.as_deref())?;
        let kind = self.kind(is_totp, values.period.as_deref(), values.counter.as_deref())?;
        #[cfg(feature = "steam")]
        let kind = self.steam_kind(kind, algorithm)?;
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

    /// Returns the text without white space, control characters and invisible characters around it.
    fn without_surroundings<'a>(&mut self, text: &'a str) -> Result<&'a str, KeyUriError> {
        let is_graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
        if is_graphic(text.as_bytes().first()) && is_graphic(text.as_bytes().last()) {
            return Ok(text);
        }
        let trimmed = text.trim_matches(is_surrounding);
        if trimmed.len() != text.len() {
            self.repair_or_refuse(Repair::Surroundings, KeyUriError::Surroundings)?;
        }
        Ok(trimmed)
    }

    /// Whether the type is totp or Steam Guard, which is time-based too. The only other type is
    /// hotp.
    fn is_totp(&mut self, kind: &str) -> Result<bool, KeyUriError> {
        let is_totp = kind.eq_ignore_ascii_case("totp");
        if !is_totp && !kind.eq_ignore_ascii_case("hotp") {
            self.steam_type(kind)?;
            return Ok(true);
        }
        if kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.repair_or_refuse(Repair::TypeCase, KeyUriError::Type)?;
        }
        Ok(is_totp)
    }

    /// Decodes a part. `label` has the names in the label, if they are known already.
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
            self.repair_or_refuse(Repair::Unescaped { part }, KeyUriError::Unescaped { part })?;
        }
        if has_plus {
            return self.with_plus_signs(part, raw, &decoded, label);
        }
        Ok(decoded)
    }

    /// Decodes a parameter again after deciding whether its unescaped plus signs are plus signs or
    /// spaces. `spaced` is the parameter decoded with spaces.
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
            KeyUriPart::Issuer => resolve_plus_signs(raw, &literal, spaced, label),
            // No address has a space, and no number has a sign.
            KeyUriPart::Image | KeyUriPart::Digits | KeyUriPart::Period | KeyUriPart::Counter => {
                &literal
            }
            _ => spaced,
        };
        if *meant != *literal {
            self.repair_or_refuse(Repair::PlusForSpace { part }, refusal)?;
        }
        if meant != spaced {
            self.repair_or_refuse(Repair::Plus { part }, refusal)?;
        }
        Ok(Decoded::Owned(Zeroizing::new(String::from(meant))))
    }

    /// Returns a name without white space around it.
    pub(super) fn trimmed<'a>(
        &mut self,
        part: KeyUriPart,
        name: &'a str,
    ) -> Result<&'a str, KeyUriError> {
        let trimmed = name.trim();
        if trimmed.len() != name.len() {
            self.repair_or_refuse(
                Repair::OuterSpace { part },
                KeyUriError::OuterSpace { part },
            )?;
        }
        Ok(trimmed)
    }

    /// Reads the parameters of the query.
    fn values<'a>(&mut self, query: &'a str, label: Names<'_>) -> Result<Values<'a>, KeyUriError> {
        let mut values = Values::default();
        if query.is_empty() {
            return Ok(values);
        }
        for (position, parameter) in (1..).zip(query.split('&')) {
            let parameter = self.after_ampersand(parameter);
            if parameter.is_empty() {
                self.repair_or_refuse(
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
                self.repair_or_refuse(Repair::NameCase { part }, unknown)?;
            }
            let Some(slot) = values.slot(part) else {
                continue;
            };
            let value = self.decode(part, value, label)?;
            match slot {
                None => *slot = Some(value),
                Some(earlier) if **earlier == *value => {
                    self.repair_or_refuse(
                        Repair::Duplicate { part },
                        KeyUriError::Duplicate { part },
                    )?;
                }
                Some(_) => return Err(KeyUriError::Conflict { part }),
            }
        }
        Ok(values)
    }

    /// Returns a parameter without the HTML form of the `&` before it. Records this repair once for
    /// all parameters.
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

    /// Ignores an unknown parameter, unless it could change the passcodes.
    fn unknown_parameter(
        &mut self,
        position: usize,
        name: &str,
        value: &str,
    ) -> Result<(), KeyUriError> {
        if is_steam(name) || is_steam(value) {
            return self.steam_parameter(position, name);
        }
        if let Some(name) = unsupported_named(name) {
            return Err(KeyUriError::Unsupported { name });
        }
        let unknown = KeyUriError::UnknownParameter { position };
        self.repair_or_refuse(Repair::UnknownParameter { position }, unknown)?;
        match garbled_name(name) {
            Some(part) => Err(KeyUriError::GarbledName { position, part }),
            None => Ok(()),
        }
    }

    /// Completes the names of the label with the parameter `issuer`.
    pub(super) fn names<'a>(
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
            prefix: self.distinct_prefix(issuer, prefix, raw_prefix)?,
            issuer: issuer.or(prefix),
            account,
        };
        if self.is_lenient() {
            self.keep_colons(names)?;
        }
        if let (Some(issuer), true) = (names.issuer, account.is_empty()) {
            let part = KeyUriPart::Account;
            self.repair_or_refuse(Repair::AccountMissing, KeyUriError::Empty { part })?;
            names.account = issuer;
            // Splits the new label at the colon where a parser will split it.
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

    /// Returns an issuer or prefix without white space around it; `None` if it is empty.
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
            self.repair_or_refuse(Repair::EmptyIssuer { part }, KeyUriError::Empty { part })?;
            return Ok(None);
        }
        Ok(Some(name))
    }

    /// Returns the prefix, if it is another name than the issuer.
    fn distinct_prefix<'a>(
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
            self.repair_or_refuse(Repair::PlusForSpace { part }, KeyUriError::Plus { part })?;
            return Ok(None);
        }
        Ok(prefix)
    }

    /// Records the colons in names. Refuses a colon in an account without an issuer, which no key
    /// URI can express.
    fn keep_colons(&mut self, names: Names<'_>) -> Result<(), KeyUriError> {
        for (part, name) in [
            (KeyUriPart::Issuer, names.issuer),
            (KeyUriPart::Account, Some(names.account)),
        ] {
            if name.is_some_and(|name| name.contains(':')) {
                let refusal = KeyUriError::Colon { part };
                names.issuer.ok_or(refusal)?;
                self.repair_or_refuse(Repair::Colon { part }, refusal)?;
            }
        }
        Ok(())
    }
}

/// The decoded value of each parameter in the URI.
#[derive(Default)]
struct Values<'a> {
    secret: Option<Decoded<'a>>,
    issuer: Option<Decoded<'a>>,
    algorithm: Option<Decoded<'a>>,
    digits: Option<Decoded<'a>>,
    period: Option<Decoded<'a>>,
    counter: Option<Decoded<'a>>,
    #[cfg(feature = "steam")]
    encoder: Option<Decoded<'a>>,
    image: Option<Decoded<'a>>,
}

impl<'a> Values<'a> {
    /// Returns the place of a parameter's value; `None` for the two parts of the label.
    const fn slot(&mut self, part: KeyUriPart) -> Option<&mut Option<Decoded<'a>>> {
        match part {
            KeyUriPart::Secret => Some(&mut self.secret),
            KeyUriPart::Issuer => Some(&mut self.issuer),
            KeyUriPart::Algorithm => Some(&mut self.algorithm),
            KeyUriPart::Digits => Some(&mut self.digits),
            KeyUriPart::Period => Some(&mut self.period),
            KeyUriPart::Counter => Some(&mut self.counter),
            #[cfg(feature = "steam")]
            KeyUriPart::Encoder => Some(&mut self.encoder),
            KeyUriPart::Image => Some(&mut self.image),
            KeyUriPart::IssuerPrefix | KeyUriPart::Account => None,
        }
    }
}

/// Whether a character is white space, a control character or invisible, such as a byte order mark.
pub(super) fn is_surrounding(character: char) -> bool {
    character.is_whitespace() || character.is_control() || is_invisible(character)
}
