//! Building a key URI, and making names fit.

use super::key_uri::{KeyUri, KeyUriKind, Parts};
use super::label::{Colons, Names, check_name};
use super::{KeyUriError, KeyUriPart};
use crate::otp::{Algorithm, Digits, Period, Secret};
use alloc::borrow::Cow;
use alloc::string::String;

impl KeyUri {
    /// Starts to build a totp URI. `account` is the name that the user knows, such as an e-mail
    /// address.
    pub const fn totp<'a>(secret: &'a Secret, account: &'a str) -> KeyUriBuilder<'a> {
        KeyUriBuilder::new(secret, account, None)
    }

    /// Starts to build a hotp URI. `counter` is the counter of the first passcode that the app
    /// shows.
    pub const fn hotp<'a>(secret: &'a Secret, account: &'a str, counter: u64) -> KeyUriBuilder<'a> {
        KeyUriBuilder::new(secret, account, Some(counter))
    }

    /// Starts to build a URI for Steam Guard. The builder then refuses an algorithm other than
    /// SHA-1, another number of digits than the default, and every period.
    ///
    /// KeePassXC, Aegis and ente Auth read this URI. Bitwarden reads only `steam://`, followed by
    /// [`to_base32`](Secret::to_base32) of the secret. `docs/apps.md` has the details.
    ///
    /// ```
    /// use countersign::otp::Secret;
    /// use countersign::uri::KeyUri;
    ///
    /// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
    /// assert_eq!(
    ///     KeyUri::steam(&secret, "alice").issuer("Steam").build()?.to_secret_text().expose(),
    ///     "otpauth://steam/Steam:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
    ///      &issuer=Steam&encoder=steam",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "steam")]
    pub const fn steam<'a>(secret: &'a Secret, account: &'a str) -> KeyUriBuilder<'a> {
        let mut builder = KeyUriBuilder::new(secret, account, None);
        builder.is_steam = true;
        builder
    }

    /// Returns a display name that fits a key URI, with at most `max_characters` characters.
    ///
    /// The method replaces each colon by a hyphen and each control character by a space. It drops
    /// white space at both ends, then cuts the name. A name that fits comes back unchanged.
    ///
    /// Use it if your account names or your issuer can have colons, such as Matrix ids or
    /// `host:port`. The result is for display only. Two names can become equal, so never look up an
    /// account by it. The result can be empty, and the builder refuses an empty name.
    ///
    /// Apps cut long names too. No app is known to cut a name of at most 30 characters.
    ///
    /// ```
    /// use countersign::otp::Secret;
    /// use countersign::uri::KeyUri;
    ///
    /// assert_eq!(KeyUri::fit_name("dana@192.0.2.7:3080", 30), "dana@192.0.2.7-3080");
    /// assert_eq!(KeyUri::fit_name("a name that is far too long", 11), "a name that");
    ///
    /// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
    /// let uri = KeyUri::totp(&secret, &KeyUri::fit_name("@alice:example.org", 30)).build()?;
    /// assert_eq!(uri.account(), "@alice-example.org");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn fit_name(text: &str, max_characters: usize) -> Cow<'_, str> {
        let cut = |name: &str| name.char_indices().nth(max_characters).map(|(at, _)| at);
        let is_valid = check_name(KeyUriPart::Account, text, Colons::Refused).is_ok();
        if is_valid && cut(text).is_none() {
            return Cow::Borrowed(text);
        }
        let replaced = |character: char| match character {
            ':' => '-',
            character if character.is_control() => ' ',
            character => character,
        };
        let name: String = text.chars().map(replaced).collect();
        let name = name.trim();
        let name = cut(name).and_then(|at| name.get(..at)).unwrap_or(name);
        Cow::Owned(name.trim_end().into())
    }
}

/// Builds a [`KeyUri`]. The defaults are SHA-1, 6 digits and 30 seconds, which every app supports.
#[derive(Clone, Debug)]
#[must_use = "call `build`"]
pub struct KeyUriBuilder<'a> {
    secret: &'a Secret,
    account: &'a str,
    issuer: Option<&'a str>,
    prefix: Option<&'a str>,
    algorithm: Algorithm,
    digits: Digits,
    counter: Option<u64>,
    period: Option<Period>,
    #[cfg(feature = "steam")]
    is_steam: bool,
    image: Option<&'a str>,
}

impl<'a> KeyUriBuilder<'a> {
    pub(super) const fn new(secret: &'a Secret, account: &'a str, counter: Option<u64>) -> Self {
        Self {
            secret,
            account,
            issuer: None,
            prefix: None,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            counter,
            period: None,
            #[cfg(feature = "steam")]
            is_steam: false,
            image: None,
        }
    }

