use super::escape::{Length, Pieces};
use super::escape::{escaped_len, longest_escaped};
use super::label::Names;
use super::label::{Colons, check_name};
use super::{KeyUriBuilder, KeyUriError, KeyUriPart, LenientKeyUri, parse};
use crate::otp::{Algorithm, Digits, Period, Secret, SecretText};
use alloc::string::String;
use core::fmt;

/// A key URI, `otpauth://totp/...` or `otpauth://hotp/...` (Key URI Format): what a QR code tells
/// an authenticator app.
///
/// ```
/// use countersign::otp::Secret;
/// use countersign::uri::KeyUri;
///
/// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
/// let uri = KeyUri::totp(&secret, "alice@example.com").issuer("Big Corporation").build()?;
/// assert_eq!(
///     uri.to_secret_text().expose(),
///     "otpauth://totp/Big%20Corporation:alice%40example.com\
///      ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Big%20Corporation",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Parameters that are not the default
///
/// Only SHA-1, 6 digits and 30 seconds work everywhere. With others some apps show wrong passcodes
/// and do not say so: [`advice`](Self::advice) names them. So never take an authenticator into use
/// before the person has typed a passcode of it.
///
/// # How names reach the app
///
/// Keep issuer and account short: some apps cut the issuer at 30 characters and the account at 40,
/// and each character more makes the QR code denser. Avoid `& = ? # %` in them: they are escaped as
/// they must be, but some apps decode twice.
///
/// Neither can have a colon, because the format separates the two by one;
/// [`fit_name`](Self::fit_name) replaces it. Only [`parse_lenient`](Self::parse_lenient) keeps a
/// colon: the entry of an import should be shown as the person knows it, and two entries should not
/// become one. Such a URI is written with each colon of a name as `%3A`, and [`parse`](Self::parse)
/// refuses it, because the format does. It is not ambiguous: most readers split the label at its
/// first colon and take the parameter `issuer`, and `parse_lenient` reads back what was written.
#[derive(Clone)]
pub struct KeyUri {
    secret: Secret,
    kind: KeyUriKind,
    /// `prefix:account` or `account`.
    label: String,
    /// Where the account begins in the label.
    account_at: usize,
    /// The issuer, where the prefix is another name.
    issuer: Option<String>,
    algorithm: Algorithm,
    digits: Digits,
    image: Option<String>,
    /// How long the text is at most, in bytes.
    longest: usize,
}

/// The type of a key URI, with the parameter that only this type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUriKind {
    /// Time-based (RFC 6238).
    Totp {
        /// How long a step lasts.
        period: Period,
    },
    /// Counter-based (RFC 4226).
    Hotp {
        /// The counter of the next passcode.
        counter: u64,
    },
}

/// What a [`KeyUri`] is made of, unchecked.
pub(super) struct Parts<'a> {
    pub(super) secret: Secret,
    pub(super) kind: KeyUriKind,
    /// Without a prefix, the issuer is the prefix.
    pub(super) names: Names<'a>,
    pub(super) colons: Colons,
    pub(super) algorithm: Algorithm,
    pub(super) digits: Digits,
    pub(super) image: Option<&'a str>,
}

impl KeyUri {
    /// The longest key URI that is parsed or built, in bytes. An app that scans a QR code gets at
    /// most 2,953.
    pub const MAX_BYTES: usize = 4096;

    /// Begins a totp URI: 30 seconds, unless the builder is told otherwise. `account` is what the
    /// person knows the account by, such as an e-mail address.
    pub const fn totp<'a>(secret: &'a Secret, account: &'a str) -> KeyUriBuilder<'a> {
        KeyUriBuilder::new(secret, account, None)
    }

    /// Begins a hotp URI. `counter` is the counter of the first passcode that the app will show.
    pub const fn hotp<'a>(secret: &'a Secret, account: &'a str, counter: u64) -> KeyUriBuilder<'a> {
        KeyUriBuilder::new(secret, account, Some(counter))
    }

    /// Parses a key URI that follows the Key URI Format and RFC 3986 to the letter, with a secret
    /// of at least 128 bits.
    ///
    /// The scheme is taken in upper case too (RFC 3986, section 3.1); the type, the names of
    /// parameters and the algorithm are not. The secret is canonical base32. Every parameter stands
    /// at most once, and only those of the format and `image` are known. Issuer and prefix may
    /// differ, as draft-andesco-otpauth-uri-01 recommends; both are kept.
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

    /// As [`parse`](Self::parse), with a lower minimum for the secrets of other systems: 80-bit
    /// secrets are still about. At least one byte, whatever the minimum.
    ///
    /// # Errors
    /// [`KeyUriError`] names the first fault.
    pub fn parse_with_minimum(text: &str, minimum_bits: usize) -> Result<Self, KeyUriError> {
        parse::strict(text, minimum_bits)
    }

