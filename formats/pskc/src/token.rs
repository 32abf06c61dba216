//! A token: what one key of a file says.

use std::fmt;
use std::sync::Arc;

use countersign::AuthenticatorName;
use countersign::import::ImportedAuthenticator;
use countersign::otp::{Algorithm, Digits, Period, Secret, TimeStep};

use crate::error::{Place, Problem, TokenError};
use crate::wiped::WipedText;

/// The tokens of a file.
#[derive(Debug)]
pub struct Tokens {
    pub(crate) tokens: Vec<Result<Token, TokenError>>,
    pub(crate) packages: usize,
    pub(crate) is_signed: bool,
    pub(crate) other_fields: Vec<OtherField>,
}

impl Tokens {
    /// Returns the number of key packages in a PSKC file, or of rows in a CSV file.
    ///
    /// Each of them has at least one entry in [`tokens`](Self::tokens).
    #[must_use]
    pub const fn packages(&self) -> usize {
        self.packages
    }

    /// Returns the tokens in the order of the file, with an error for each that is refused.
    pub fn tokens(&self) -> &[Result<Token, TokenError>] {
        &self.tokens
    }

    /// Returns the tokens themselves.
    #[must_use]
    pub fn into_tokens(self) -> Vec<Result<Token, TokenError>> {
        self.tokens
    }

    /// Returns whether the file has an XML signature. This package does not check it.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.is_signed
    }

    /// Returns the fields outside of key packages that this package does not interpret.
    #[must_use]
    pub fn other_fields(&self) -> &[OtherField] {
        &self.other_fields
    }
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    pub(crate) place: Place,
    pub(crate) device: Device,
    pub(crate) key_id: Option<String>,
    pub(crate) key_user_id: Option<String>,
    pub(crate) friendly_name: Option<String>,
    pub(crate) secret: Secret,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
    pub(crate) moving_factor: MovingFactor,
    pub(crate) notes: Vec<Note>,
    pub(crate) device_fields: Arc<[OtherField]>,
    pub(crate) other_fields: Vec<OtherField>,
}

/// What a key package says about the device.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    pub(crate) serial: Option<Arc<str>>,
    pub(crate) manufacturer: Option<Arc<str>>,
    pub(crate) user_id: Option<Arc<str>>,
}

/// What a passcode depends on, besides the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MovingFactor {
    /// TOTP (RFC 6238).
    #[non_exhaustive]
    Time {
        /// The length of a time step.
        period: Period,
        /// The time step of the device when the file was written, if the file has one.
        step: Option<TimeStep>,
        /// By how many time steps the clock of the device was ahead. Negative: it was behind.
        drift: Option<i64>,
    },
    /// HOTP (RFC 4226).
    #[non_exhaustive]
    Counter {
        /// The counter of the next passcode, if the file has one.
        next: Option<u64>,
    },
}

impl Token {
    /// Returns where the token is in the file.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Returns the serial number of the device.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.device.serial.as_deref()
    }

    /// Returns the manufacturer of the device.
    #[must_use]
    pub fn manufacturer(&self) -> Option<&str> {
        self.device.manufacturer.as_deref()
    }

    /// Returns the id of the key (the attribute `Id`).
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the user of the key, or else the user of the device.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        let key = self.key_user_id.as_deref();
        key.or(self.device.user_id.as_deref())
    }

    /// Returns the name that people know the key by.
    #[must_use]
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// Returns the secret.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Returns the hash function.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the number of digits.
    #[must_use]
    pub const fn digits(&self) -> Digits {
        self.digits
    }

    /// Returns the moving factor.
    #[must_use]
    pub const fn moving_factor(&self) -> MovingFactor {
        self.moving_factor
    }

    /// Returns what you should know about the token: defaults that were used, and values that an
    /// import cannot keep.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the fields that this package does not interpret, for example the model of the device
    /// and the dates of the policy. The fields of the device come first.
    pub fn other_fields(&self) -> impl Iterator<Item = &OtherField> {
        self.device_fields.iter().chain(&self.other_fields)
    }

    /// Returns the name for the user's list of authenticators: the friendly name, or else the
    /// serial number, if it can be such a name.
    #[must_use]
    pub fn name(&self) -> Option<AuthenticatorName> {
        let names = [self.friendly_name(), self.serial()];
        let mut names = names.into_iter().flatten();
        names.find_map(|name| AuthenticatorName::new(name).ok())
    }

    /// Makes the authenticator for [`Import`](countersign::import::Import).
    ///
    /// The time step of a TOTP token counts as used. The drift is left out, so ask for one code of
    /// the device before the token counts as moved.
    ///
    /// # Errors
    /// [`Problem::CounterMissing`] if the token is for HOTP and the file has no counter.
    pub fn to_authenticator(&self) -> Result<ImportedAuthenticator, TokenError> {
        let secret = self.secret.clone();
        let authenticator = match self.moving_factor {
            MovingFactor::Time { period, step, .. } => {
                let totp = ImportedAuthenticator::totp(secret).period(period);
                match step {
                    Some(step) => totp.last_step(step),
                    None => totp,
                }
            }
            MovingFactor::Counter { next } => {
                ImportedAuthenticator::hotp(secret, next.ok_or_else(|| self.counter_missing())?)
            }
        };
        let authenticator = authenticator.algorithm(self.algorithm).digits(self.digits);
        Ok(match self.name() {
            Some(name) => authenticator.name(name),
            None => authenticator,
        })
    }

    fn counter_missing(&self) -> TokenError {
        TokenError {
            place: self.place,
            serial: self.device.serial.clone(),
            user_id: self.user_id().map(Arc::from),
            field: match self.place {
                Place::Package { .. } => "Data/Counter".into(),
                Place::Row { .. } => "counter".into(),
            },
            problem: Problem::CounterMissing,
        }
    }
}

/// What you should know about a token that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The file names no hash function, so it is SHA-1.
    DefaultHash,
    /// The file has no number of digits, so it is 6.
    DefaultDigits,
    /// The file has no time interval, so it is 30 seconds.
    DefaultPeriod,
    /// The clock of the device was wrong. An import leaves this out.
    Drift {
        /// By how many time steps the clock was ahead. Negative: it was behind.
        steps: i64,
    },
    /// The device had a time step. An import takes it as used.
    Step(TimeStep),
    /// The base64 text of the secret looks like base32 or hexadecimal. Some programs write these
    /// encodings by mistake.
    SecretLooksEncoded,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultHash => f.write_str("the file names no hash function: SHA-1"),
            Self::DefaultDigits => f.write_str("the file has no number of digits: 6"),
            Self::DefaultPeriod => f.write_str("the file has no time interval: 30 seconds"),
            Self::Drift { steps } => write!(
                f,
                "the clock of the device was off by {steps} time steps, which is left out"
            ),
            Self::Step(step) => write!(
                f,
                "passcodes up to the time step {} of the device count as used",
                step.get()
            ),
            Self::SecretLooksEncoded => f.write_str(
                "the secret looks like base32 or hexadecimal, but PSKC has base64: try a passcode",
            ),
        }
    }
}

/// A field that this package does not interpret. `Debug` does not show its value.
#[derive(Clone, Debug)]
pub struct OtherField {
    pub(crate) path: String,
    pub(crate) value: WipedText,
}

impl OtherField {
    /// Returns the path of elements, as in `DeviceInfo/Model`. An attribute begins with `@`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the text of the field.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.as_str()
    }
}