    /// Sets the issuer: the service's name, as the app shows it.
    ///
    /// Always set the issuer. Without an issuer, users cannot distinguish two entries with the same
    /// account name, and some apps overwrite the first entry with the second.
    pub const fn issuer(mut self, issuer: &'a str) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Sets the prefix of the label, if it differs from the issuer. Set the issuer too.
    ///
    /// draft-andesco-otpauth-uri-01 recommends the service's name as the prefix and its domain as
    /// the issuer. The app then shows the name, and a password manager fills in the passcode by the
    /// domain. The Key URI Format says that both should be equal, and some readers refuse different
    /// names: see [`KeyUri::advice`].
    ///
    /// ```
    /// use countersign::otp::Secret;
    /// use countersign::uri::KeyUri;
    ///
    /// let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")?;
    /// let uri = KeyUri::totp(&secret, "alice").issuer("example.com").issuer_prefix("Example");
    /// assert_eq!(
    ///     uri.build()?.to_secret_text().expose(),
    ///     "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
    ///      &issuer=example.com",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn issuer_prefix(mut self, prefix: &'a str) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// Sets a hash function other than SHA-1. [`KeyUri::advice`] lists the apps that then show
    /// wrong passcodes.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets a number of digits other than 6. [`KeyUri::advice`] lists the apps that then show wrong
    /// passcodes.
    pub const fn digits(mut self, digits: Digits) -> Self {
        self.digits = digits;
        self
    }

    /// Sets a period other than 30 seconds, for totp only. [`KeyUri::advice`] lists the apps that
    /// then show wrong passcodes.
    pub const fn period(mut self, period: Period) -> Self {
        self.period = Some(period);
        self
    }

    /// Sets the `https://` address of a logo.
    ///
    /// A few apps fetch the logo and show it, so the server of the logo learns about the user's
    /// phone. The Key URI Format does not have this parameter, and the address makes the QR code
    /// larger.
    pub const fn image(mut self, address: &'a str) -> Self {
        self.image = Some(address);
        self
    }

    /// Checks the parts and makes the key URI.
    ///
    /// # Errors
    /// [`KeyUriError`] in these cases:
    ///
    /// - The account, the issuer or the prefix is empty, has a colon or a control character, or
    ///   begins or ends with white space. ([`KeyUri::fit_name`] makes a name that fits.)
    /// - A prefix is set without an issuer.
    /// - A hotp URI has a period. A URI for Steam Guard has a period, another algorithm or another
    ///   number of digits.
    /// - The image is not an `https://` address.
    /// - The URI would be longer than [`KeyUri::MAX_BYTES`].
    pub fn build(self) -> Result<KeyUri, KeyUriError> {
        #[cfg(feature = "steam")]
        if let Some(part) = self.wrong_for_steam() {
            return Err(KeyUriError::NotForType { part });
        }
        let kind = match (self.counter, self.period) {
            #[cfg(feature = "steam")]
            _ if self.is_steam => KeyUriKind::Steam,
            (None, period) => KeyUriKind::Totp {
                period: period.unwrap_or_default(),
            },
            (Some(counter), None) => KeyUriKind::Hotp { counter },
            (Some(_), Some(_)) => {
                return Err(KeyUriError::NotForType {
                    part: KeyUriPart::Period,
                });
            }
        };
        if self.prefix.is_some() && self.issuer.is_none() {
            return Err(KeyUriError::Missing {
                part: KeyUriPart::Issuer,
            });
        }
        KeyUri::assemble(Parts {
            secret: self.secret.clone(),
            kind,
            names: Names {
                prefix: self.prefix.filter(|prefix| self.issuer != Some(*prefix)),
                issuer: self.issuer,
                account: self.account,
            },
            colons: Colons::Refused,
            algorithm: self.algorithm,
            digits: self.digits,
            image: self.image,
        })
    }

    /// Returns the part that does not fit Steam Guard.
    #[cfg(feature = "steam")]
    fn wrong_for_steam(&self) -> Option<KeyUriPart> {
        let wrong = [
            (KeyUriPart::Algorithm, self.algorithm != Algorithm::Sha1),
            (KeyUriPart::Digits, self.digits != Digits::SIX),
            (KeyUriPart::Period, self.period.is_some()),
        ];
        let mut wrong = wrong.into_iter().filter(|(_, is_wrong)| *is_wrong);
        wrong.next().map(|(part, _)| part).filter(|_| self.is_steam)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fit_are_borrowed() {
        for name in ["alice@example.com", "Søhne & Co", "a", ""] {
            let fitted = KeyUri::fit_name(name, 30);
            assert_eq!(fitted, name);
            assert_eq!(matches!(fitted, Cow::Borrowed(_)), !name.is_empty());
        }
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        for (name, characters, fitted) in [
            ("@alice:example.org", 30, "@alice-example.org"),
            ("::", 30, "--"),
            ("zoë😀x", 3, "zoë"),
            ("zoë😀x", 4, "zoë😀"),
            ("zoë😀x", 5, "zoë😀x"),
            ("Big Corp", 4, "Big"),
            (" \u{3000}alice\r\n", 30, "alice"),
            ("\u{0}a\tb\u{85}", 30, "a b"),
            ("alice", 0, ""),
            (" \n ", 30, ""),
        ] {
            assert_eq!(KeyUri::fit_name(name, characters), fitted, "{name:?}");
        }
    }
}