    /// Parses key URIs as they are found in the wild, for imports, and says what had to be mended.
    /// Secrets are taken from one byte on.
    ///
    /// [`Repair`](crate::uri::Repair) lists what is mended. These are the rules for names:
    ///
    /// - If the label begins with the parameter `issuer` and a colon, the rest is the account.
    ///   Otherwise the label is split at its first colon. Other colons are kept.
    /// - A `+` in `issuer` is a plus sign if the label has one in its place, or if the same value
    ///   has a space in another form (`%20`). Otherwise it is a space. In the label it is a plus
    ///   sign.
    /// - If the account is empty, the issuer is taken for it.
    ///
    /// What would be a guess, or would make other passcodes, stays an error:
    ///
    /// - another scheme or type; every mark of Steam Guard, such as `otpauth://steam/`,
    ///   `encoder=steam`, `representation=steamguard` or `algorithm=steam` (a name is no mark: an
    ///   issuer called Steam is read like any other); an export by Google Authenticator,
    ///   `otpauth-migration://`
    /// - the parameters `encoder` and `epoch`; an unknown parameter whose name ends in a known one,
    ///   digits and punctuation after it aside: `xdigits`, `digits[]` (other unknown parameters are
    ///   ignored)
    /// - a parameter that is given twice with different values
    /// - no secret, an empty secret, `secret=null`, or a secret that is not base32 or longer than
    ///   1,024 bytes
    /// - an unknown algorithm; digits other than 6, 7 and 8; a period of 0; a number with a sign, a
    ///   fraction or 2<sup>64</sup> and above
    /// - no account and no issuer; a colon in an account without an issuer; a control character in
    ///   a name
    /// - a `%` without two hexadecimal digits; a part that is not UTF-8
    /// - more than [`MAX_BYTES`](Self::MAX_BYTES)
    ///
    /// ```
    /// use countersign::uri::{KeyUri, Repair};
    ///
    /// let lenient = KeyUri::parse_lenient("otpauth://totp/alice?secret=gezd gnbv gy3t qojq gezd gnbv gy3t qojq&algorithm=HMAC-SHA-256")?;
    /// assert_eq!(lenient.uri.secret().expose(), b"12345678901234567890");
    /// assert!(lenient.repairs.contains(&Repair::AlgorithmName));
    /// assert!(lenient.repairs.contains(&Repair::SecretSeparators));
    /// # Ok::<(), countersign::uri::KeyUriError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyUriError`] names the first fault.
    pub fn parse_lenient(text: &str) -> Result<LenientKeyUri, KeyUriError> {
        let (uri, repairs) = parse::lenient(text)?;
        Ok(LenientKeyUri { uri, repairs })
    }

    /// Checks the parts: every key URI is made here.
    pub(super) fn assemble(parts: Parts<'_>) -> Result<Self, KeyUriError> {
        let Names {
            prefix,
            issuer,
            account,
        } = parts.names;
        if let Some(issuer) = issuer {
            check_name(KeyUriPart::Issuer, issuer, parts.colons)?;
        }
        let mut other_issuer = None;
        if let Some(prefix) = prefix {
            check_name(KeyUriPart::IssuerPrefix, prefix, parts.colons)?;
            other_issuer = issuer.map(Into::into);
        }
        check_name(KeyUriPart::Account, account, parts.colons)?;
        let prefix = prefix.or(issuer);
        let account_at = prefix.map_or(0, |prefix| prefix.len().saturating_add(1));
        let mut label = String::with_capacity(account_at.saturating_add(account.len()));
        if let Some(prefix) = prefix {
            label.push_str(prefix);
            label.push(':');
        }
        label.push_str(account);
        if !parts.image.is_none_or(is_image) {
            return Err(KeyUriError::Image);
        }
        let mut uri = Self {
            secret: parts.secret,
            kind: parts.kind,
            label,
            account_at,
            issuer: other_issuer,
            algorithm: parts.algorithm,
            digits: parts.digits,
            image: parts.image.map(Into::into),
            longest: 0,
        };
        uri.longest = uri.length(longest_escaped);
        if uri.longest > Self::MAX_BYTES {
            uri.longest = uri.length(escaped_len);
        }
        if uri.longest > Self::MAX_BYTES {
            return Err(KeyUriError::TooLong { bytes: uri.longest });
        }
        Ok(uri)
    }

    /// The secret.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The type, with its period or counter.
    #[must_use]
    pub const fn kind(&self) -> KeyUriKind {
        self.kind
    }

    /// The account name.
    #[must_use]
    pub fn account(&self) -> &str {
        self.label_parts().1
    }

