use super::hex::{self, IdError};
use crate::{Algorithm, Digits, Period, Policy, Secret, TimeStep, Timestamp, Totp};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

/// Names one authenticator of an account: 64 random bits, 16 hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct AuthenticatorId([u8; 8]);

impl AuthenticatorId {
    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Display for AuthenticatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for AuthenticatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthenticatorId({self})")
    }
}

impl FromStr for AuthenticatorId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        hex::parse(text).map(Self)
    }
}

impl TryFrom<String> for AuthenticatorId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<AuthenticatorId> for String {
    fn from(id: AuthenticatorId) -> Self {
        alloc::format!("{id}")
    }
}

/// What a person calls an authenticator: "work phone". 1 to 64 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct AuthenticatorName(Box<str>);

impl AuthenticatorName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Checks a name. White space around it is dropped.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than 64 bytes, or has a control character.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { bytes: name.len() });
        }
        if name.chars().any(char::is_control) {
            return Err(NameError::ControlCharacter);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The default name, with the first number that makes it one that is not taken.
    pub(super) fn first_free(taken: impl Fn(&Self) -> bool) -> Self {
        let mut name = Self::default();
        let mut number = 1_u32;
        while taken(&name) {
            number = number.saturating_add(1);
            name = Self(alloc::format!("{} {number}", Self::default()).into());
        }
        name
    }
}

impl Default for AuthenticatorName {
    /// "Authenticator app".
    fn default() -> Self {
        Self("Authenticator app".into())
    }
}

impl fmt::Display for AuthenticatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for AuthenticatorName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(&name)
    }
}

impl From<AuthenticatorName> for String {
    fn from(name: AuthenticatorName) -> Self {
        name.0.into()
    }
}

/// A name that an authenticator cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing but white space.
    #[error("the name of the authenticator is empty")]
    Empty,
    /// More than 64 bytes.
    #[error("the name of the authenticator has {bytes} bytes; at most 64 are taken")]
    TooLong {
        /// The bytes that it has.
        bytes: usize,
    },
    /// A line break, a tab or the like.
    #[error("the name of the authenticator has a control character")]
    ControlCharacter,
}

/// What an app entry computes its passcodes with, besides the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
    pub(crate) period: Period,
}

impl Parameters {
    pub(crate) const fn of(policy: &Policy) -> Self {
        Self {
            algorithm: policy.algorithm(),
            digits: policy.digits(),
            period: policy.period(),
        }
    }

    pub(crate) fn totp(self, secret: &Secret) -> Totp {
        Totp::new(secret.expose(), self.algorithm, self.digits, self.period)
    }
}

/// An active authenticator.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) id: AuthenticatorId,
    pub(crate) name: AuthenticatorName,
    pub(crate) secret: Secret,
    pub(crate) parameters: Parameters,
    pub(crate) added_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) last_step: Option<TimeStep>,
}
