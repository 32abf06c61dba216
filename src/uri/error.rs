//! The errors of key URIs, and the names of their parts.

use crate::otp::{AlgorithmError, DigitsError, PeriodError, SecretError};
use core::fmt;

/// The error for a key URI that cannot be built or parsed.
///
/// The message names the parameter. It never quotes the URI, because any part may be the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyUriError {
    /// The URI is longer than [`KeyUri::MAX_BYTES`](crate::uri::KeyUri::MAX_BYTES).
    #[error("the key URI has {bytes} bytes; at most 4096 are taken")]
    TooLong {
        /// The length in bytes.
        bytes: usize,
    },
    /// The account or the issuer of an enrollment is longer than 1,024 bytes.
    #[error("the {part} has {bytes} bytes; at most 1024 are taken")]
    PartTooLong {
        /// The part.
        part: KeyUriPart,
        /// The length in bytes.
        bytes: usize,
    },
    /// The key URI of an enrollment is too long for a QR code at level M.
    ///
    /// Percent-encoding makes three bytes of each byte that is not ASCII, and the URI has the
    /// issuer twice.
    #[error(
        "the key URI has {bytes} bytes; a QR code holds 2331: shorten the account name or issuer"
    )]
    TooLongForQrCode {
        /// The length in bytes.
        bytes: usize,
    },
    /// The text does not begin with `otpauth://`.
    #[error("the key URI does not begin with otpauth://")]
    Scheme,
    /// White space, a control character or an invisible character is before or after the URI.
    #[error("the key URI has white space or an invisible character before or after it")]
    Surroundings,
    /// The text is an export of Google Authenticator, which is not a key URI. `uri::migration`
    /// reads exports.
    #[error("otpauth-migration:// is an export of Google Authenticator, not a key URI")]
    Migration,
    /// The URI is for Steam Guard, which computes other passcodes from the same secret.
    ///
    /// A reader returns this error only without the feature `steam`. With this feature, the type is
    /// `KeyUriKind::Steam`.
    #[error("the key URI is for Steam Guard, whose codes are not supported")]
    Steam,
    /// The type is neither `totp` nor `hotp`.
    #[error("the type of the key URI is neither totp nor hotp")]
    Type,
    /// A required part is missing.
    #[error("the {part} is missing")]
    Missing {
        /// The part.
        part: KeyUriPart,
    },
    /// A part is empty.
    #[error("the {part} is empty")]
    Empty {
        /// The part.
        part: KeyUriPart,
    },
    /// An issuer or an account has a colon, plain or as `%3A`. The colon separates the two.
    #[error("the {part} has a colon")]
    Colon {
        /// The part.
        part: KeyUriPart,
    },
    /// A part has a control character.
    #[error("the {part} has a control character")]
    ControlCharacter {
        /// The part.
        part: KeyUriPart,
    },
    /// An issuer or an account begins or ends with white space.
    #[error("the {part} begins or ends with white space")]
    OuterSpace {
        /// The part.
        part: KeyUriPart,
    },
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("the {part} has a percent sign without two hexadecimal digits after it")]
    Escape {
        /// The part.
        part: KeyUriPart,
    },
    /// The percent-decoded bytes are not UTF-8.
    #[error("the {part} is not UTF-8")]
    Utf8 {
        /// The part.
        part: KeyUriPart,
    },
    /// A character is unescaped where RFC 3986 does not allow it.
    #[error("the {part} has a character that must be percent-encoded")]
    Unescaped {
        /// The part.
        part: KeyUriPart,
    },
    /// A parameter has an unescaped `+`, which some readers take as a plus sign and others as a
    /// space. In an issuer prefix, a `+` is an error only if the parameter `issuer` has a space in
    /// its place.
    #[error("the {part} has a plus sign that must be percent-encoded")]
    Plus {
        /// The part.
        part: KeyUriPart,
    },
    /// A parameter is given twice.
    #[error("the {part} is given twice")]
    Duplicate {
        /// The part.
        part: KeyUriPart,
    },
    /// A parameter is given twice, with different values. No choice is safe: one app uses the first
    /// value and another the last.
    #[error("the {part} is given twice, with different values")]
    Conflict {
        /// The part.
        part: KeyUriPart,
    },
    /// The Key URI Format has no parameter with this name. The message does not quote the name: in
    /// a garbled URI the name can be a piece of the secret.
    #[error("parameter {position} has an unknown name")]
    UnknownParameter {
        /// The number of the parameter, from 1.
        position: usize,
    },
    /// The name of a parameter is unknown but ends in a known name, such as `xdigits` or
    /// `digits[]`.
    ///
    /// Digits and punctuation at the end do not count. Only the lenient parser returns this error.
    /// The lenient parser ignores other unknown names.
    #[error("parameter {position} has an unknown name that ends as that of the {part}")]
    GarbledName {
        /// The number of the parameter, from 1.
        position: usize,
        /// The known parameter whose name is at the end.
        part: KeyUriPart,
    },
    /// A parameter is empty: the query has two `&` in a row, or one at the end.
    #[error("parameter {position} is empty")]
    EmptyParameter {
        /// The number of the parameter, from 1.
        position: usize,
    },
    /// A parameter of another program changes the passcodes. A reader that ignores the parameter
    /// would compute wrong passcodes.
    #[error("the parameter {name} is not supported")]
    Unsupported {
        /// The name of the parameter.
        name: &'static str,
    },
    /// The type does not have this parameter: a hotp URI has no `period`, a totp URI no `counter`.
    ///
    /// In a Steam Guard URI, the algorithm can only be SHA-1, the number of digits 5, and the
    /// period 30.
    #[error("the {part} does not belong to this type of key URI")]
    NotForType {
        /// The part.
        part: KeyUriPart,
    },
    /// The value is not a decimal number, or is above 2^64 - 1.
    #[error("the {part} is not a decimal number below 2^64")]
    Number {
        /// The part.
        part: KeyUriPart,
    },
    /// The image is not an `https://` address.
    #[error("the image is not an https address")]
    Image,
    /// The secret is not base32, or is too short or too long.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The algorithm is unknown.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// The number of digits is not 6, 7 or 8.
    #[error(transparent)]
    Digits(#[from] DigitsError),
    /// The period is 0.
    #[error(transparent)]
    Period(#[from] PeriodError),
}

/// A part of a key URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUriPart {
    /// The part of the label before its colon.
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
    /// The parameter `encoder`, which marks Steam Guard.
    #[cfg(feature = "steam")]
    Encoder,
    /// The parameter `image`.
    Image,
}

impl KeyUriPart {
    /// The parameters of the Key URI Format, and `image`.
    pub(super) const PARAMETERS: &[Self] = &[
        Self::Secret,
        Self::Issuer,
        Self::Algorithm,
        Self::Digits,
        Self::Period,
        Self::Counter,
        #[cfg(feature = "steam")]
        Self::Encoder,
        Self::Image,
    ];

    /// Returns the name: `secret`, `digits`, `issuer prefix`.
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
            #[cfg(feature = "steam")]
            Self::Encoder => "encoder",
            Self::Image => "image",
        }
    }

    /// Whether the part is in the query, where an unescaped `+` is ambiguous.
    pub(super) const fn is_parameter(self) -> bool {
        !matches!(self, Self::IssuerPrefix | Self::Account)
    }
}

impl fmt::Display for KeyUriPart {
    /// Writes the name as in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Digits => "number of digits",
            part => part.name(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn names_of_parts_can_be_padded() {
        assert_eq!(format!("{:>8}", KeyUriPart::Secret), "  secret");
        assert_eq!(KeyUriPart::IssuerPrefix.to_string(), "issuer prefix");
    }
}