    /// The service's name, or its domain where the label has the name.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().or_else(|| self.issuer_prefix())
    }

    /// What the label has before the account. It is the issuer, but for a URI that was
    /// [built](KeyUriBuilder::issuer_prefix) with another prefix, or read with one.
    #[must_use]
    pub fn issuer_prefix(&self) -> Option<&str> {
        self.label_parts().0
    }

    /// The hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many digits a passcode has.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// The address of a logo.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// The text, ASCII only.
    ///
    /// Issuer and prefix are equal if nothing else was set, the secret is in upper case without
    /// padding, a space is `%20`, and all but the unreserved characters of RFC 3986 is escaped.
    /// Parameters with their default value are left out, as the format allows and every app
    /// understands: the 34 characters would make the QR code a size larger and harder to scan.
    #[must_use]
    pub fn to_secret_text(&self) -> SecretText {
        // An overestimate, so that no copy of the secret stays behind in a buffer that grew.
        let mut text = String::with_capacity(self.longest);
        self.write(&mut text);
        SecretText::new(text)
    }

    /// How long the text is, in bytes, if so much is what escaped text has.
    fn length(&self, escaped: impl Fn(&str) -> usize) -> usize {
        let mut length = Length::new(escaped);
        self.write(&mut length);
        length.sum()
    }

    fn write(&self, out: &mut impl Pieces) {
        out.plain(match self.kind {
            KeyUriKind::Totp { .. } => "otpauth://totp/",
            KeyUriKind::Hotp { .. } => "otpauth://hotp/",
        });
        let (prefix, account) = self.label_parts();
        if let Some(prefix) = prefix {
            out.escaped(prefix);
            out.plain(":");
        }
        out.escaped(account);
        out.plain("?secret=");
        out.base32(self.secret.expose());
        if let Some(issuer) = self.issuer.as_deref().or(prefix) {
            out.plain("&issuer=");
            out.escaped(issuer);
        }
        if self.algorithm != Algorithm::Sha1 {
            out.plain("&algorithm=");
            out.plain(self.algorithm.name());
        }
        if self.digits != Digits::SIX {
            out.plain("&digits=");
            out.number(self.digits.get().into());
        }
        match self.kind {
            KeyUriKind::Totp { period } if period == Period::THIRTY_SECONDS => {}
            KeyUriKind::Totp { period } => {
                out.plain("&period=");
                out.number(period.as_secs());
            }
            KeyUriKind::Hotp { counter } => {
                out.plain("&counter=");
                out.number(counter);
            }
        }
        if let Some(image) = &self.image {
            out.plain("&image=");
            out.escaped(image);
        }
    }

    fn label_parts(&self) -> (Option<&str>, &str) {
        self.label
            .split_at_checked(self.account_at)
            .map_or((None, &self.label), |(prefix, account)| {
                (prefix.strip_suffix(':'), account)
            })
    }
}

impl fmt::Debug for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyUri")
            .field("kind", &self.kind)
            .field("issuer", &self.issuer())
            .field("issuer_prefix", &self.issuer_prefix())
            .field("account", &self.account())
            .field("algorithm", &self.algorithm)
            .field("digits", &self.digits)
            .finish_non_exhaustive()
    }
}

/// Whether a text is the address of a picture: `https://` with a host and a path.
pub(super) fn is_image(address: &str) -> bool {
    address.bytes().all(|byte| byte.is_ascii_graphic())
        && address
            .strip_prefix("https://")
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(host, _)| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    fn secret() -> Secret {
        Secret::from_bytes(b"12345678901234567890").unwrap()
    }

    #[test]
    fn the_buffer_of_the_text_never_grows() {
        let mut text = String::new();
        for period in [1, 9, 10, 99, 100, u64::MAX] {
            let secret = secret();
            let uri = KeyUri::totp(&secret, "zoë+1@example.com")
                .issuer("ACME & Söhne")
                .digits(Digits::EIGHT)
                .algorithm(Algorithm::Sha512)
                .period(Period::from_secs(period).unwrap())
                .image("https://example.com/a.png?b=c")
                .build()
                .unwrap();
            text = String::with_capacity(uri.length(escaped_len));
            let before = (text.as_ptr(), text.capacity());
            uri.write(&mut text);
            assert_eq!(text.len(), uri.length(escaped_len));
            assert!(text.len() <= uri.length(longest_escaped));
            assert_eq!((text.as_ptr(), text.capacity()), before);
        }
        assert!(text.ends_with("&image=https%3A%2F%2Fexample.com%2Fa.png%3Fb%3Dc"));
    }

    #[test]
    fn debug_shows_the_names_and_not_the_secret() {
        let secret = secret();
        let builder = KeyUri::hotp(&secret, "alice", 7).issuer("Example");
        let builder_debug = format!("{builder:?}");
        let uri = builder.build().unwrap();
        for debug in [builder_debug, format!("{uri:?}"), format!("{uri:#?}")] {
            assert!(debug.contains("alice"));
            assert!(debug.contains("Example"));
            for leak in ["1234", "GEZD", "gezd", "49, 50", "31, 32"] {
                assert!(!debug.contains(leak), "{debug}");
            }
        }
    }

    #[test]
    fn the_name_of_a_part_is_padded_like_text() {
        assert_eq!(format!("{:>8}", KeyUriPart::Secret), "  secret");
        assert_eq!(KeyUriPart::IssuerPrefix.to_string(), "issuer prefix");
    }
}
