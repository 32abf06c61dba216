//! A key URI: its parts, the checks of them, and its text.

use super::escape::{LengthCounter, UriWriter, escaped_len, longest_escaped};
use super::label::{Colons, Names, check_name};
use super::{KeyUriError, KeyUriPart};
use crate::otp::{Algorithm, Digits, Period, Secret, SecretText};
use alloc::string::String;
use core::fmt;

/// A key URI, `otpauth://totp/...` or `otpauth://hotp/...` (Key URI Format): the text of the QR
/// code for an authenticator app.
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
/// Only SHA-1, 6 digits and 30 seconds work in all apps. With other parameters, some apps show
/// wrong passcodes without a warning; [`advice`](Self::advice) lists these apps. So never activate
/// an authenticator before the user has typed one of its passcodes.
///
/// # Names in apps
///
/// Keep issuer and account short. Some apps cut the issuer after 30 characters and the account
/// after 40, and each further character makes the QR code denser. Avoid `& = ? # %` in names: this
/// crate escapes them correctly, but some apps decode them twice.
///
/// Issuer and account cannot have a colon, because the format separates them by a colon.
/// [`fit_name`](Self::fit_name) replaces colons.
///
/// Only [`parse_lenient`](Self::parse_lenient) keeps colons in names, so that an imported entry
/// keeps its name and two entries stay distinct. The text of such a URI has each colon of a name as
/// `%3A`. [`parse`](Self::parse) refuses that text, because the format forbids colons in names, but
/// the text is not ambiguous. Most readers split the label at its first colon and use the parameter
/// `issuer`, and `parse_lenient` reads the same names again.
#[derive(Clone)]
pub struct KeyUri {
    secret: Secret,
    kind: KeyUriKind,
    /// The label without escapes: `prefix:account` or `account`.
    label: String,
    /// The position in the label at which the account begins.
    account_at: usize,
    /// The issuer, if the prefix is another name.
    issuer: Option<String>,
    algorithm: Algorithm,
    digits: Digits,
    image: Option<String>,
    /// An upper bound of the length of the text in bytes.
    max_bytes: usize,
}

/// The type of a key URI, with the parameter of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUriKind {
    /// Time-based (RFC 6238).
    Totp {
        /// The length of a time step.
        period: Period,
    },
    /// Counter-based (RFC 4226).
    Hotp {
        /// The counter of the next passcode.
        counter: u64,
    },
    /// Steam Guard: [`SteamGuard`](crate::otp::SteamGuard) has the passcodes. They have five
    /// characters, and SHA-1 and 30 seconds are fixed.
    #[cfg(feature = "steam")]
    Steam,
}

impl KeyUri {
    /// The length of the longest key URI in bytes. A QR code holds at most 2,953.
    pub const MAX_BYTES: usize = 4096;

    /// Returns the secret.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns the type, with its period or counter.
    #[must_use]
    pub const fn kind(&self) -> KeyUriKind {
        self.kind
    }

    /// Returns the account name.
    #[must_use]
    pub fn account(&self) -> &str {
        self.label_parts().1
    }

    /// Returns the issuer: the service's name, or its domain if the label has the name.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().or_else(|| self.issuer_prefix())
    }

    /// Returns the prefix of the label, before the account.
    ///
    /// It is equal to the issuer, unless the URI was
    /// [built](crate::uri::KeyUriBuilder::issuer_prefix) or parsed with another prefix.
    #[must_use]
    pub fn issuer_prefix(&self) -> Option<&str> {
        self.label_parts().0
    }

    /// Returns the hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the number of digits in a passcode.
    ///
    /// For Steam Guard (`KeyUriKind::Steam`), the method returns the default, 6. It says nothing
    /// then: passcodes of Steam Guard have five characters.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// Returns the address of the logo.
    #[must_use]
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// Returns the text of the URI, in ASCII.
    ///
    /// - The prefix is equal to the issuer, unless another prefix was set.
    /// - The secret is in upper case without padding.
    /// - All characters except the unreserved ones of RFC 3986 are escaped. A space is `%20`.
    /// - Parameters with their default value are left out, which the format allows and every app
    ///   understands. Their 34 characters would make the QR code larger and harder to scan.
    /// - Steam Guard has two marks, the type `steam` and `encoder=steam`, because many apps read
    ///   only one of these. `docs/apps.md` lists the apps.
    #[must_use]
    pub fn to_secret_text(&self) -> SecretText {
        // With this capacity, the buffer never grows. A buffer that grows leaves a copy of the
        // secret.
        let mut text = String::with_capacity(self.max_bytes);
        self.write(&mut text);
        SecretText::new(text)
    }

    /// Returns the length of the text in bytes. `escaped` returns the length of a text after
    /// escaping.
    fn length(&self, escaped: impl Fn(&str) -> usize) -> usize {
        let mut counter = LengthCounter::new(escaped);
        self.write(&mut counter);
        counter.length()
    }

    fn write(&self, out: &mut impl UriWriter) {
        out.plain(match self.kind {
            KeyUriKind::Totp { .. } => "otpauth://totp/",
            KeyUriKind::Hotp { .. } => "otpauth://hotp/",
            #[cfg(feature = "steam")]
            KeyUriKind::Steam => "otpauth://steam/",
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
            #[cfg(feature = "steam")]
            KeyUriKind::Steam => out.plain("&encoder=steam"),
        }
        if let Some(image) = &self.image {
            out.plain("&image=");
            out.escaped(image);
        }
    }

    /// Returns the label without escapes: `prefix:account` or `account`.
    #[cfg(feature = "migration")]
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Returns the prefix and the account.
    fn label_parts(&self) -> (Option<&str>, &str) {
        self.label
            .split_at_checked(self.account_at)
            .map_or((None, &self.label), |(prefix, account)| {
                (prefix.strip_suffix(':'), account)
            })
    }

    /// Checks the parts and makes the key URI. Only this method makes key URIs.
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
        if !parts.image.is_none_or(is_image_address) {
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
            max_bytes: 0,
        };
        uri.max_bytes = uri.length(longest_escaped);
        if uri.max_bytes > Self::MAX_BYTES {
            uri.max_bytes = uri.length(escaped_len);
        }
        if uri.max_bytes > Self::MAX_BYTES {
            return Err(KeyUriError::TooLong {
                bytes: uri.max_bytes,
            });
        }
        Ok(uri)
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

/// The parts of a [`KeyUri`], before they are checked.
pub(super) struct Parts<'a> {
    pub(super) secret: Secret,
    pub(super) kind: KeyUriKind,
    /// If there is no prefix, the issuer is also the prefix.
    pub(super) names: Names<'a>,
    pub(super) colons: Colons,
    pub(super) algorithm: Algorithm,
    pub(super) digits: Digits,
    pub(super) image: Option<&'a str>,
}

/// Whether a text can be the address of a logo: `https://` with a server name and a path.
pub(super) fn is_image_address(address: &str) -> bool {
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
    fn debug_shows_names_and_no_secret() {
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
}
