use super::key_uri::{KeyUri, KeyUriKind, Parts};
use super::label::Colons;
use super::label::Names;
use super::{KeyUriError, KeyUriPart};
use crate::otp::{Algorithm, Digits, Period, Secret};

/// Builds a [`KeyUri`]. What is not set is SHA-1, 6 digits and 30 seconds, which every app knows.
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
            image: None,
        }
    }

    /// The service's name, as the app shows it. Always set it: two entries with the same account
    /// name cannot be told apart without it, and some apps let the second overwrite the first.
    pub const fn issuer(mut self, issuer: &'a str) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// Another name before the account than the issuer, which must be set as well.
    ///
    /// draft-andesco-otpauth-uri-01 recommends the service's name here and its domain as the
    /// issuer: the app shows the name, and a password manager fills the passcode in by the domain.
    /// The Key URI Format says that both should be equal, and some readers refuse others: see
    /// [`KeyUri::advice`].
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

    /// Another hash function than SHA-1. [`KeyUri::advice`] names the apps that show wrong
    /// passcodes then.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Another number of digits than 6. [`KeyUri::advice`] names the apps that show wrong passcodes
    /// then.
    pub const fn digits(mut self, digits: Digits) -> Self {
        self.digits = digits;
        self
    }

    /// Another period than 30 seconds; only of totp. [`KeyUri::advice`] names the apps that show
    /// wrong passcodes then.
    pub const fn period(mut self, period: Period) -> Self {
        self.period = Some(period);
        self
    }

    /// The `https://` address of a logo, which a few apps fetch and show (the user's phone then
    /// tells that server about itself). Not part of the Key URI Format; it makes the QR code
    /// larger.
    pub const fn image(mut self, address: &'a str) -> Self {
        self.image = Some(address);
        self
    }

    /// Checks the parts.
    ///
    /// # Errors
    /// [`KeyUriError`] if the account, the issuer or its prefix is empty, has a colon or a control
    /// character, or begins or ends with white space ([`KeyUri::fit_name`] makes a name that fits);
    /// if a prefix has no issuer; if a hotp URI is given a period; if the image is not an
    /// `https://` address; if the URI would be longer than [`KeyUri::MAX_BYTES`].
    pub fn build(self) -> Result<KeyUri, KeyUriError> {
        let kind = match (self.counter, self.period) {
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
}
