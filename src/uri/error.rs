use crate::otp::{AlgorithmError, DigitsError, PeriodError, SecretError};
use core::fmt;

/// A key URI that cannot be built or parsed. The message names the parameter, and never quotes the
/// URI, because any of its parts may be the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyUriError {
    /// The URI is longer than [`KeyUri::MAX_BYTES`](crate::uri::KeyUri::MAX_BYTES).
    #[error("the key URI has {bytes} bytes; at most 4096 are taken")]
    TooLong {
        /// The bytes that it has.
        bytes: usize,
    },
    /// An account or an issuer of an enrollment is longer than 1,024 bytes.
    #[error("the {part} has {bytes} bytes; at most 1024 are taken")]
    PartTooLong {
        /// Which part.
        part: KeyUriPart,
        /// The bytes that it has.
        bytes: usize,
    },
    /// No QR code at level M holds the key URI of an enrollment: percent-encoding makes three bytes of most
    /// bytes that are not ASCII, and the issuer stands in the URI twice.
    #[error(
        "the key URI has {bytes} bytes; a QR code holds 2331: shorten the account name or issuer"
    )]
    TooLongForQrCode {
        /// The bytes that it has.
        bytes: usize,
    },
    /// The text does not begin with `otpauth://`.
    #[error("the key URI does not begin with otpauth://")]
    Scheme,
    /// White space, a control character or a character that nobody sees stands before or after the
    /// URI.
    #[error("the key URI has white space or an invisible character before or after it")]
    Surroundings,
    /// The text is an export of accounts by Google Authenticator, which is no key URI.
    #[error("otpauth-migration:// is an export of Google Authenticator, not a key URI")]
    Migration,
    /// The URI is for Steam Guard, which makes other codes of the same secret.
    #[error("the key URI is for Steam Guard, whose codes are not supported")]
    Steam,
    /// The type is neither `totp` nor `hotp`.
    #[error("the type of the key URI is neither totp nor hotp")]
    Type,
    /// A part that must be there is missing.
    #[error("the {part} is missing")]
    Missing {
        /// Which part.
        part: KeyUriPart,
    },
    /// A part has no text.
    #[error("the {part} is empty")]
    Empty {
        /// Which part.
        part: KeyUriPart,
    },
    /// An issuer or an account has a colon, as it stands or as `%3A`: the colon separates the two.
    #[error("the {part} has a colon")]
    Colon {
        /// Which part.
        part: KeyUriPart,
    },
    /// A part has a control character.
    #[error("the {part} has a control character")]
    ControlCharacter {
        /// Which part.
        part: KeyUriPart,
    },
    /// An issuer or an account begins or ends with white space.
    #[error("the {part} begins or ends with white space")]
    OuterSpace {
        /// Which part.
        part: KeyUriPart,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("the {part} has a percent sign without two hexadecimal digits after it")]
    Escape {
        /// Which part.
        part: KeyUriPart,
    },
    /// The percent-decoded bytes are not UTF-8.
    #[error("the {part} is not UTF-8")]
    Utf8 {
        /// Which part.
        part: KeyUriPart,
    },
    /// A character stands unescaped where RFC 3986 does not allow it.
    #[error("the {part} has a character that must be percent-encoded")]
    Unescaped {
        /// Which part.
        part: KeyUriPart,
    },
    /// An unescaped `+` in a parameter: a plus sign to some readers, a space to others. In an
    /// issuer prefix it is refused if the issuer has a space in its place.
    #[error("the {part} has a plus sign that must be percent-encoded")]
    Plus {
        /// Which part.
        part: KeyUriPart,
    },
    /// A parameter is given twice.
    #[error("the {part} is given twice")]
    Duplicate {
        /// Which part.
        part: KeyUriPart,
    },
    /// A parameter is given twice, with different values. No reading of it is safe: one app takes
    /// the first value and another the last.
    #[error("the {part} is given twice, with different values")]
    Conflict {
        /// Which part.
        part: KeyUriPart,
    },
    /// The name of a parameter is not one of the Key URI Format. The name is not quoted: where a
    /// URI is garbled it can be a piece of the secret.
    #[error("parameter {position} has an unknown name")]
    UnknownParameter {
        /// Which parameter, counted from 1.
        position: usize,
    },
    /// The name of a parameter is unknown, but ends in a known one, digits and punctuation at the
    /// end aside: `xdigits`, `digits[]`. Only the lenient reader says so; it ignores other unknown
    /// names.
    #[error("parameter {position} has an unknown name that ends as that of the {part}")]
    GarbledName {
        /// Which parameter, counted from 1.
        position: usize,
        /// Which parameter it ends in.
        part: KeyUriPart,
    },
    /// Two `&` in a row, or one at the end.
    #[error("parameter {position} is empty")]
    EmptyParameter {
        /// Which parameter, counted from 1.
        position: usize,
    },
    /// A parameter of another program that changes the passcodes: ignoring it would make wrong
    /// ones.
    #[error("the parameter {name} is not supported")]
    Unsupported {
        /// Its name.
        name: &'static str,
    },
    /// A parameter that the type does not have: `period` of hotp, `counter` of totp.
    #[error("the {part} does not belong to this type of key URI")]
    NotForType {
        /// Which part.
        part: KeyUriPart,
    },
    /// The value is not a decimal number, or is one above 2^64 - 1.
    #[error("the {part} is not a decimal number below 2^64")]
    Number {
        /// Which part.
        part: KeyUriPart,
    },
    /// The image is not the `https://` address of a picture.
    #[error("the image is not an https address")]
    Image,
    /// The secret is not base32, too short or too long.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The algorithm is unknown.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// The number of digits is out of range.
    #[error(transparent)]
    Digits(#[from] DigitsError),
    /// The period is 0.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

/// The part of a key URI that an error or a repair is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUriPart {
    /// What the label says before its colon.
    IssuerPrefix,
    /// The account name in the label.
    Account,
    /// The parameter `secret`.
    Secret,
    /// The parameter `issuer`.
    Issuer,
    /// The parameter `algorithm`.
    Algorithm,
    /// The parameter `digits`.
    Digits,
    /// The parameter `period`.
    Period,
    /// The parameter `counter`.
    Counter,
    /// The parameter `image`.
    Image,
}

impl KeyUriPart {
    /// The parameters of the Key URI Format, and `image`.
    pub(super) const PARAMETERS: [Self; 7] = [
        Self::Secret,
        Self::Issuer,
        Self::Algorithm,
        Self::Digits,
        Self::Period,
        Self::Counter,
        Self::Image,
    ];

    /// The name: `secret`, `digits`, `issuer prefix`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssuerPrefix => "issuer prefix",
            Self::Account => "account",
            Self::Secret => "secret",
            Self::Issuer => "issuer",
            Self::Algorithm => "algorithm",
            Self::Digits => "digits",
            Self::Period => "period",
            Self::Counter => "counter",
            Self::Image => "image",
        }
    }

    /// Whether the part stands in the query, where an unescaped `+` is ambiguous.
    pub(super) const fn is_parameter(self) -> bool {
        !matches!(self, Self::IssuerPrefix | Self::Account)
    }
}

impl fmt::Display for KeyUriPart {
    /// Writes the name as it stands in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Digits => "number of digits",
            part => part.name(),
        })
    }
}
